#include "mastering.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ghost::disc {

namespace {

constexpr std::size_t kLead = 44'100 / 5;      ///< frames of quiet before the first sound
constexpr std::size_t kFade = 44'100 * 5 / 4;  ///< frames in which the end fades
constexpr double kStart = 0.0005, kEnd = 0.0006;  ///< of the peak: what counts as sound at the start and at the end (-66, -64 dB)

/// Marsaglia's xorshift: enough for dither, the same everywhere.
class Noise {
 public:
  explicit Noise(std::uint32_t seed) : state_(seed * 2'654'435'761u + 0x9e3779b9u) {
    if (state_ == 0) state_ = 1;
  }
  /// Triangular between -1 and 1.
  double triangular() { return uniform() - uniform(); }

 private:
  double uniform() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return static_cast<double>(state_) / 4'294'967'296.0;
  }
  std::uint32_t state_;
};

struct Sounding {
  std::size_t first = 0, end = 0;  ///< frames
};

Sounding sounding(std::span<const float> samples, double peak) {
  const std::size_t frames = samples.size() / 2;
  const auto level = [&](std::size_t frame) {
    return static_cast<double>(std::max(std::abs(samples[2 * frame]), std::abs(samples[2 * frame + 1])));
  };
  Sounding found{0, frames};
  while (found.first < frames && level(found.first) < peak * kStart) ++found.first;
  while (found.end > found.first && level(found.end - 1) < peak * kEnd) --found.end;
  return found;
}

/// 1 to 0 along half a cosine over the last kFade frames.
double fade(std::size_t frames_left) {
  if (frames_left >= kFade) return 1;
  return 0.5 - 0.5 * std::cos(std::numbers::pi * static_cast<double>(frames_left) / static_cast<double>(kFade));
}

}  // namespace

Pcm master(std::span<const float> samples, double peak_dbfs, std::uint32_t seed) {
  double peak = 0;
  for (const float sample : samples) peak = std::max(peak, static_cast<double>(std::abs(sample)));
  if (peak == 0) return Pcm(2 * kFramesPerSector, 0);
  const Sounding range = sounding(samples, peak);
  const double gain = 32'767.0 * std::pow(10.0, peak_dbfs / 20) / peak;
  const std::size_t frames = kLead + range.end - range.first;
  const std::size_t sectors = (frames + kFramesPerSector - 1) / kFramesPerSector;
  Pcm out(2 * kFramesPerSector * sectors, 0);
  Noise noise(seed);
  for (std::size_t frame = range.first; frame < range.end; ++frame)
    for (std::size_t channel = 0; channel < 2; ++channel) {
      const double value = static_cast<double>(samples[2 * frame + channel]) * gain * fade(range.end - frame) + noise.triangular();
      out[2 * (kLead + frame - range.first) + channel] = static_cast<std::int16_t>(std::clamp(std::lround(value), -32'768l, 32'767l));
    }
  return out;
}

}  // namespace ghost::disc
