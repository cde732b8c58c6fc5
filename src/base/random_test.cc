#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace ghost {

TEST(RandomBytes, FillsTheWholeOfALongBufferAndNeverTheSameWayTwice) {
  std::vector<std::uint8_t> a(4096), b(4096);
  random_bytes(a);
  random_bytes(b);
  EXPECT_NE(a, b);
  // 64 bytes all zero at the end would come by chance once in 2^512.
  EXPECT_TRUE(std::any_of(a.end() - 64, a.end(), [](std::uint8_t v) { return v != 0; }));
  random_bytes({});
}

TEST(SeededRandom, GivesTheSameNumbersForTheSameSeedOnEveryMachine) {
  SeededRandom random(0);
  // By the reference algorithms: splitmix64(0) as the state of xoshiro256**.
  EXPECT_EQ(random(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random(), 0xbf6e1f784956452au);
  EXPECT_NE(SeededRandom(1)(), SeededRandom(2)());
}

TEST(SeededRandom, DrawsEveryNumberBelowTheLimitAndNoOther) {
  SeededRandom random(7);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(6));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(random.below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.below((1ull << 63) + 1), (1ull << 63) + 1);
}

TEST(SeededRandom, KeepsToTheProbabilityAskedFor) {
  SeededRandom random(3);
  int hits = 0;
  double sum = 0;
  for (int i = 0; i < 20000; ++i) {
    hits += random.chance(0.25);
    sum += random.exponential(2.0);
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(1));
  }
  EXPECT_NEAR(hits / 20000.0, 0.25, 0.02);
  EXPECT_NEAR(sum / 20000.0, 2.0, 0.1);
}

}  // namespace ghost
