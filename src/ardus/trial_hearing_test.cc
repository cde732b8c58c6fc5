#include "ardus/trial_hearing.h"

#include <gtest/gtest.h>

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;
const TimePoint kHearingStart = TimePoint{} + 1h;

Trial trial_of(int round, bool is_long) { return {static_cast<std::uint16_t>(round), 7, is_long}; }

}  // namespace

TEST(TrialHearing, TellsOfEachNewRoundUntilTheSenderKnowsOfALongOne) {
  TrialHearing hearing;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(hearing.is_worth_a_check(trial_of(round, false), kHearingStart)) << round;
    EXPECT_TRUE(hearing.heard(trial_of(round, false)));
    EXPECT_EQ(hearing.round(), round);
    EXPECT_FALSE(hearing.any_long());
    hearing.answered(true);
  }
  ASSERT_TRUE(hearing.is_worth_a_check(trial_of(3, true), kHearingStart));
  EXPECT_TRUE(hearing.heard(trial_of(3, true)));
  EXPECT_TRUE(hearing.any_long());
  hearing.answered(false);  // lost: it is told again with the next
  EXPECT_FALSE(hearing.is_worth_a_check(trial_of(3, false), kHearingStart)) << "the same round, and it is known that more comes";
  ASSERT_TRUE(hearing.is_worth_a_check(trial_of(4, false), kHearingStart));
  EXPECT_TRUE(hearing.heard(trial_of(4, false)));
  EXPECT_TRUE(hearing.any_long());
  hearing.answered(true);
  EXPECT_FALSE(hearing.is_worth_a_check(trial_of(5, true), kHearingStart));
}

TEST(TrialHearing, ALongOneIsHeardBehindTheShortOneOfItsRound) {
  TrialHearing hearing;
  ASSERT_TRUE(hearing.is_worth_a_check(trial_of(9, false), kHearingStart));
  hearing.heard(trial_of(9, false));
  hearing.answered(true);
  EXPECT_TRUE(hearing.is_worth_a_check(trial_of(9, true), kHearingStart));
}

TEST(TrialHearing, WhatIsSentOnceMoreCostsNothing) {
  TrialHearing hearing;
  for (const int round : {4, 5}) {
    ASSERT_TRUE(hearing.is_worth_a_check(trial_of(round, false), kHearingStart));
    hearing.heard(trial_of(round, false));
    hearing.answered(true);
  }
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(hearing.is_worth_a_check(trial_of(4 + i % 2, false), kHearingStart + 1s * i));
  EXPECT_FALSE(hearing.is_worth_a_check(trial_of(4, true), kHearingStart)) << "an older round";
}

TEST(TrialHearing, OneCallIsUnderWayAtATime) {
  TrialHearing hearing;
  EXPECT_TRUE(hearing.heard(trial_of(0, false)));
  EXPECT_FALSE(hearing.heard(trial_of(1, true)));
  hearing.answered(true);  // which told of the short one
  ASSERT_TRUE(hearing.is_worth_a_check(trial_of(2, false), kHearingStart));
  EXPECT_TRUE(hearing.heard(trial_of(2, false)));
  EXPECT_TRUE(hearing.any_long());
}

TEST(TrialHearing, ForgedOnesCostFiftyChecksASecond) {
  TrialHearing hearing;
  int checks = 0;
  for (int i = 0; i < 20'000; ++i) checks += hearing.is_worth_a_check(trial_of(i % 30'000, false), kHearingStart + 500us * i) ? 1 : 0;  // for 10 s
  EXPECT_GE(checks, 500);
  EXPECT_LE(checks, 551);
}

TEST(TrialHearing, RoundsWrap) {
  TrialHearing hearing;
  hearing.heard(trial_of(65'535, false));
  EXPECT_TRUE(hearing.is_worth_a_check(trial_of(0, false), kHearingStart));
  hearing.heard(trial_of(0, false));
  EXPECT_FALSE(hearing.is_worth_a_check(trial_of(65'535, false), kHearingStart));
}

TEST(TrialHearing, WhatWasHeardBeforeItJoinedAnewIsForgotten) {
  TrialHearing hearing;
  hearing.heard(trial_of(8, true));
  hearing.joined();
  ASSERT_TRUE(hearing.is_worth_a_check(trial_of(3, false), kHearingStart));
  EXPECT_TRUE(hearing.heard(trial_of(3, false)));
  EXPECT_FALSE(hearing.any_long());
}

}  // namespace ghost::ardus
