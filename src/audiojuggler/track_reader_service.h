#pragma once
#include <atomic>
#include <functional>

#include "audiojuggler/grab_folder_service.h"
#include "audiojuggler/grabber.h"

namespace ghost::audiojuggler {

/// Reads one track of a disc into the samples file of a grab's folder, window by window; each window is kept with its doubts as soon as it is
/// settled, and one that was kept before is not read again.
class TrackReader {
 public:
  struct Part {
    unsigned number = 0;       ///< of the track
    std::uint32_t start = 0;   ///< LBA of its first sector
    std::uint32_t sectors = 0;
  };
  struct Progress {
    std::uint32_t sectors_done = 0;
    std::uint64_t sectors_read = 0;  ///< with every reading again, of this track in this run
  };
  using Tell = std::function<void(const Progress&)>;

  /// @param offset  read offset: PCM frames by which the drive reads late
  TrackReader(Drive& drive, const Toc& toc, int offset, const std::atomic<bool>& cancelled) : drive_(drive), toc_(toc), offset_(offset), cancelled_(cancelled) {}

  /// cancelled when told so; the error of the drive when it is gone. Gives the doubts, by sectors of the disc.
  Result<std::vector<Doubt>> read(const Part& part, const GrabFolder& folder, const Tell& tell);
  /// Bytes of samples from sector `first` on, straight, for a comparison.
  Result<Bytes> read_window(Lba first, std::uint32_t sectors, std::vector<Doubt>& doubts, const std::function<void(std::uint32_t settled, std::uint64_t read)>& tell);

  /// Sectors a window has.
  static std::uint32_t window_of(const GrabRules& rules);

 private:
  Status run(Grabber& grabber, const std::function<void(std::uint32_t, std::uint64_t)>& tell);
  Status read_checked(const GrabRead& read, std::vector<SectorRead>& out);

  Drive& drive_;
  const Toc& toc_;
  int offset_;
  const std::atomic<bool>& cancelled_;
  bool slow_ = false;
};

}  // namespace ghost::audiojuggler
