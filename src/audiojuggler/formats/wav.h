#pragma once
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::audiojuggler {

/// What the head of a WAV file says of its samples.
struct WavInfo {
  std::uint32_t rate = 0;
  std::uint16_t channels = 0;
  std::uint16_t bits = 0;          ///< of a sample: 8, 16, 24 or 32, integers
  std::uint64_t data_offset = 0;   ///< bytes
  std::uint64_t data_bytes = 0;    ///< all are in the file
};

/// Enough of a file's beginning to find its samples.
constexpr std::size_t kWavHead = 64 * 1024;

/// RIFF/WAVE and RF64. malformed when it is no such file, unsupported for samples that are no integers, data_loss when the file ends before them.
/// @param head       the file's first bytes, kWavHead when it has as many
/// @param file_size  bytes of the whole
Result<WavInfo> parse_wav(BytesView head, std::uint64_t file_size);
/// The 44 bytes before integer samples; exhausted when they'd be 4 GiB or more.
Result<Bytes> make_wav_head(std::uint32_t rate, std::uint16_t channels, std::uint16_t bits, std::uint64_t data_bytes);

}  // namespace ghost::audiojuggler
