// The small rules the cores go by: planned parity, rate, back-off, loss.
#include <gtest/gtest.h>

#include <cmath>

#include "ardus/feedback.h"
#include "ardus/loss_meter.h"
#include "ardus/opening.h"
#include "ardus/pacer.h"
#include "ardus/parity_plan.h"
#include "ardus/path_rate.h"
#include "ardus/rate_control.h"
#include "base/random.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

TEST(BatchLoss, TellsWhatWasLostSinceTheLastQuestionThatWasAnswered) {
  BatchLoss loss;
  for (const std::uint64_t number : {0u, 1u, 3u}) loss.arrived(number);
  loss.passed(6);
  EXPECT_DOUBLE_EQ(loss.loss(), 0.5);
  loss.answered();
  EXPECT_DOUBLE_EQ(loss.loss(), 0.5);  // the answer was lost, and is given again
  for (std::uint64_t number = 6; number < 10; ++number) loss.arrived(number);
  EXPECT_DOUBLE_EQ(loss.loss(), 0);
}

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

namespace {

/// A way that carries so many bit/s, loses a share of what it carries, in pieces of `piece` packets, and drops what is too much.
struct CarryingWay {
  double carries;
  double own = 0;
  int piece = 1;
  double sender_can = 1e12;
  SeededRandom random{7};

  void step(RateControl& rate) {
    const double sent = std::min(static_cast<double>(rate.rate()), sender_can);
    int lost = 0;
    for (int i = 0; i < 1024; i += piece) lost += random.chance(own) ? piece : 0;
    const double through = std::min(1.0, carries / sent) * (1 - lost / 1024.0);
    rate.step({1 - through, false, static_cast<std::uint64_t>(sent)});
  }
  void steps(RateControl& rate, int count) {
    for (int i = 0; i < count; ++i) step(rate);
  }
  /// Of what it could carry, how much is sent, and how much of that is more than it carries; means of many steps.
  std::pair<double, double> use(RateControl& rate, int count) {
    double used = 0, wasted = 0;
    for (int i = 0; i < count; ++i) {
      step(rate);
      const double sent = std::min(static_cast<double>(rate.rate()), sender_can);
      used += std::min(sent, carries) / carries / count;
      wasted += std::max(0.0, sent - carries) / sent / count;
    }
    return {used, wasted};
  }
};

}  // namespace

TEST(RateControl, DoublesFromAnEighthWhileNothingIsLost) {
  RateControl rate(800'000'000, false);
  EXPECT_EQ(rate.rate(), 100'000'000u);
  rate.step({});
  EXPECT_EQ(rate.rate(), 200'000'000u);
  for (int i = 0; i < 5; ++i) rate.step({0.0005});
  EXPECT_EQ(rate.rate(), 800'000'000u);
}

TEST(RateControl, ACeilingThatComesDownHoldsAtOnceAndOneThatGoesUpIsForLater) {
  RateControl fixed(80'000'000, true);
  fixed.set_ceiling(40'000'000, true);
  EXPECT_EQ(fixed.rate(), 40'000'000u);
  fixed.set_ceiling(80'000'000, true);
  EXPECT_EQ(fixed.rate(), 80'000'000u);

  RateControl found(800'000'000, false);
  for (int i = 0; i < 5; ++i) found.step({});
  EXPECT_EQ(found.rate(), 800'000'000u);
  found.set_ceiling(400'000'000, false);
  EXPECT_EQ(found.rate(), 400'000'000u);
  found.set_ceiling(800'000'000, false);
  EXPECT_EQ(found.rate(), 400'000'000u);
}

TEST(RateControl, ACeilingThatChangesWhileSlowWaysAreFollowedLeavesThemTheirRate) {
  RateControl rate(80'000'000, true);
  rate.follow_slow(10'000'000);
  const auto slow = rate.rate();
  EXPECT_LT(slow, 11'000'000u);
  rate.set_ceiling(40'000'000, true);
  EXPECT_TRUE(rate.follows_slow());
  EXPECT_EQ(rate.rate(), slow);
  rate.follow_all();
  EXPECT_EQ(rate.rate(), 40'000'000u);
}

