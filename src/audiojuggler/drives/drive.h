#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audiojuggler/disc.h"

namespace ghost::audiojuggler {

/// What a drive says of itself.
struct DriveInfo {
  std::string path;                 ///< "/dev/sr0", or of an image
  std::string vendor, model, revision;
  bool exact = false;               ///< every read gives what is there: an image, not a laser
  bool c2 = false;                  ///< tells which bytes it could not correct
  bool accurate_stream = false;
  std::uint32_t cache_sectors = 0;  ///< that it may answer from without reading the disc again; 0 when it does not tell
};

/// One sector as it was read.
struct SectorRead {
  std::array<std::uint8_t, kSectorBytes> audio{};
  /// A bit for each byte of `audio`, most significant first: set where the drive could not correct it. Empty without C2.
  std::optional<std::array<std::uint8_t, kSectorBytes / 8>> c2;
  std::optional<Lba> at;       ///< where it is, by its own Q sub-channel; nothing when that was unreadable
  std::optional<Error> error;  ///< why it could not be read; the rest means nothing then
};

/// Something with a disc in it. One thread at a time.
class Drive {
 public:
  virtual ~Drive() = default;
  virtual const DriveInfo& info() const = 0;
  /// TOC with pregaps and indexes, CD-TEXT, ISRC and MCN. Slow on a real drive; the answer is kept.
  virtual Result<Disc> read_disc() = 0;
  /// Fills `out` with the sectors from `first` on. What ails single sectors is in them; a failure as a whole means that the drive is gone.
  virtual Status read(Lba first, std::span<SectorRead> out) = 0;
  /// A multiple of playing speed, 0 for the highest. A drive may do as it likes.
  virtual void set_speed(unsigned times) = 0;
};

}  // namespace ghost::audiojuggler
