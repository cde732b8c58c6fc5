#include "ardus/vain_batches.h"

#include <gtest/gtest.h>

namespace ghost::ardus {

namespace {
using namespace std::chrono_literals;
const TimePoint kVainStart = TimePoint{} + 1h;
}  // namespace

TEST(VainBatches, OneLargeBatchInALinkFlapSaysNothing) {
  VainBatches batches;
  batches.batch(4096, false, kVainStart);
  EXPECT_FALSE(batches.nothing_comes());
  batches.batch(4096, false, kVainStart + 60ms);
  batches.batch(4096, false, kVainStart + 120ms);
  EXPECT_FALSE(batches.nothing_comes()) << "no second yet";
  batches.batch(16, true, kVainStart + 5s);
  batches.batch(16, false, kVainStart + 6s);
  EXPECT_FALSE(batches.nothing_comes()) << "counted anew";
}

TEST(VainBatches, SeveralForASecondSayThatNothingComes) {
  VainBatches batches;
  for (int i = 0; i < 10; ++i) batches.batch(16, false, kVainStart + 100ms * i);
  EXPECT_FALSE(batches.nothing_comes());
  batches.batch(16, false, kVainStart + 1s);
  EXPECT_TRUE(batches.nothing_comes());
}

TEST(VainBatches, ThreeBatchesAndSixtyFourSymbolsAreTheLeast) {
  VainBatches two, few;
  two.batch(100, false, kVainStart);
  two.batch(100, false, kVainStart + 2s);
  EXPECT_FALSE(two.nothing_comes());
  for (int i = 0; i < 15; ++i) few.batch(4, false, kVainStart + 1s * i);
  EXPECT_FALSE(few.nothing_comes());
  few.batch(4, false, kVainStart + 15s);
  EXPECT_TRUE(few.nothing_comes());
}

}  // namespace ghost::ardus
