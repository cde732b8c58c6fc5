#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "ariascribe/journal_service.h"
#include "ariascribe/knowledge_service.h"
#include "ariascribe/tag_changes.h"

namespace ghost::ariascribe {

/// What would change in one file.
struct FileProposal {
  std::filesystem::path path;
  std::string title_before;
  Identification found;
  std::vector<TagChange> changes;  ///< empty where nothing is to be written
  std::string problem;             ///< why the file can't be read; "" when it can
  TaggedFile file;                 ///< as it was read; values longer than 4 KiB, which are pictures, left out
};

/// Which bands are written.
enum class Reach : std::uint8_t { apply, apply_and_review };

/// Reads the files at these places, each folder as one album in the order of disc and track numbers, and works out what would
/// change. Writes nothing. Errors: not_found and refused, naming a place that cannot be read; a file that cannot be is told in its
/// FileProposal.
Result<std::vector<FileProposal>> propose(const Matcher& matcher, const std::vector<std::filesystem::path>& places, Reach reach);

/// Writes what was proposed. The summary counts files and names those that could not be written; nothing to write is no commit: its id is "".
Result<CommitSummary> commit(Journal& journal, const std::vector<FileProposal>& proposals);

}  // namespace ghost::ariascribe
