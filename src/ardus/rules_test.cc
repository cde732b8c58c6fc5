// The small rules the cores go by: planned parity, rate, back-off, loss.
#include <gtest/gtest.h>

#include <cmath>

#include "ardus/feedback.h"
#include "ardus/loss_meter.h"
#include "ardus/pacer.h"
#include "ardus/parity_plan.h"
#include "ardus/rate_control.h"
#include "base/random.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

TEST(ParityPlan, ExpectsAsManyShortReceiversAsTheBinomialSays) {
  EXPECT_NEAR(ParityPlan::expected_short(128, 0, 1, 0.01), 1 - std::pow(0.99, 128), 1e-9);
  EXPECT_NEAR(ParityPlan::expected_short(1, 1, 10, 0.5), 10 * 0.25, 1e-9);
  EXPECT_EQ(ParityPlan::expected_short(128, 0, 1000, 0), 0);
}

TEST(ParityPlan, PlansNothingBeforeItKnowsALossAndMoreForMoreReceivers) {
  ParityPlan plan;
  EXPECT_EQ(plan.symbols(128, 1000), 0);
  for (int i = 0; i < 40; ++i) plan.sample(0.01);
  EXPECT_EQ(plan.symbols(128, 1), 0);  // one receiver asks; nothing is sent in vain
  EXPECT_GT(plan.symbols(128, 1000), plan.symbols(128, 20));
  for (int i = 0; i < 200; ++i) plan.sample(0.05);
  EXPECT_GT(plan.symbols(128, 1000, true), plan.symbols(128, 1000));
}

TEST(ParityPlan, LearnsFromWhatIsAskedAndForgetsWhatIsNot) {
  ParityPlan plan;
  for (int i = 0; i < 40; ++i) plan.sample(0.01);
  const auto before = plan.symbols(128, 100);
  for (int i = 0; i < 4; ++i) plan.result(plan.correction(), 32, 32, 32 * 6);
  EXPECT_GT(plan.symbols(128, 100), before + 3);
  for (int i = 0; i < 60; ++i) plan.result(plan.correction(), 32, 0, 0);
  EXPECT_LE(plan.symbols(128, 100), before);
}

TEST(ParityPlan, WhatWasPlannedBeforeTheNewsCameIsNotLearntFromTwice) {
  ParityPlan plan;
  const double used = plan.correction();
  for (int i = 0; i < 20; ++i) plan.result(used, 32, 32, 32 * 6);
  EXPECT_LE(plan.correction(), 6);
}

TEST(RateControl, DoublesFromAnEighthWhileNothingIsLost) {
  RateControl rate(800'000'000, false);
  EXPECT_EQ(rate.rate(), 100'000'000u);
  rate.step(0, false);
  EXPECT_EQ(rate.rate(), 200'000'000u);
  for (int i = 0; i < 5; ++i) rate.step(0.0005, false);
  EXPECT_EQ(rate.rate(), 800'000'000u);
}

TEST(RateControl, CutsWhenReceiversLoseOrDisksFallBehind) {
  RateControl rate(800'000'000, false);
  rate.step(0.05, false);
  EXPECT_EQ(rate.rate(), 70'000'000u);
  rate.step(0, true);
  EXPECT_EQ(rate.rate(), 49'000'000u);
  rate.step(0, false);
  EXPECT_LT(rate.rate(), 52'000'000u);  // feels its way, no more doubling
}


TEST(RateControl, ALinksOwnLossDoesNotEndTheDoublingAndARisingOneDoes) {
  RateControl rate(800'000'000, false);
  for (const double loss : {0.01, 0.013, 0.009}) rate.step(loss, false);
  EXPECT_EQ(rate.rate(), 800'000'000u);
  rate.step(0.5, false);
  EXPECT_EQ(rate.rate(), 560'000'000u);
}

TEST(RateControl, LossThatStaysWhateverTheRateIsTolerated) {
  RateControl rate(800'000'000, false);
  for (int i = 0; i < 12; ++i) rate.step(0.01, false);
  EXPECT_EQ(rate.rate(), 800'000'000u);
  rate.step(0.1, false);
  EXPECT_LT(rate.rate(), 600'000'000u);
}

TEST(RateControl, AFixedRateStays) {
  RateControl rate(5'000'000, true);
  rate.step(0.5, true);
  rate.silence();
  EXPECT_EQ(rate.rate(), 5'000'000u);
}

TEST(Backoff, StaysWithinItsBoundsAndFewSpeakEarly) {
  SeededRandom random(1);
  int early = 0;
  for (int i = 0; i < 1000; ++i) {
    const Duration delay = backoff(random.unit(), 4ms, 1000);
    ASSERT_GE(delay, Duration::zero());
    ASSERT_LE(delay, 4ms);
    early += delay < 2ms;
  }
  EXPECT_GT(early, 0);
  EXPECT_LT(early, 60);  // e^-λ/2 of them: some two in a hundred
  EXPECT_EQ(backoff(0.9, Duration::zero(), 1000), Duration::zero());
}

TEST(Sampling, ChoosesItsShareAndOthersEachTime) {
  int first = 0, both = 0;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    first += is_sampled(7, ReceiverNumber{i}, 50);
    both += is_sampled(7, ReceiverNumber{i}, 50) && is_sampled(8, ReceiverNumber{i}, 50);
    ASSERT_LT(census_slot(9, ReceiverNumber{i}, 30ms), 30ms);
  }
  EXPECT_NEAR(first, 20, 12);
  EXPECT_LT(both, 4);
  EXPECT_FALSE(is_sampled(7, ReceiverNumber{1}, 0));
}

TEST(LossMeter, CountsGapsAndForgetsOldOnes) {
  LossMeter meter(100);
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (i % 10 != 3) meter.arrived(i);
  }
  EXPECT_NEAR(meter.loss(), 0.1, 0.02);
  for (std::uint64_t i = 100; i < 400; ++i) meter.arrived(i);
  EXPECT_EQ(meter.loss(), 0);
  meter.passed(450);
  EXPECT_GT(meter.loss(), 0.2);
}

TEST(Pacer, SpacesWhatIsSentAndMakesUpForAMillisecondOnly) {
  Pacer pacer;
  pacer.set_rate(8'000'000);  // a byte each microsecond
  const TimePoint start = TimePoint{} + 1h;
  int sent = 0;
  for (TimePoint now = start; now < start + 100ms; now += 100us) {
    while (pacer.ready(now)) {
      pacer.sent(1000, now);
      ++sent;
    }
  }
  EXPECT_NEAR(sent, 100, 3);
  sent = 0;
  while (pacer.ready(start + 10s)) {
    pacer.sent(1000, start + 10s);
    ++sent;
  }
  EXPECT_LE(sent, 2);
}

}  // namespace ghost::ardus
