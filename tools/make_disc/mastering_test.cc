#include "mastering.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ghost::disc {
namespace {

/// Quiet, a tone of `frames`, quiet.
std::vector<float> tone(std::size_t quiet, std::size_t frames, float level) {
  std::vector<float> samples(2 * (2 * quiet + frames), 0);
  for (std::size_t i = 0; i < frames; ++i)
    samples[2 * (quiet + i)] = samples[2 * (quiet + i) + 1] = level * std::cos(static_cast<float>(i) * 0.1f);
  return samples;
}

TEST(Mastering, BringsTheLoudestSampleToThePeakAskedFor) {
  int peak = 0;
  for (const int sample : master(tone(1'000, 200'000, 0.05f), -6.0, 1)) peak = std::max(peak, std::abs(sample));
  EXPECT_NEAR(peak, 16'423, 2);  // 32767 * 10^(-6/20), and the dither
}

TEST(Mastering, CutsTheSilenceAroundTheSound) {
  const Pcm pcm = master(tone(300'000, 100'000, 0.5f), -2.0, 1);
  EXPECT_EQ(pcm.size() % (2 * kFramesPerSector), 0u);
  EXPECT_NEAR(static_cast<double>(pcm.size() / 2), 100'000 + 44'100 / 5, kFramesPerSector);
  EXPECT_EQ(pcm.front(), 0);
}

TEST(Mastering, FadesTheEnd) {
  const Pcm pcm = master(tone(0, 200'000, 0.5f), -2.0, 1);
  const auto loudest = [&](std::size_t from, std::size_t count) {
    int peak = 0;
    for (std::size_t i = from; i < from + count; ++i) peak = std::max(peak, std::abs(static_cast<int>(pcm[i])));
    return peak;
  };
  EXPECT_GT(loudest(100'000, 2'000), 25'000);
  EXPECT_LT(loudest(2 * (44'100 / 5 + 199'900), 100), 20);
}

TEST(Mastering, GivesTheSameSamplesForTheSameSeedOnly) {
  const auto samples = tone(10, 5'000, 0.2f);
  EXPECT_EQ(master(samples, -2, 7), master(samples, -2, 7));
  EXPECT_NE(master(samples, -2, 7), master(samples, -2, 8));
}

TEST(Mastering, SilenceIsOneSectorOfZeros) {
  EXPECT_EQ(master(std::vector<float>(9'000, 0), -2, 1), Pcm(2 * kFramesPerSector, 0));
}

}  // namespace
}  // namespace ghost::disc