TEST(RateControl, IsCutToWhatCameThroughWhenTheWholeWasSentTooFast) {
  RateControl rate(10'000'000'000, false);
  rate.step_idle({.loss = 0.984});
  EXPECT_NEAR(static_cast<double>(rate.rate()), 0.98 * 20e6, 1e5);
  rate.step_idle({.loss = 0.05});
  EXPECT_NEAR(static_cast<double>(rate.rate()), 0.98 * 20e6, 1e5);
  // Links that lose as much whatever is sent are not the rate's doing: it is cut for them twice, since a queue may still hold what was sent before.
  RateControl lossy(1'000'000'000, false);
  lossy.step_idle({.loss = 0.6});
  lossy.step_idle({.loss = 0.6});
  const std::uint64_t cut = lossy.rate();
  for (int i = 0; i < 10; ++i) lossy.step_idle({.loss = 0.6});
  EXPECT_EQ(lossy.rate(), cut);
  RateControl slow(1'000'000'000, false);
  for (const double loss : {0.9, 0.85, 0.1}) slow.step_idle({.loss = loss});
  EXPECT_LT(slow.rate(), 3'000'000u);
}

namespace {

/// The trains of an opening through a way that carries so much and has a queue of so many packets, to `receivers` of whom `apart` are
/// reached without it, and so many packets lost on each receiver's own; how many trains it took.
int open_by(Opening& opening, double carries, double queue, int receivers, int apart, double own, Opening::Outcome& outcome) {
  TimePoint now = TimePoint{} + 1h;
  std::uint64_t number = 0;
  opening.ask(ReceiverNumber{1});
  opening.set_asked(now);
  opening.answer(ReceiverNumber{1}, 0, 0, now);
  opening.judge();  // it hears
  for (int trains = 1;; ++trains) {
    const auto packets = static_cast<double>(opening.end() - number), sending = packets * kPacketOnWire / opening.rate();
    const double through = std::min(packets, queue + sending * carries / kPacketOnWire), drained = std::max(sending, through * kPacketOnWire / carries);
    opening.sent_first(now);
    for (int i = 1; i <= receivers; ++i) opening.ask(ReceiverNumber{static_cast<std::uint32_t>(i)});
    opening.set_asked(now);
    number = opening.end();
    const std::uint64_t told = number < loss_span(Layout::standard) ? number : loss_span(Layout::standard) + number % loss_span(Layout::standard);
    for (int i = 1; i <= receivers; ++i) {
      const double lost = i <= apart ? own * packets : packets - through * (1 - own);
      const double earlier = static_cast<double>(told) > packets ? own * (static_cast<double>(told) - packets) : 0;
      opening.answer(ReceiverNumber{static_cast<std::uint32_t>(i)}, number, (lost + earlier) / static_cast<double>(told),
                     now + Duration(static_cast<Duration::rep>(1e9 * (i <= apart ? sending : drained))) + 1ms);
    }
    EXPECT_TRUE(opening.settled(1ms, now));
    now += 1s;
    outcome = opening.judge();
    if (!opening.active() || trains == 8) return trains;
  }
}

}  // namespace

TEST(Opening, MeasuresAWayThatIsFarSlowerThanItsInterfaceByTwoShortTrains) {
  for (const int apart : {0, 4}) {
    for (const double own : {0.0, 0.05}) {
      Opening opening;
      Opening::Outcome outcome;
      opening.begin(1.25e9, 0);
      EXPECT_EQ(open_by(opening, 20e6, 104, 8, apart, own, outcome), 2);
      EXPECT_TRUE(outcome.limited);
      EXPECT_NEAR(outcome.carried, 20e6, 2e6) << apart << " " << own;
      RateControl rate(10'000'000'000, false);
      rate.opened(outcome);
      EXPECT_NEAR(static_cast<double>(rate.rate()), 19.6e6, 2e6);
    }
  }
}

TEST(Opening, EndsWithTheFirstTrainsWhereTheWayCarriesAllAndLeavesTheRateAsItWas) {
  for (const double own : {0.0, 0.2}) {
    Opening opening;
    Opening::Outcome outcome;
    opening.begin(1.25e9, 0);
    EXPECT_LE(open_by(opening, 10e9, 1e6, 16, 0, own, outcome), 2);
    EXPECT_FALSE(outcome.limited);
    RateControl rate(10'000'000'000, false);
    rate.opened(outcome);
    EXPECT_EQ(rate.rate(), 1'250'000'000u);
    EXPECT_TRUE(rate.rising());
  }
}

TEST(Opening, AQueueThatHoldsEverythingIsSeenByTrainsThatComeNoFaster) {
  Opening opening;
  Opening::Outcome outcome;
  opening.begin(1.25e9, 0);
  EXPECT_EQ(open_by(opening, 20e6, 1e6, 8, 0, 0, outcome), 2);
  EXPECT_TRUE(outcome.level && !outcome.limited);
  RateControl rate(10'000'000'000, false);
  rate.opened(outcome);
  EXPECT_NEAR(static_cast<double>(rate.rate()), 25e6, 2e6);
}

TEST(Opening, OfTheJumboLayoutHasAQuarterOfThePackets) {
  Opening opening;
  const TimePoint now = TimePoint{} + 1h;
  opening.begin(1.25e9, 0, Layout::jumbo);
  opening.ask(ReceiverNumber{1});
  opening.set_asked(now);
  opening.answer(ReceiverNumber{1}, 0, 0, now);
  opening.judge();
  EXPECT_EQ(opening.end(), 16u);
  opening.sent_first(now);
  opening.ask(ReceiverNumber{1});
  opening.set_asked(now);
  opening.answer(ReceiverNumber{1}, 16, 0, now + 100ms);
  const Opening::Outcome outcome = opening.judge();
  EXPECT_NEAR(outcome.carried, 16 * 8938 * 8 / 0.1, 1);
  EXPECT_EQ(opening.end(), 16u + 64u);
}

TEST(Opening, OneOfFourWhoseOwnWayIsSlowIsLeftOut) {
  Opening opening;
  Opening::Outcome outcome;
  opening.begin(125e6, 0);
  EXPECT_EQ(open_by(opening, 2e6, 16, 4, 3, 0, outcome), 1);
  EXPECT_GT(outcome.carried, 60e6);
}

TEST(Opening, OneThatSaysItGotNothingIsNotTheMeasure) {
  const TimePoint start = TimePoint{} + 1h;
  for (const std::uint32_t receivers : {2u, 4u, 16u}) {
    Opening opening;
    opening.begin(125e6, 0);
    opening.ask(ReceiverNumber{1});
    opening.set_asked(start);
    opening.answer(ReceiverNumber{1}, 0, 0, start);
    opening.judge();
    opening.sent_first(start);
    for (std::uint32_t i = 1; i <= receivers; ++i) opening.ask(ReceiverNumber{i});
    opening.set_asked(start);
    for (std::uint32_t i = 1; i <= receivers; ++i) {
      opening.answer(ReceiverNumber{i}, opening.end(), i == 1 ? 1 : 0, start + 7ms);
      EXPECT_EQ(opening.settled(1ms, start + 8ms), i == receivers) << i << " of " << receivers;
    }
    EXPECT_GT(opening.judge().carried, 62e6);
  }
}

TEST(Opening, NoTrainLastsLongHoweverLittleCameOfTheOneBefore) {
  TimePoint now = TimePoint{} + 1h;
  Opening opening;
  opening.begin(125e6, 0);
  std::uint64_t before = 0;
  double last = 0;
  for (int train = 0; train <= 4; ++train) {
    opening.sent_first(now);
    opening.ask(ReceiverNumber{1});
    opening.set_asked(now);
    now += 500ms;
    opening.answer(ReceiverNumber{1}, opening.end(), train < 2 ? 63.0 / 64 : 0, train < 2 ? now : now - 499ms + Duration(static_cast<Duration::rep>(1e9 * static_cast<double>(opening.end() - before) * kPacketOnWire / std::max(opening.rate(), 1.0))));
    before = opening.end();
    opening.judge();
    ASSERT_TRUE(opening.active());
    EXPECT_GE(opening.rate(), 500'000);
    EXPECT_LE(static_cast<double>(opening.end() - before) * kPacketOnWire / opening.rate(), 0.8);
    if (train > 2) {
      EXPECT_GT(opening.rate(), 2 * last);
    }
    last = opening.rate();
  }
}

TEST(Opening, WaitsForThreeQuartersThenForHalfThenForNobody) {
  const TimePoint start = TimePoint{} + 1h;
  Opening opening;
  opening.begin(1e8, 100);
  EXPECT_EQ(opening.end(), 100u);
  opening.ask(ReceiverNumber{1});
  opening.set_asked(start);
  EXPECT_FALSE(opening.settled(1ms, start));
  opening.answer(ReceiverNumber{1}, 100, 0, start);
  opening.judge();
  EXPECT_EQ(opening.end(), 164u);
  opening.sent_first(start);
  for (std::uint32_t i = 1; i <= 4; ++i) opening.ask(ReceiverNumber{i});
  opening.set_asked(start);
  EXPECT_FALSE(opening.settled(1ms, start + 499ms));
  EXPECT_TRUE(opening.settled(1ms, start + 500ms));
  opening.answer(ReceiverNumber{1}, 163, 0, start + 1ms);  // speaks of less than the train
  EXPECT_FALSE(opening.answered());
  for (const std::uint32_t i : {1u, 1u, 2u, 9u}) opening.answer(ReceiverNumber{i}, 164, 0, start + 1ms);
  EXPECT_EQ(opening.unanswered().size(), 2u);
  EXPECT_FALSE(opening.settled(1ms, start + 101ms));
  EXPECT_TRUE(opening.settled(1ms, start + 102ms));
  EXPECT_EQ(opening.next_wakeup(1ms), start + 102ms);
  opening.answer(ReceiverNumber{3}, 164, 0, start + 2ms);
  EXPECT_TRUE(opening.settled(1ms, start + 3ms));
}

TEST(RateControl, FindsWhatTheWayCarriesAndStaysThere) {
  for (const double carries : {30e6, 95e6, 330e6, 700e6}) {
    CarryingWay way{carries};
    RateControl rate(1'000'000'000, false);
    way.steps(rate, 12);
    const auto [used, wasted] = way.use(rate, 300);
    EXPECT_GT(used, 0.9) << carries;
    EXPECT_LT(wasted, 0.03) << carries;
  }
}

TEST(RateControl, HeavyLossInPiecesIsNotTakenForTheRates) {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    CarryingWay way{1e12, 0.2, 16};
    way.random = SeededRandom(seed);
    RateControl rate(1'000'000'000, false);
    way.steps(rate, 12);
    EXPECT_GT(way.use(rate, 100).first * way.carries, 0.85 * 1e9) << seed;
  }
}

TEST(RateControl, LossThatIsTheLinksOwnDoesNotSlowItDown) {
  for (const double own : {0.002, 0.01, 0.05, 0.2}) {
    CarryingWay way{1e12, own};
    RateControl rate(1'000'000'000, false);
    way.steps(rate, 12);
    double mean = 0;
    for (int i = 0; i < 300; ++i) {
      way.step(rate);
      mean += static_cast<double>(rate.rate()) / 300;
    }
    EXPECT_GT(mean, 0.9e9) << own;
  }
}

TEST(RateControl, LossInPiecesOfSixteenDoesNotEither) {
  for (const double own : {0.01, 0.05}) {
    CarryingWay way{1e12, own, 16};
    RateControl rate(1'000'000'000, false);
    way.steps(rate, 12);
    double mean = 0;
    for (int i = 0; i < 300; ++i) {
      way.step(rate);
      mean += static_cast<double>(rate.rate()) / 300;
    }
    EXPECT_GT(mean, 0.8e9) << own;
  }
}

TEST(RateControl, FindsWhatALossyWayCarries) {
  for (const int piece : {1, 16}) {
    CarryingWay way{330e6, 0.02, piece};
    RateControl rate(1'000'000'000, false);
    way.steps(rate, 12);
    const auto [used, wasted] = way.use(rate, 300);
    EXPECT_GT(used, 0.8) << piece;
    EXPECT_LT(wasted, 0.05) << piece;
  }
}

TEST(RateControl, FollowsAWayThatBecomesSlowerAndFasterAgain) {
  CarryingWay way{900e6};
  RateControl rate(1'000'000'000, false);
  way.steps(rate, 50);
  way.carries = 200e6;
  way.steps(rate, 12);
  EXPECT_NEAR(static_cast<double>(rate.rate()), 200e6, 30e6);
  way.carries = 800e6;
  way.steps(rate, 150);
  EXPECT_GT(rate.rate(), 600'000'000u);
}

TEST(RateControl, WhatTheSenderCannotSendIsNotAskedOfTheWay) {
  CarryingWay way{300e6, 0, 1, 400e6};
  RateControl rate(10'000'000'000, false);
  way.steps(rate, 30);
  const auto [used, wasted] = way.use(rate, 300);
  EXPECT_GT(used, 0.9);
  EXPECT_LT(wasted, 0.05);
}

TEST(RateControl, WhoFallsBehindIsGivenTimeToCatchUpBeforeTheRateIsCutAgain) {
  RateControl rate(800'000'000, false);
  rate.step({0, true});
  EXPECT_EQ(rate.rate(), 70'000'000u);
  rate.step({0, true});
  EXPECT_EQ(rate.rate(), 70'000'000u);
  for (int i = 0; i < 8; ++i) rate.step({0, true});
  EXPECT_LT(rate.rate(), 50'000'000u);
  for (int i = 0; i < 12; ++i) rate.step({});
  EXPECT_GT(rate.rate(), 50'000'000u);
}

TEST(RateControl, AFixedRateStays) {
  RateControl rate(5'000'000, true);
  rate.step({0.5, true});
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

TEST(LossMeter, WhatWasSentSinceItWasFirstToldOfIsLostWhereNothingCame) {
  LossMeter meter(100);
  meter.passed(40);
  EXPECT_EQ(meter.loss(), 0);
  meter.passed(104);
  EXPECT_EQ(meter.loss(), 1);
  LossMeter late(100);
  late.arrived(40);
  EXPECT_EQ(late.loss(), 0);
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
