#include "audiojuggler/waveform.h"

#include <gtest/gtest.h>

#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {
namespace {

// Each frame is in part frame * 200 / frames, also where a part has less than one frame or parts are not of one length.
TEST(Peaks, PutEachFrameInItsPart) {
  for (const std::size_t frames : {1u, 100u, 199u, 200u, 201u, 777u, 4001u}) {
    for (const std::size_t loud : {std::size_t{0}, frames / 3, frames - 1}) {
      Bytes samples(frames * kFrameBytes, 0);
      samples[loud * kFrameBytes + 1] = 0x40;
      Peaks peaks(frames);
      for (std::size_t at = 0; at < samples.size(); at += 28) peaks.update(BytesView(samples).subspan(at, std::min<std::size_t>(28, samples.size() - at)));
      Bytes wanted(Peaks::kCount, 0);
      wanted[loud * Peaks::kCount / frames] = 128;
      EXPECT_EQ(peaks.values(), wanted) << frames << " " << loud;
    }
  }
}

TEST(Peaks, TellTheLoudestSampleOfEachPart) {
  Bytes samples(400 * 4, 0);
  samples[300 * 4 + 1] = 0x80;  // -32768 on the left
  samples[10 * 4 + 3] = 0x40;   // 16384 on the right
  Peaks peaks(400);
  peaks.update(BytesView(samples).first(800));
  peaks.update(BytesView(samples).subspan(800));
  const Bytes values = peaks.values();
  ASSERT_EQ(values.size(), 200u);
  EXPECT_EQ(values[150], 255);
  EXPECT_EQ(values[5], 128);
  EXPECT_EQ(values[6], 0);
}

TEST(Waveform, IsDrawnWithExtremesPowerAndTime) {
  Waveform waveform(44100 * 4, 44100, 2, 800);
  std::vector<float> block(44100 * 2);
  for (int second = 0; second < 4; ++second) {
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = second == 2 && i % 2 == 0 ? (i / 2 % 2 == 0 ? 0.5f : -0.25f) : 0.0f;
    waveform.update(block);
  }
  EXPECT_FLOAT_EQ(waveform.at(0, 500).high, 0.5f);
  EXPECT_FLOAT_EQ(waveform.at(0, 500).low, -0.25f);
  EXPECT_FLOAT_EQ(waveform.at(1, 500).high, 0.0f);
  EXPECT_DOUBLE_EQ(waveform.seconds(), 4.0);
  Raster raster = draw(waveform, 216);
  EXPECT_EQ(raster.width, 800u);
  EXPECT_EQ(raster.height, 216u);
  EXPECT_EQ(raster.at(500, 30)[3], 255);  // within the extremes of the left channel
  EXPECT_EQ(raster.at(100, 30)[3], 0);    // silence leaves the ground
  EXPECT_NE(raster.at(0, 201)[3], 0);     // a mark of the axis
}

TEST(Waveform, OfAFewFramesHasAsManyColumns) {
  const Waveform waveform(3, 44100, 1, 800);
  EXPECT_EQ(waveform.columns(), 3u);
  EXPECT_EQ(draw(waveform, 10).width, 3u);
}

}  // namespace
}  // namespace ghost::audiojuggler
