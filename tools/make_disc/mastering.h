#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace ghost::disc {

inline constexpr std::size_t kFramesPerSector = 588;  ///< Red Book: 1/75 s, 2,352 bytes

/// Stereo samples for a disc, left and right by turns, whole sectors.
using Pcm = std::vector<std::int16_t>;

/// Cuts the silence around the sound, lets its end fade, brings its loudest sample to `peak_dbfs`, and makes 16 bits of it with
/// triangular dither (the noise is a function of `seed`). Silence gives one sector of zeros.
Pcm master(std::span<const float> samples, double peak_dbfs, std::uint32_t seed);

}  // namespace ghost::disc
