#include "ardus/layout_choice.h"

#include <gtest/gtest.h>

#include <vector>

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;
using Verdict = LayoutTrial::Verdict;
const TimePoint kDue = TimePoint{} + 1h;

LayoutChoice::Candidate one(Verdict verdict, TimePoint ready_since = kDue) { return {verdict, true, ready_since}; }

std::optional<Layout> chosen(LayoutChoice& choice, const std::vector<LayoutChoice::Candidate>& all, TimePoint now = kDue, bool insist = false) { return choice.choose(insist, all, now); }

}  // namespace

TEST(LayoutChoice, IsJumboWhereAllTakeIt) {
  LayoutChoice choice;
  EXPECT_EQ(chosen(choice, {one(Verdict::jumbo), one(Verdict::jumbo)}), Layout::jumbo);
  EXPECT_EQ(chosen(choice, {one(Verdict::jumbo), one(Verdict::small)}), Layout::standard);
  EXPECT_EQ(chosen(choice, {}), Layout::standard) << "nobody lacks anything";
}

TEST(LayoutChoice, OneThatTakesNoneSettlesItWhoeverIsStillTried) {
  LayoutChoice choice;
  EXPECT_EQ(chosen(choice, {one(Verdict::open), one(Verdict::small)}), Layout::standard);
  EXPECT_EQ(chosen(choice, {one(Verdict::open), {Verdict::small, false, {}}}), Layout::standard);
}

TEST(LayoutChoice, WhoIsTriedHoldsItUpForThreeSecondsAtMost) {
  LayoutChoice choice;
  const std::vector<LayoutChoice::Candidate> all = {one(Verdict::jumbo), one(Verdict::open)};
  EXPECT_EQ(chosen(choice, all), std::nullopt);
  EXPECT_EQ(chosen(choice, all, kDue + 2999ms), std::nullopt);
  EXPECT_EQ(chosen(choice, all, kDue + 3s), Layout::standard);
}

TEST(LayoutChoice, OneThatJoinsAnewInTurnDoesNotHoldItUpForEver) {
  LayoutChoice choice;
  LayoutTrial trial;
  TimePoint now = kDue;
  std::uint32_t largest = 9000;
  std::optional<Layout> layout;
  for (; !layout && now < kDue + 1min; now += 1s) {
    trial.joined(largest ^= 1, "10.0.0.2", false);
    trial.begin(now);
    layout = chosen(choice, {one(Verdict::jumbo), {trial.verdict(now), true, now}}, now);
  }
  EXPECT_TRUE(layout);
  EXPECT_LE(now, kDue + 4s);
}

TEST(LayoutChoice, ThoseThatComeLaterHoldUpNobody) {
  LayoutChoice choice;
  EXPECT_EQ(chosen(choice, {one(Verdict::open)}), std::nullopt);
  EXPECT_EQ(chosen(choice, {one(Verdict::open), one(Verdict::open, kDue + 50ms)}, kDue + 50ms), std::nullopt);
  EXPECT_EQ(chosen(choice, {one(Verdict::jumbo), one(Verdict::open, kDue + 50ms), one(Verdict::open, kDue + 90ms)}, kDue + 100ms), Layout::jumbo);
}

TEST(LayoutChoice, WhoInsistsGetsJumboOnceTheyAreTried) {
  LayoutChoice choice;
  EXPECT_EQ(chosen(choice, {one(Verdict::open), one(Verdict::small)}, kDue, true), std::nullopt);
  EXPECT_EQ(chosen(choice, {one(Verdict::small), one(Verdict::small)}, kDue + 100ms, true), Layout::jumbo);
  EXPECT_EQ(chosen(choice, {one(Verdict::open)}, kDue + 3s, true), Layout::jumbo);
}

TEST(LayoutChoice, WhatWasPutOffIsDueAnew) {
  LayoutChoice choice;
  EXPECT_EQ(chosen(choice, {one(Verdict::open)}), std::nullopt);
  choice.put_off();
  EXPECT_EQ(chosen(choice, {one(Verdict::open, kDue + 1min)}, kDue + 1min), std::nullopt);
  EXPECT_EQ(chosen(choice, {one(Verdict::open, kDue + 1min)}, kDue + 1min + 3s), Layout::standard);
}

}  // namespace ghost::ardus
