#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/claims.h"

namespace ghost::ariascribe {

enum class ExportFormat : std::uint8_t { jsonld, csv, marcxml };

/// A work as it leaves the catalogue: values that are shown, and the names of what they name.
struct ExportedWork {
  std::string id;
  std::vector<Ref> refs;
  std::string title, composer, composer_id, parent, part_number, form, key, year;
  std::vector<std::string> catalogue;
  std::vector<std::pair<std::string, std::string>> aliases, media;  ///< with their language, their count
  std::vector<std::pair<std::string, std::string>> licences;        ///< sources of what is shown, with licence
};

/// What stands before the first work, between two, and behind the last.
std::string export_head(ExportFormat format);
std::string export_work(ExportFormat format, const ExportedWork& work, bool first);
std::string export_tail(ExportFormat format);

}  // namespace ghost::ariascribe
