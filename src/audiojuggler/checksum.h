#pragma once
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace ghost::audiojuggler {

/// CRC-32 of IEEE 802.3 (zlib's) of samples, piece by piece.
class Crc32 {
 public:
  Crc32& update(BytesView bytes);
  std::uint32_t value() const { return value_; }

 private:
  std::uint32_t value_ = 0;
};
std::uint32_t crc32(BytesView bytes);

/// Both checksums of AccurateRip over one track (docs/spec/audiojuggler.md §7): a sum of each PCM frame, as a 32-bit number, times its place. The
/// first 2,939 frames of the first audio track and the last 2,940 of the last are left out, which a drive's read offset can reach.
class AccurateRip {
 public:
  enum class Place : unsigned char { first = 1, middle = 0, last = 2, only = 3 };
  /// @param frames  PCM frames of the whole track
  AccurateRip(std::uint64_t frames, Place place);

  /// The track's next whole frames.
  void update(BytesView samples);
  std::uint32_t v1() const { return low_; }
  std::uint32_t v2() const { return low_ + high_; }

 private:
  std::uint64_t from_, to_;  ///< of the places that count, the first is 1
  std::uint64_t place_ = 0;
  std::uint32_t low_ = 0, high_ = 0;
};

/// CUETools DB's checksum of a disc: CRC-32 of all its audio from index 1 of the first track, but for 10 sectors at the start and, at the end, 10
/// sectors and what makes the rest a multiple of 10 (docs/spec/audiojuggler.md §7).
class CtdbCrc {
 public:
  /// @param frames  PCM frames of all audio tracks together
  explicit CtdbCrc(std::uint64_t frames);
  void update(BytesView samples);
  std::uint32_t value() const { return crc_.value(); }

  std::uint64_t skipped_at_start() const { return from_ / 4; }               ///< PCM frames
  std::uint64_t skipped_at_end() const { return (bytes_ - to_) / 4; }

 private:
  std::uint64_t bytes_, from_, to_, at_ = 0;
  Crc32 crc_;
};

}  // namespace ghost::audiojuggler
