#include "net/spin_policy.h"

#include <gtest/gtest.h>

namespace ghost::net {

using namespace std::chrono_literals;

namespace {

const TimePoint kStart = TimePoint(1h);

/// The policy's life when every event comes `gap` after the last: polls if it may, parks when that was too short.
class Traffic {
 public:
  Traffic(Duration spin, double share) : policy(spin, share) {}

  void wait(Duration gap) {
    const Duration budget = policy.budget();
    now += gap;
    if (budget >= gap) return policy.found(now, gap, SpinPolicy::Look::later);
    lost += budget;
    policy.parked(now, gap, budget);
  }

  SpinPolicy policy;
  TimePoint now = kStart;
  Duration lost{};  ///< polled in vain
};

}  // namespace

TEST(SpinPolicy, PollsOnceTheLastWaitsWereShort) {
  Traffic traffic(50us, 0.5);
  EXPECT_EQ(traffic.policy.budget(), 0us);
  for (int i = 0; i < 12; ++i) traffic.wait(20us);
  EXPECT_EQ(traffic.policy.budget(), 50us);
}

TEST(SpinPolicy, ParksWhenTheLastWaitsWereLong) {
  Traffic traffic(50us, 0.5);
  for (int i = 0; i < 12; ++i) traffic.wait(20us);
  for (int i = 0; i < 12; ++i) traffic.wait(10ms);
  EXPECT_EQ(traffic.policy.budget(), 0us);
}

TEST(SpinPolicy, ForgivesOnePause) {
  Traffic traffic(50us, 0.5);
  for (int i = 0; i < 20; ++i) traffic.wait(10us);
  traffic.wait(2s);
  traffic.wait(10us);
  EXPECT_EQ(traffic.policy.budget(), 50us);
}

TEST(SpinPolicy, NeverPollsWhenSpinIsZero) {
  Traffic traffic(0us, 0.5);
  for (int i = 0; i < 100; ++i) traffic.wait(1us);
  EXPECT_FALSE(traffic.policy.enabled());
  EXPECT_EQ(traffic.policy.budget(), 0us);
}

// A peer on the same core runs only once we sleep, and then answers at once.
TEST(SpinPolicy, GivesUpWherePollingKeepsTheAnswerFromComing) {
  SpinPolicy policy(50us, 0.5);
  TimePoint now = kStart;
  int polled = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Duration in_vain = policy.budget();
    if (in_vain > 0us) ++polled;
    if (in_vain > 0us && i % 3 != 0) {
      policy.found(now += 1us, 1us, SpinPolicy::Look::first);  // the kernel had let it run before we polled
      continue;
    }
    now += in_vain + 10us;
    policy.parked(now, in_vain + 10us, in_vain);
  }
  EXPECT_LT(polled, 500);
  for (int i = 0; i < 1100 && policy.budget() == 0us; ++i) policy.parked(now += 10us, 10us, 0us);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(policy.budget(), 50us);  // the peer has a core of its own again
    policy.found(now += 10us, 10us, SpinPolicy::Look::later);
  }
}

TEST(SpinPolicy, KeepsToItsShareWhenPollingIsInVain) {
  for (const double share : {0.0, 0.1, 0.5}) {
    Traffic traffic(50us, share);
    // Mostly short, so that the average stays low, but every fourth wait is just too long to be caught by polling.
    for (int i = 0; i < 40'000; ++i) traffic.wait(i % 4 == 0 ? 51us : 1us);
    const double spent =
        static_cast<double>(traffic.lost.count()) / static_cast<double>((traffic.now - kStart).count());
    EXPECT_LE(spent, share + 0.01) << share;
  }
}

}  // namespace ghost::net
