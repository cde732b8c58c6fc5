#pragma once
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "audiojuggler/drives/drive.h"
#include "audiojuggler/rip.h"

namespace ghost::audiojuggler {

struct GrabOptions {
  std::string source;                 ///< for the record: path of image or device
  std::filesystem::path into;
  std::string format = "flac";        ///< or "wav"
  int offset = 0;                     ///< read offset of the drive, PCM frames
  std::vector<std::string> titles;    ///< win over CD-TEXT; empty for none
  bool hidden = false;                ///< keep a hidden first track that is silent, too
  std::string program;                ///< "audiojuggler 0.1.0"
};

/// What a grab will write.
struct PlannedTrack {
  unsigned number = 0;
  std::string title;
  std::string file;
  std::uint32_t sectors = 0;
};

/// Hears how a grab goes. Called from several threads, never two at a time.
class GrabObserver {
 public:
  virtual ~GrabObserver() = default;
  virtual void on_disc(const Disc& disc, const std::vector<PlannedTrack>& tracks) = 0;
  /// Work on the track at `index`: reading and writing each count for half of its sectors.
  /// @param sectors_read  of all tracks, with every reading again
  virtual void on_progress(std::size_t index, std::uint32_t sectors_done, std::uint64_t sectors_read) = 0;
  /// The track's file stands under its name and was verified.
  virtual void on_track(std::size_t index, const RipTrack& track) = 0;
};

/// Grabs all audio tracks of a disc, one file each, with rip.json, rip.log and disc.cue (docs/guide/grab-a-disc.md). Reads on the calling thread,
/// writes on others; returns when all is done. After an error or cancel, the same call goes on where it was.
/// @param cancelled  may turn true at any time
Result<Rip> grab(Drive& drive, const GrabOptions& options, GrabObserver& observer, const std::atomic<bool>& cancelled);

}  // namespace ghost::audiojuggler
