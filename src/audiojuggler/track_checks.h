#pragma once
#include "audiojuggler/checksum.h"
#include "audiojuggler/rip.h"
#include "audiojuggler/waveform.h"

namespace ghost::audiojuggler {

/// Everything that is computed of a track's samples, in one go.
class TrackChecks {
 public:
  struct Place {
    std::uint64_t frames = 0;         ///< of the track
    AccurateRip::Place accuraterip = AccurateRip::Place::middle;
    std::uint64_t disc_from = 0;      ///< PCM frames of audio before it, from index 1 of the first track
    std::uint64_t disc_frames = 0;    ///< of all audio from there
    bool hidden = false;              ///< AccurateRip and CUETools DB do not know of it
  };
  /// Of the track at `index` of a disc; of the hidden one without.
  static Place place_of(const Toc& toc, std::optional<std::size_t> index);

  explicit TrackChecks(const Place& place);
  /// The next whole frames.
  void update(BytesView samples);
  /// Puts all into `track`.
  void finish(RipTrack& track);
  bool silent() const { return silent_; }

 private:
  Place place_;
  Crc32 crc_;
  AccurateRip accuraterip_;
  std::uint64_t ctdb_from_, ctdb_to_, at_ = 0;  ///< bytes of the track
  Crc32 ctdb_;
  Sha256 sha256_;
  Peaks peaks_;
  bool silent_ = true;
};

}  // namespace ghost::audiojuggler
