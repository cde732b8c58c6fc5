#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ariascribe/tag_reader_service.h"
#include "base/file.h"

namespace ghost::ariascribe {

/// Called before each step that could be the last one a process takes; tests end the process there.
using Checkpoint = std::function<void(std::string_view step)>;

/// A file whose tags are to be replaced.
struct Rewrite {
  std::filesystem::path path;
  FileIdentity identity;  ///< as it was when the change was worked out
  std::function<std::vector<Tag>(std::vector<Tag>)> change;  ///< the tags that are to stand, from those that stand
};

/// A file that was not written, since its format cannot hold the tags.
struct PassedBy {
  std::filesystem::path path;
  std::string reason;
};

struct CommitSummary {
  std::string id;    ///< "20260301-170512-4f2a"
  std::size_t files = 0;
  bool undone = false;
  std::vector<PassedBy> passed_by;
};

/// Replaces the tags of files so that each can be put back byte for byte (docs/spec/ariascribe.md §8). Every file is written as a
/// copy beside it and renamed over it; what stood where the tags change is kept in the state directory before that. Killed at any moment,
/// every file is whole, the old one or the new one, and undo() still puts back all that was replaced.
class Journal {
 public:
  /// Opens the journal under `state`; takes away copies that a killed process left. busy while another process writes.
  static Result<Journal> open(const std::filesystem::path& state, Checkpoint checkpoint = {});

  /// Rewrites the files in order. Stops at the first that fails, and puts back those before it; the error names it. conflict when a
  /// file is not as it was read. Files whose format cannot hold the tags are passed by and told in the summary.
  Result<CommitSummary> commit(const std::vector<Rewrite>& files);
  /// Puts back the files of a commit, "" being the last one not undone. conflict, naming the file, when one has been changed since
  /// (then nothing is put back); not_found when there is nothing to undo.
  Result<CommitSummary> undo(const std::string& id);
  /// All commits, the oldest first.
  Result<std::vector<CommitSummary>> list() const;

 private:
  struct Entry;
  Journal(std::filesystem::path folder, FileLock lock, Checkpoint checkpoint);
  Status recover();
  Result<std::vector<Entry>> read(const std::string& id) const;
  /// What a file of a commit is: as before it, as after it, or something else.
  enum class State : std::uint8_t { before, after, other };
  Result<State> state_of(const Entry& entry) const;
  Status keep_and_replace(Entry& entry, const Rewrite& file, const std::string& id, std::string& problem);
  Status replace(const std::filesystem::path& path, const std::string& temporary, const std::vector<Splice>& splices, std::int64_t modified_ns);
  Status put_back(const std::vector<Entry>& entries, const std::string& id);
  Status append_line(const std::string& id, const std::string& line);
  void step(std::string_view name) const {
    if (checkpoint_) checkpoint_(name);
  }

  std::filesystem::path folder_;
  FileLock lock_;
  Checkpoint checkpoint_;
};

}  // namespace ghost::ariascribe
