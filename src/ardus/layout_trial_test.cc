#include "ardus/layout_trial.h"

#include <gtest/gtest.h>

namespace ghost::ardus {

namespace {
using namespace std::chrono_literals;
using Verdict = LayoutTrial::Verdict;
const TimePoint kTrialStart = TimePoint{} + 1h;
}  // namespace

TEST(LayoutTrial, OneThatHeardALongDatagramTakesTheJumboLayout) {
  LayoutTrial trial;
  trial.joined(8952, "10.0.0.2", false);
  trial.begin(kTrialStart);
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::open);
  trial.heard(0, true);
  EXPECT_EQ(trial.verdict(kTrialStart + 1h), Verdict::jumbo);
}

TEST(LayoutTrial, OneWhoseInterfaceTakesLessOrThatDoesNotSayIsNotTried) {
  for (const std::uint32_t largest : {0u, 1452u, 8871u}) {
    LayoutTrial trial;
    trial.joined(largest, "10.0.0.2", false);
    trial.heard(0, true);
    EXPECT_EQ(trial.verdict(kTrialStart), Verdict::small) << largest;
  }
}

TEST(LayoutTrial, ASwitchThatDropsLongDatagramsIsSeenByShortOnesThatCome) {
  LayoutTrial trial;
  trial.joined(8952, "10.0.0.2", false);
  trial.begin(kTrialStart);
  for (std::uint16_t round = 3; round < 6; ++round) {
    trial.heard(round, false);
    trial.heard(round, false);  // told again, since the answer was not sure to have come
    EXPECT_EQ(trial.verdict(kTrialStart), Verdict::open);
  }
  trial.heard(6, false);
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::small);
}

TEST(LayoutTrial, OneThatHearsNothingIsNotWaitedForForEver) {
  LayoutTrial trial;
  trial.joined(8952, "10.0.0.2", false);
  trial.begin(kTrialStart);
  trial.begin(kTrialStart + 1s);
  EXPECT_EQ(trial.verdict(kTrialStart + 2999ms), Verdict::open);
  EXPECT_EQ(trial.verdict(kTrialStart + 3s), Verdict::small);
}

TEST(LayoutTrial, IsForgottenWhenTheInterfaceIsAnotherAndKeptWhenItJoinsAnew) {
  LayoutTrial trial;
  trial.joined(8952, "10.0.0.2", false);
  trial.heard(0, true);
  trial.joined(8952, "10.0.0.2", false);
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::jumbo);
  trial.joined(9152, "10.0.0.2", false);
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::open);
  trial.heard(0, true);
  trial.failed();
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::small);
}

TEST(LayoutTrial, IsForgottenWhenItComesFromAnotherAddress) {
  LayoutTrial trial;
  EXPECT_TRUE(trial.joined(8952, "10.0.0.2", false));
  trial.heard(0, true);
  EXPECT_FALSE(trial.joined(8952, "10.0.0.2", true));
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::jumbo);
  EXPECT_TRUE(trial.joined(8952, "10.0.1.2", true));
  EXPECT_EQ(trial.verdict(kTrialStart), Verdict::open);
}

TEST(LayoutTrial, BeforeTheSessionOneIsWaitedForOnceHoweverOftenItJoins) {
  LayoutTrial trial;
  for (int i = 0; i < 4; ++i) {
    trial.joined(i % 2 == 0 ? 9000 : 9001, "10.0.0.2", false);
    EXPECT_EQ(trial.begin(kTrialStart + 1s * i), i == 0);
  }
  EXPECT_EQ(trial.verdict(kTrialStart + 3s), Verdict::small);
  trial.joined(9000, "10.0.0.2", true);  // when it holds up nobody else, it is tried anew
  EXPECT_TRUE(trial.begin(kTrialStart + 4s));
  EXPECT_EQ(trial.verdict(kTrialStart + 4s), Verdict::open);
}

}  // namespace ghost::ardus
