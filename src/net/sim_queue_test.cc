#include "net/sim_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "net/sim_random.h"

namespace ghost::net::sim {

static_assert(sizeof(Event) == 24, "an event is moved a dozen times: keep it small");

namespace {
Event event_at(std::uint64_t time, std::uint32_t number) {
  return {time, EventKind::task, {}, number};
}
}  // namespace

TEST(EventQueue, GivesOutByTimeAndAmongEqualsInTheOrderTheyCame) {
  Random random(1);
  EventQueue queue;
  std::multimap<std::uint64_t, std::uint32_t> expected;  // keeps the order of insertion among equals
  std::uint64_t now = 0;
  for (std::uint32_t number = 0; number < 200'000; ++number) {
    const std::uint64_t spread = random.chance(0.3) ? 3 : random.chance(0.5) ? 5'000 : 10'000'000'000;
    const std::uint64_t time = now + random.up_to(spread);
    queue.push(event_at(time, number));
    expected.emplace(time, number);
    while (random.chance(0.5) && !expected.empty()) {
      ASSERT_EQ(queue.next_time(), expected.begin()->first);
      const Event event = queue.pop();
      ASSERT_EQ(event.time, expected.begin()->first);
      ASSERT_EQ(event.argument, expected.begin()->second);
      expected.erase(expected.begin());
      now = event.time;
    }
    ASSERT_EQ(queue.size(), expected.size());
  }
}

TEST(EventQueue, LetsEventsBePlannedBeforeOneThatWasOnlyLookedAt) {
  EventQueue queue;
  queue.push(event_at(1'000'000, 1));
  EXPECT_EQ(queue.next_time(), 1'000'000u);
  queue.push(event_at(10, 2));
  EXPECT_EQ(queue.pop().argument, 2u);
  EXPECT_EQ(queue.pop().argument, 1u);
  EXPECT_EQ(queue.next_time(), EventQueue::kNever);
}

TEST(EventQueue, KeepsTheOrderOfTheRestWhenSomeAreRemoved) {
  EventQueue queue;
  for (std::uint32_t i = 0; i < 1000; ++i) queue.push(event_at(i / 10, i));
  for (std::uint32_t i = 0; i < 15; ++i) EXPECT_EQ(queue.pop().argument, i);
  queue.remove_if([](const Event& event) { return event.argument % 3 != 0; });
  std::uint32_t expected = 15;
  for (std::size_t left = queue.size(); left > 0; --left, expected += 3) ASSERT_EQ(queue.pop().argument, expected);
  EXPECT_EQ(expected, 1002u);
  EXPECT_EQ(queue.next_time(), EventQueue::kNever);
}

TEST(Random, GivesTheSameNumbersOnEveryMachine) {
  Random random(1);
  EXPECT_EQ(random.next(), 0xcfc5d07f6f03c29bu);
  EXPECT_EQ(random.next(), 0xbf424132963fe08du);
  for (int i = 0; i < 1000; ++i) EXPECT_LE(random.up_to(6), 6u);
}

TEST(Slots, ForgetsAnIdWhenItsEntryIsGoneThoughThePlaceIsUsedAgain) {
  Slots<int> slots;
  const Id first = slots.add(1);
  EXPECT_EQ(*slots.find(first), 1);
  EXPECT_EQ(slots.remove(first), 1);
  const Id second = slots.add(2);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(slots.find(first), nullptr);
  EXPECT_EQ(slots.remove(first), 0);
  EXPECT_EQ(*slots.find(second), 2);
}

}  // namespace ghost::net::sim
