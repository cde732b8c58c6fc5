#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "audiojuggler/rip.h"
#include "base/file.h"

namespace ghost::audiojuggler {

/// What a grab is of; one that goes on must be of the same.
struct GrabIdentity {
  Toc toc;
  std::string format;
  int offset = 0;
  std::vector<std::string> files;  ///< of the tracks, in order

  std::string text() const;
};

/// The folder of a grab. What is under way stands in ".grab" in it, so that one that was stopped goes on where it was; a file has its own name
/// only when it is whole and verified.
class GrabFolder {
 public:
  /// Makes the folder, or finds an unfinished grab in it and goes on with that. exists when it holds a grab, or a file that this one would write;
  /// conflict when an unfinished grab in it is of something else; busy when another process grabs into it.
  static Result<GrabFolder> open(const std::filesystem::path& folder, const GrabIdentity& identity);

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path samples(unsigned number) const { return work_ / (name(number) + ".pcm"); }
  std::filesystem::path evidence(unsigned number) const { return work_ / (name(number) + ".windows"); }
  std::filesystem::path unnamed(unsigned number) const { return work_ / (name(number) + ".audio"); }
  std::filesystem::path named(const std::string& file) const { return folder_ / file; }

  /// What is known of a track that was finished before; its file is there.
  std::optional<RipTrack> finished(unsigned number) const;
  /// Keeps the record of a track, gives its file its name and drops its samples.
  Status finish_track(const RipTrack& track);
  /// Writes rip.json, rip.log and disc.cue and removes what was under way.
  Status finish(const Rip& rip);

 private:
  GrabFolder(std::filesystem::path folder, FileLock lock) : folder_(std::move(folder)), work_(folder_ / ".grab"), lock_(std::move(lock)) {}
  static std::string name(unsigned number) { return two_digits(number); }
  std::filesystem::path record(unsigned number) const { return work_ / (name(number) + ".json"); }
  Status check_free(const GrabIdentity& identity) const;

  std::filesystem::path folder_, work_;
  FileLock lock_;
};

}  // namespace ghost::audiojuggler
