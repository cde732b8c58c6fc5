#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "ariascribe/audit.h"
#include "ariascribe/knowledge_service.h"

namespace ghost::ariascribe {

struct AuditSummary {
  std::size_t files = 0, findings = 0;
  std::size_t unread = 0;  ///< files that could not be read
};

/// Whom an audit tells, while it goes on.
struct AuditListener {
  std::function<void(const Finding&)> on_finding;
  std::function<void(const std::filesystem::path&, const Error&)> on_unread;
  std::function<bool(std::size_t files)> go_on = {};  ///< while files are listed (0) and after each one read; false: stop. May be empty
};

/// Reads the tags of all files at these places, folder by folder, and tells what an Audit finds. Writes nothing. Errors: as tagged_files()
/// has them; not_found when there is no file with tags, cancelled when it was stopped.
Result<AuditSummary> audit_places(const Knowledge& knowledge, const std::vector<std::filesystem::path>& places, const AuditListener& listener);

}  // namespace ghost::ariascribe
