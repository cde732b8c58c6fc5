#include "net/sim_link.h"

#include <gtest/gtest.h>

#include <vector>

namespace ghost::net::sim {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint kStart{1h};

struct Losses {
  double share;
  double mean_run;
};

Losses losses_of(const LinkConditions& conditions, std::uint64_t seed, int count = 1'000'000) {
  const Profile profile(conditions);
  Link link(profile);
  Random random(seed);
  int lost = 0, runs = 0;
  bool before = false;
  for (int i = 0; i < count; ++i) {
    const bool is_lost = link.datagram(kStart, 100, random).count == 0;
    lost += is_lost;
    runs += is_lost && !before;
    before = is_lost;
  }
  return {static_cast<double>(lost) / count, runs == 0 ? 0 : static_cast<double>(lost) / runs};
}

}  // namespace

TEST(Link, LosesTheShareAskedForInRunsOfTheLengthAskedFor) {
  for (const double loss : {0.01, 0.1, 0.4}) {
    const Losses independent = losses_of({.loss = loss}, 11);
    EXPECT_NEAR(independent.share, loss, 0.02 * loss);
    EXPECT_NEAR(independent.mean_run, 1 / (1 - loss), 0.02 / (1 - loss));
    for (const double burst : {2.0, 8.0}) {
      const Losses bursty = losses_of({.loss = loss, .burst = burst}, 12);
      EXPECT_NEAR(bursty.share, loss, 0.1 * loss) << "burst " << burst;
      EXPECT_NEAR(bursty.mean_run, burst, 0.05 * burst) << "loss " << loss;
    }
  }
}

TEST(Link, KeepsTheLossWhenTheBurstsAskedForAreTooShortForIt) {
  EXPECT_NEAR(losses_of({.loss = 0.9, .burst = 1.5}, 13).share, 0.9, 0.01);
  EXPECT_EQ(losses_of({.loss = 1.0, .burst = 3}, 13, 1000).share, 1.0);
  EXPECT_EQ(losses_of({.loss = 0.0, .burst = 3}, 13, 1000).share, 0.0);
}

TEST(Link, DelaysBetweenDelayAndDelayPlusJitter) {
  const Profile profile({.delay = 10ms, .jitter = 4ms});
  Link link(profile);
  Random random(14);
  Duration sum{}, least = 1h, most{};
  for (int i = 0; i < 100'000; ++i) {
    const Duration took = link.datagram(kStart, 100, random).at[0] - kStart;
    sum += took;
    least = std::min(least, took);
    most = std::max(most, took);
  }
  EXPECT_GE(least, 10ms);
  EXPECT_LT(least, 10ms + 1us);
  EXPECT_LE(most, 14ms);
  EXPECT_GT(most, 14ms - 1us);
  EXPECT_NEAR(static_cast<double>((sum / 100'000).count()), 12e6, 2e4);
}

TEST(Link, PutsDatagramsOnTheWireOneAfterTheOtherAndDropsWhatTheQueueCannotHold) {
  const Profile profile({.delay = 1ms, .rate = 8'000'000, .queue = 3000});  // 1 µs a byte
  Link link(profile);
  Random random(15);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(link.datagram(kStart, 1000, random).at[0], kStart + i * 1ms + 1ms);
  EXPECT_EQ(link.datagram(kStart, 1000, random).count, 0);
  EXPECT_EQ(link.datagram(kStart + 1ms, 1000, random).at[0], kStart + 5ms);
  EXPECT_EQ(link.datagram(kStart + 1h, 1000, random).at[0], kStart + 1h + 2ms);  // idle time is not saved up
}

TEST(Link, DuplicatesAndHoldsBackAsOftenAsAskedFor) {
  const Profile profile({.delay = 1ms, .duplicate = 0.2, .reorder = 0.3, .reorder_by = 5ms});
  Link link(profile);
  Random random(16);
  int twice = 0, late = 0, arrivals = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Link::Arrivals result = link.datagram(kStart, 100, random);
    twice += result.count == 2;
    for (int copy = 0; copy < result.count; ++copy) {
      const Duration took = result.at[copy] - kStart;
      EXPECT_TRUE(took == 1ms || took == 6ms);
      late += took == 6ms;
      ++arrivals;
    }
  }
  EXPECT_NEAR(twice / 1e5, 0.2, 0.01);
  EXPECT_NEAR(static_cast<double>(late) / arrivals, 0.3, 0.01);
}

TEST(Link, RepairsWhatAStreamLosesAfterARetransmissionTimeout) {
  const Profile profile({.delay = 1ms, .loss = 0.1});
  Link link(profile);
  Random random(17);
  int first = 0, second = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Duration took = link.stream(kStart, 1000, 1ms, random) - kStart;
    first += took == 1ms;
    second += took == 201ms;
    EXPECT_TRUE(took == 1ms || took >= 201ms);
  }
  EXPECT_NEAR(first / 1e5, 0.9, 0.01);
  EXPECT_NEAR(second / 1e5, 0.09, 0.01);
  const Profile far({.delay = 300ms, .loss = 1});
  Link dead(far);
  EXPECT_GT(dead.stream(kStart, 1, 300ms, random), kStart + 10min);  // ten repeats, doubling from two round trips
  EXPECT_LT(dead.stream(kStart, 1, 300ms, random), kStart + 1h);
}

TEST(Link, TakesConditionsThatMakeNoSenseAsTheNearestThatDo) {
  const Profile profile({.delay = -1ms, .jitter = -5ms, .loss = -1, .duplicate = 7, .reorder = 2, .reorder_by = -1ms});
  Link link(profile);
  Random random(18);
  const Link::Arrivals result = link.datagram(kStart, 0, random);
  EXPECT_EQ(result.count, 2);
  EXPECT_EQ(result.at[0], kStart);
  const Profile slowest({.delay = Duration::max(), .rate = 1});
  Link never(slowest);
  EXPECT_EQ(never.datagram(kStart, 60'000, random).at[0], TimePoint::max());
}

TEST(LinkTable, GivesEachPairItsOwnAndTheRestTheDefault) {
  LinkTable links;
  links.set_default({.delay = 2ms, .loss = 0.5, .burst = 4});
  links.set(0, 1, {.delay = 7ms});
  EXPECT_EQ(links.between(0, 1).delay(), 7ms);
  EXPECT_EQ(links.between(1, 0).delay(), 2ms);
  EXPECT_EQ(links.between(5, 5).delay(), 10us);
  EXPECT_NE(&links.between(1, 0), &links.between(2, 0));  // bursts are each link's own
  links.set_default({.delay = 3ms});
  EXPECT_EQ(links.between(1, 0).delay(), 3ms);
  EXPECT_EQ(links.between(0, 1).delay(), 7ms);
  EXPECT_EQ(&links.between(3, 0), &links.between(4, 0));  // nothing to remember: one link serves all
}

}  // namespace ghost::net::sim
