#include "audiojuggler/waveform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {

namespace {

struct Colour {
  std::uint8_t r, g, b, a;
};
constexpr Colour kExtremes = {92, 156, 214, 255}, kRms = {26, 104, 176, 255}, kLine = {128, 128, 128, 255}, kGrid = {128, 128, 128, 70};
constexpr unsigned kAxis = 16;  ///< rows below for the time

/// Digits and a colon, 3 by 5 pixels, a row a number, most significant of three bits left.
constexpr std::array<std::array<std::uint8_t, 5>, 11> kGlyphs = {{{7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1}, {7, 4, 7, 1, 7},
                                                                   {7, 4, 7, 5, 7}, {7, 1, 1, 1, 1}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}, {0, 2, 0, 2, 0}}};

void put(Raster& raster, unsigned x, unsigned y, Colour colour) {
  if (x >= raster.width || y >= raster.height) return;
  std::uint8_t* pixel = raster.at(x, y);
  pixel[0] = colour.r, pixel[1] = colour.g, pixel[2] = colour.b, pixel[3] = colour.a;
}

void write(Raster& raster, unsigned x, unsigned y, std::string_view text) {
  for (const char c : text) {
    const auto& glyph = kGlyphs[c == ':' ? 10 : static_cast<std::size_t>(c - '0')];
    for (unsigned row = 0; row < 5; ++row) {
      for (unsigned column = 0; column < 3; ++column) {
        if ((glyph[row] >> (2 - column) & 1) == 0) continue;
        for (unsigned dy = 0; dy < 2; ++dy) put(raster, x + column * 2, y + row * 2 + dy, kLine), put(raster, x + column * 2 + 1, y + row * 2 + dy, kLine);
      }
    }
    x += 8;
  }
}

/// Seconds between marks, so that there are about ten of them and they are round.
double step_of(double seconds) {
  constexpr std::array<double, 12> kSteps = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600};
  for (const double step : kSteps) {
    if (seconds / step <= 12) return step;
  }
  return 7200;
}

std::string time_text(double seconds) {
  const auto whole = static_cast<unsigned long>(seconds);
  const std::string rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + ":" + (rest.size() < 2 ? "0" : "") + rest;
}

/// Behind the sound: the times of the axis, and half of full scale (-6 dB) above and below zero.
void draw_grid(Raster& raster, const Waveform& waveform, unsigned each) {
  const double length = waveform.seconds(), step = step_of(length);
  for (double at = 0; at < length; at += step) {
    for (unsigned y = 0; y < raster.height - kAxis; ++y) put(raster, static_cast<unsigned>(at / length * raster.width), y, kGrid);
  }
  for (unsigned channel = 0; channel < waveform.channels(); ++channel) {
    for (const unsigned y : {channel * each + each / 4, channel * each + each - each / 4}) {
      for (unsigned x = 0; x < raster.width; ++x) put(raster, x, y, kGrid);
    }
  }
}

void draw_axis(Raster& raster, const Waveform& waveform) {
  const double length = waveform.seconds(), step = step_of(length);
  for (double at = 0; at < length; at += step) {
    const auto x = static_cast<unsigned>(at / length * raster.width);
    for (unsigned y = 0; y < 6; ++y) put(raster, x, raster.height - kAxis + y, kLine);
    const std::string text = time_text(at);
    if (x + text.size() * 8 < raster.width) write(raster, x + 3, raster.height - 12, text);
  }
}

void draw_column(Raster& raster, const Waveform::Column& column, unsigned x, unsigned top, unsigned height) {
  const double middle = top + (height - 1) / 2.0, half = (height - 1) / 2.0;
  const auto row = [&](double value) { return static_cast<unsigned>(std::lround(std::clamp(middle - value * half, static_cast<double>(top), static_cast<double>(top + height - 1)))); };
  for (unsigned y = row(column.high); y <= row(column.low); ++y) put(raster, x, y, kExtremes);
  const double rms = column.samples == 0 ? 0 : std::sqrt(column.power / static_cast<double>(column.samples));
  for (unsigned y = row(rms); y <= row(-rms); ++y) put(raster, x, y, kRms);
}

}  // namespace

void Peaks::update(BytesView samples) {
  for (std::size_t at = 0; at + kFrameBytes <= samples.size(); at += kFrameBytes, ++at_) {
    if (at_ >= frames_) return;
    if (at_ >= part_end_) {
      part_ = static_cast<std::size_t>(at_ * kCount / frames_);
      part_end_ = ((part_ + 1) * frames_ + kCount - 1) / kCount;
    }
    int& highest = highest_[part_];
    for (const std::size_t byte : {at, at + 2}) {
      const auto sample = static_cast<std::int16_t>(static_cast<std::uint16_t>(samples[byte] | samples[byte + 1] << 8));
      highest = std::max(highest, std::abs(int{sample}));
    }
  }
}

Bytes Peaks::values() const {
  Bytes out;
  for (const int highest : highest_) out.push_back(static_cast<std::uint8_t>(std::min(255, (highest * 255 + 16384) / 32768)));
  return out;
}

Waveform::Waveform(std::uint64_t frames, std::uint32_t rate, unsigned channels, unsigned columns)
    : frames_(std::max<std::uint64_t>(frames, 1)), rate_(std::max(rate, 1u)), channels_(channels), columns_(static_cast<unsigned>(std::min<std::uint64_t>(columns, frames_))), data_(std::size_t{channels_} * columns_) {}

void Waveform::update(std::span<const float> samples) {
  for (std::size_t at = 0; at + channels_ <= samples.size(); at += channels_, ++place_) {
    if (place_ >= frames_) return;
    const auto column = static_cast<unsigned>(place_ * columns_ / frames_);
    for (unsigned channel = 0; channel < channels_; ++channel) {
      Column& where = data_[channel * columns_ + column];
      const float sample = samples[at + channel];
      where.low = std::min(where.low, sample);
      where.high = std::max(where.high, sample);
      where.power += double{sample} * sample;
      ++where.samples;
    }
  }
}

Raster draw(const Waveform& waveform, unsigned height) {
  Raster raster;
  raster.width = waveform.columns();
  raster.height = std::max(height, kAxis + 4 * waveform.channels());
  raster.rgba.assign(std::size_t{raster.width} * raster.height * 4, 0);
  const unsigned each = (raster.height - kAxis) / waveform.channels();
  draw_grid(raster, waveform, each);
  for (unsigned channel = 0; channel < waveform.channels(); ++channel) {
    const unsigned top = channel * each;
    for (unsigned x = 0; x < raster.width; ++x) {
      put(raster, x, top + each / 2, kLine);
      draw_column(raster, waveform.at(channel, x), x, top, each - 1);
    }
  }
  draw_axis(raster, waveform);
  return raster;
}

}  // namespace ghost::audiojuggler
