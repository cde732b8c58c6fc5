#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ghost::audiojuggler {

/// A small picture of a track: how loud it gets in each of 200 parts, 0 to 255.
class Peaks {
 public:
  static constexpr std::size_t kCount = 200;
  /// @param frames  PCM frames that will come
  explicit Peaks(std::uint64_t frames) : frames_(frames), highest_(kCount, 0) {}
  /// 16-bit stereo, little-endian, whole frames.
  void update(BytesView samples);
  Bytes values() const;

 private:
  std::uint64_t frames_, at_ = 0;
  std::size_t part_ = 0;          ///< under way …
  std::uint64_t part_end_ = 0;    ///< … up to this frame
  std::vector<int> highest_;
};

/// What a waveform is drawn from: for each column the lowest and highest sample and the mean power, of each channel.
class Waveform {
 public:
  struct Column {
    float low = 0, high = 0;
    double power = 0;          ///< sum of squares
    std::uint64_t samples = 0;
  };
  /// @param frames  that will come; columns are at least one frame wide
  Waveform(std::uint64_t frames, std::uint32_t rate, unsigned channels, unsigned columns);
  /// Interleaved samples in -1 … 1, whole frames.
  void update(std::span<const float> samples);

  unsigned channels() const { return channels_; }
  unsigned columns() const { return columns_; }
  const Column& at(unsigned channel, unsigned column) const { return data_[channel * columns_ + column]; }
  double seconds() const { return static_cast<double>(frames_) / rate_; }

 private:
  std::uint64_t frames_, place_ = 0;
  std::uint32_t rate_;
  unsigned channels_, columns_;
  std::vector<Column> data_;
};

/// Pixels, row by row.
struct Raster {
  unsigned width = 0, height = 0;
  Bytes rgba;  ///< four bytes a pixel

  std::uint8_t* at(unsigned x, unsigned y) { return rgba.data() + (std::size_t{y} * width + x) * 4; }
};

/// Extremes light, RMS strong, a line at zero, fainter ones at half of full scale, time along the bottom. On a transparent ground, in colours that stand out on white and on black.
Raster draw(const Waveform& waveform, unsigned height);

}  // namespace ghost::audiojuggler
