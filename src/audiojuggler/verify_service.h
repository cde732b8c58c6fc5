#pragma once
#include <atomic>
#include <filesystem>
#include <functional>

#include "audiojuggler/drives/drive.h"
#include "audiojuggler/rip.h"

namespace ghost::audiojuggler {

/// What a check of one track found.
struct VerifiedTrack {
  unsigned number = 0;
  std::string file;
  bool sound = false;     ///< the file decodes to the samples rip.json tells of
  bool compared = false;  ///< and was compared with the disc …
  bool same = false;      ///< … whose samples are the same, bit for bit
  std::string why;        ///< what is wrong, "" for nothing

  bool good() const { return sound && (!compared || same); }
};

struct Verification {
  Rip rip;
  std::vector<VerifiedTrack> tracks;
  bool log_whole = false;  ///< rip.log is as it was written
  bool good() const;
};

/// Hears how a check goes.
struct VerifyObserver {
  std::function<void(const Rip&)> on_rip;
  std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total)> on_progress;
  std::function<void(std::size_t index, const VerifiedTrack&)> on_track;
};

/// Decodes each file of a grab and compares it with rip.json and, where `against` is given, with the disc. What is wrong with a file is in the
/// answer; an error means that nothing could be checked.
Result<Verification> verify(const std::filesystem::path& folder, Drive* against, const VerifyObserver& observer, const std::atomic<bool>& cancelled);

}  // namespace ghost::audiojuggler
