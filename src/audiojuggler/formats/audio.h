#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "audiojuggler/names.h"
#include "base/result.h"

namespace ghost::audiojuggler {

/// Samples as integers.
struct PcmFormat {
  std::uint32_t rate = 44100;
  unsigned channels = 2;
  unsigned bits = 16;  ///< that count, of each sample
};
constexpr std::size_t kBlockFrames = 4096;  ///< PCM frames read and written at a time

/// A sound file being read, from its beginning.
class AudioReader {
 public:
  virtual ~AudioReader() = default;
  virtual PcmFormat format() const = 0;
  /// PCM frames of the whole; 0 when the file does not tell.
  virtual std::uint64_t frames() const = 0;
  virtual const Tags& tags() const = 0;
  /// Fills whole frames, interleaved, from the start of `out`; gives how many frames, 0 at the end. data_loss when the file is damaged.
  virtual Result<std::size_t> read(std::span<std::int32_t> out) = 0;
};

/// A sound file being written. Dropped without finish() it leaves nothing.
class AudioWriter {
 public:
  virtual ~AudioWriter() = default;
  /// Interleaved whole frames.
  virtual Status write(std::span<const std::int32_t> samples) = 0;
  /// Ends the file and gives it its name.
  virtual Status finish() = 0;
};

}  // namespace ghost::audiojuggler
