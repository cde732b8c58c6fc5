#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace ghost::net {

using namespace std::chrono_literals;

namespace {

const TimePoint kStart = TimePoint(1'000'000h) + 300us;

/// What the entry is due at, as the wheel may see it: whole milliseconds of the clock, rounded up.
TimePoint due(TimePoint when) {
  return std::chrono::ceil<std::chrono::milliseconds>(when);
}

}  // namespace

TEST(TimerWheel, RingsAtItsTimeAndNeverEarly) {
  TimerWheel wheel(kStart);
  std::string rang;
  wheel.add(kStart + 5ms, [&](TimePoint) { rang += 'a'; });
  wheel.add(kStart + 70ms, [&](TimePoint) { rang += 'b'; });
  wheel.advance(kStart + 5ms - 1ns);
  EXPECT_EQ(rang, "");
  wheel.advance(due(kStart + 5ms));
  EXPECT_EQ(rang, "a");
  wheel.advance(kStart + 70ms - 1ns);
  EXPECT_EQ(rang, "a");
  wheel.advance(kStart + 71ms);
  EXPECT_EQ(rang, "ab");
  EXPECT_EQ(wheel.next_wakeup(), TimePoint::max());
}

TEST(TimerWheel, RingsWhatIsPastInTheNextAdvanceWithoutWaitingForAMillisecond) {
  TimerWheel wheel(kStart);
  int rang = 0;
  wheel.add(kStart, [&](TimePoint) { ++rang; });
  wheel.add(TimePoint::min(), [&](TimePoint) { ++rang; });
  EXPECT_EQ(wheel.next_wakeup(), TimePoint::min());
  wheel.advance(kStart);
  EXPECT_EQ(rang, 2);
}

TEST(TimerWheel, NeverRingsWhatIsDueAtTheEndOfTime) {
  TimerWheel wheel(kStart);
  int rang = 0;
  const TimerWheel::Id id = wheel.add(TimePoint::max(), [&](TimePoint) { ++rang; });
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next_wakeup(), TimePoint::max());
  wheel.cancel(id);
  wheel.add(TimePoint::max() - 24h, [&](TimePoint) { ++rang; });
  wheel.advance(TimePoint::max() - 25h);
  EXPECT_EQ(rang, 0);
  wheel.advance(TimePoint::max() - 23h);
  EXPECT_EQ(rang, 1);
}

TEST(TimerWheel, KeepsTheOrderOfAddingWithinAMillisecond) {
  TimerWheel wheel(kStart);
  std::string rang;
  const TimePoint when = kStart + 10s;
  for (char c = 'a'; c <= 'e'; ++c) wheel.add(when, [&rang, c](TimePoint) { rang += c; });
  wheel.advance(kStart + 9990ms);
  wheel.add(when, [&](TimePoint) { rang += 'f'; });
  wheel.advance(due(when));
  EXPECT_EQ(rang, "abcdef");
}

TEST(TimerWheel, LetsAnEntryCancelAnotherThatIsDueInTheSameAdvance) {
  TimerWheel wheel(kStart);
  std::string rang;
  TimerWheel::Id second;
  wheel.add(kStart + 1ms, [&](TimePoint) {
    rang += 'a';
    wheel.cancel(second);
  });
  second = wheel.add(kStart + 1ms, [&](TimePoint) { rang += 'b'; });
  wheel.add(kStart + 1ms, [&](TimePoint) { rang += 'c'; });
  wheel.advance(kStart + 3ms);
  EXPECT_EQ(rang, "ac");
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, DoesNotTakeALaterEntryForACancelledOne) {
  TimerWheel wheel(kStart);
  int rang = 0;
  const TimerWheel::Id first = wheel.add(kStart + 1ms, [&](TimePoint) { ++rang; });
  wheel.cancel(first);
  wheel.add(kStart + 1ms, [&](TimePoint) { ++rang; });
  wheel.cancel(first);
  wheel.cancel({});
  wheel.advance(kStart + 3ms);
  EXPECT_EQ(rang, 1);
}

TEST(TimerWheel, RingsOncePerAdvanceWhatAddsItselfAgainAtOnce) {
  TimerWheel wheel(kStart);
  int rang = 0;
  std::function<void(TimePoint)> again = [&](TimePoint now) {
    ++rang;
    wheel.add(now, again);
  };
  wheel.add(kStart, again);
  wheel.advance(kStart);
  wheel.advance(kStart);
  EXPECT_EQ(rang, 2);
}

TEST(TimerWheel, LetsGoOfWhatAnEntryOwnsAlsoWhenThatCancelsAnother) {
  auto wheel = std::make_unique<TimerWheel>(kStart);
  const TimerWheel::Id other = wheel->add(kStart + 1h, [](TimePoint) {});
  auto owned = std::shared_ptr<int>(new int(7), [&](int* p) {
    wheel->cancel(other);
    delete p;
  });
  const std::weak_ptr<int> watch = owned;
  wheel->add(kStart + 1h, [owned = std::move(owned)](TimePoint) {});
  wheel->clear();
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(wheel->size(), 0u);
}

// Thousands of entries over every level, some cancelled, against a sorted map that does the same; then the same again
// while jumping from one next_wakeup() to the next, as the reactor does.
TEST(TimerWheel, DoesWhatASortedMapDoes) {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    std::mt19937_64 random(seed);
    TimerWheel wheel(kStart);
    std::multimap<TimePoint, int> expected;
    std::map<int, TimerWheel::Id> ids;
    std::vector<int> rang;
    TimePoint now = kStart;
    const bool by_wakeup = seed % 2 == 0;
    for (int i = 0; i < 6000; ++i) {
      const Duration ahead = Duration(static_cast<std::int64_t>(random() >> (10 + random() % 44)));
      const TimePoint when = now + ahead;
      expected.emplace(std::max(now, due(when)), i);
      ids[i] = wheel.add(when, [&rang, i](TimePoint) { rang.push_back(i); });
      if (random() % 4 == 0) {
        const auto victim = std::next(expected.begin(), static_cast<std::ptrdiff_t>(random() % expected.size()));
        wheel.cancel(ids[victim->second]);
        expected.erase(victim);
      }
      if (random() % 3 != 0) continue;
      if (by_wakeup && wheel.next_wakeup() != TimePoint::max()) {
        ASSERT_LE(wheel.next_wakeup(), expected.begin()->first);
        now = std::max(now, wheel.next_wakeup());
      } else {
        now += Duration(static_cast<std::int64_t>(random() >> (14 + random() % 44)));
      }
      rang.clear();
      wheel.advance(now);
      std::vector<int> should;
      while (!expected.empty() && expected.begin()->first <= now) {
        should.push_back(expected.begin()->second);
        expected.erase(expected.begin());
      }
      std::sort(rang.begin(), rang.end());
      std::sort(should.begin(), should.end());
      ASSERT_EQ(rang, should) << "seed " << seed << " step " << i;
      ASSERT_EQ(wheel.size(), expected.size());
    }
    EXPECT_GT(wheel.size(), 0u);
  }
}

TEST(TimerWheel, FindsASingleFarEntryInFewWakeups) {
  TimerWheel wheel(kStart);
  bool rang = false;
  wheel.add(kStart + 24h * 365 * 30, [&](TimePoint) { rang = true; });
  int wakeups = 0;
  for (; !rang && wakeups < 100; ++wakeups) wheel.advance(wheel.next_wakeup());
  EXPECT_LE(wakeups, 8);
}

}  // namespace ghost::net
