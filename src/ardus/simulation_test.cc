// Whole sessions through the real cores, on virtual time.
#include "ardus/simulation.h"

#include <gtest/gtest.h>

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMiB = 1024 * 1024;

SimulationOptions session(std::size_t receivers, std::uint64_t bytes, double loss) {
  SimulationOptions out;
  out.receivers = receivers;
  out.bytes = bytes;
  out.loss = loss;
  return out;
}

/// Sent packets over what the loss alone makes necessary.
double over_floor(const SimulationResult& result, double loss) {
  return static_cast<double>(result.sender.sent_packets) * (1 - loss) / static_cast<double>(result.source_packets);
}

void expect_all_verified(const SimulationResult& result) {
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, result.receivers);
  EXPECT_EQ(result.wrong_blocks, 0u);
  EXPECT_GE(result.decoded, std::min<std::size_t>(8, result.receivers));
}

/// With so many slow links, which hold up nobody else.
SimulationResult with_slow_ones(SimulationOptions options, std::size_t slow, std::uint64_t rate) {
  const SimulationResult without = simulate(options);
  options.slow = slow;
  options.slow_rate = rate;
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, result.receivers);
  EXPECT_EQ(result.wrong_blocks, 0u);
  EXPECT_LE(result.received_seconds, without.received_seconds * 1.02);
  return result;
}

}  // namespace

TEST(Session, AThousandReceiversAtOnePercentLossCostLittleMoreThanTheLoss) {
  const SimulationResult result = simulate(session(1000, 8 * kMiB, 0.01));
  expect_all_verified(result);
  EXPECT_LE(over_floor(result, 0.01), 1.10);
  EXPECT_LE(static_cast<double>(result.feedback_bytes), 0.01 * static_cast<double>(result.payload_bytes));
}

TEST(Session, TheSameSeedGivesTheSameRun) {
  const SimulationOptions options = session(20, 2 * kMiB, 0.03);
  const SimulationResult first = simulate(options), second = simulate(options);
  EXPECT_EQ(first.sender.sent_packets, second.sender.sent_packets);
  EXPECT_EQ(first.feedback_bytes, second.feedback_bytes);
  EXPECT_EQ(first.virtual_seconds, second.virtual_seconds);
}

TEST(Session, WithoutLossNothingIsSentTwice) {
  const SimulationResult result = simulate(session(40, 8 * kMiB, 0));
  expect_all_verified(result);
  EXPECT_EQ(result.sender.sent_packets, result.source_packets);
}

TEST(Session, BurstsOfTwentyCostNoMoreThanSingleLosses) {
  SimulationOptions options = session(100, 18 * kMiB, 0.01);
  options.burst = 20;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(over_floor(result, 0.01), 1.08);
}

TEST(Session, AStreamOfAFewBytesAndOneOfABlockAndAByteArrive) {
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{kSymbolSize}, std::uint64_t{kBlockBytes} + 1}) {
    expect_all_verified(simulate(session(5, bytes, 0.2)));
  }
}

TEST(Session, TheJumboLayoutArrivesWithAndWithoutLossAndCostsNoMore) {
  for (const double loss : {0.0, 0.05}) {
    SimulationOptions options = session(16, 48 * kMiB, loss);
    options.layout = Layout::jumbo;
    const SimulationResult result = simulate(options);
    expect_all_verified(result);
    EXPECT_EQ(result.source_packets, (48 * kMiB + 8831) / 8832);
    EXPECT_LE(over_floor(result, loss), 1.08) << loss;
    if (loss == 0) {
      EXPECT_EQ(result.sender.sent_packets, result.source_packets);
    }
  }
}

TEST(Session, TheJumboLayoutFindsItsRateAndServesWhoIsDeafSlowOrKilled) {
  SimulationOptions options = session(12, 32 * kMiB, 0.01);
  options.layout = Layout::jumbo;
  options.fixed_rate = false;
  options.link_rate = 300'000'000;
  expect_all_verified(simulate(options));
  options = session(12, 24 * kMiB, 0.01);
  options.layout = Layout::jumbo;
  options.rate = 400'000'000;
  options.deaf = 1;
  options.slow = 1;
  options.slow_rate = 50'000'000;
  options.restarts = {{6, 100ms}};
  options.late = {{8, 200ms}};
  expect_all_verified(simulate(options));
}

TEST(Session, TheJumboLayoutFindsItsRateAsSoonAsTheStandardOne) {
  for (const double loss : {0.0, 0.05}) {
    SimulationOptions options = session(4, 32 * kMiB, loss);
    options.fixed_rate = false;
    options.rate = options.link_rate = 1'000'000'000;
    const double standard = simulate(options).received_seconds;
    options.layout = Layout::jumbo;
    const SimulationResult jumbo = simulate(options);
    expect_all_verified(jumbo);
    EXPECT_LE(jumbo.received_seconds, 1.25 * standard) << loss;
  }
}

TEST(Session, AJumboStreamOfAFewBytesAndOneOfABlockAndAByteArrive) {
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{kJumboSymbolSize}, std::uint64_t{block_bytes(Layout::jumbo)} + 1}) {
    SimulationOptions options = session(5, bytes, 0.2);
    options.layout = Layout::jumbo;
    expect_all_verified(simulate(options));
  }
}

TEST(Session, DuplicatesReorderingAndDamageDeliverNoWrongByte) {
  SimulationOptions options = session(12, 6 * kMiB, 0.02);
  options.duplicate = 0.05;
  options.reorder = 0.05;
  options.corrupt = 0.02;
  options.real = 12;
  expect_all_verified(simulate(options));
}

TEST(Session, ADeadReceiverHoldsUpNobodyAndIsGivenUp) {
  SimulationOptions options = session(30, 12 * kMiB, 0.01);
  const SimulationResult without = simulate(options);
  options.outages = {{7, 30ms, Duration::max()}};
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, 29u);
  EXPECT_EQ(result.sender.failed, 1u);
  EXPECT_LE(result.received_seconds, without.received_seconds * 1.05);
  EXPECT_LE(over_floor(result, 0.01), 1.10);
}

TEST(Session, AReceiverThatComesBackIsServedWhatItMissed) {
  SimulationOptions options = session(30, 12 * kMiB, 0.01);
  options.outages = {{3, 20ms, 60ms}, {3, 80ms, 110ms}, {11, 40ms, 4s}};
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(result.received_seconds, 0.2);
}

TEST(Session, AFifthLostIsRepairedInLittleMoreTimeThanItTakesToSend) {
  for (const double burst : {1.0, 16.0}) {
    for (const std::size_t receivers : {1u, 6u}) {
      SimulationOptions options = session(receivers, 6 * kMiB, 0.2);
      options.burst = burst;
      const SimulationResult result = simulate(options);
      expect_all_verified(result);
      EXPECT_LE(result.virtual_seconds, 1) << receivers << " receivers, runs of " << burst;
      EXPECT_LE(over_floor(result, 0.2), 1.25) << receivers << " receivers, runs of " << burst;
    }
  }
}

TEST(Session, OneThatIsServedAloneIsServedFastThoughItsWayLosesAFifth) {
  SimulationOptions options = session(4, 8 * kMiB, 0.2);
  options.late = {{3, 60ms}};  // when most was sent
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_GT(result.sender.unicast_symbols, 1000u);
  EXPECT_LE(result.slowest_seconds, 3);
}

TEST(Session, OneSlowLinkHoldsUpNobody) {
  const SimulationResult result = with_slow_ones(session(20, 16 * kMiB, 0), 1, 50'000'000);
  EXPECT_LE(result.slowest_seconds, 2.0 * 16 * kMiB * 8 * 1514 / 1408 / 50e6);
}

TEST(Session, SlowLinksTogetherAreSentToOnceMoreAtTheirOwnRate) {
  SimulationOptions options = session(20, 16 * kMiB, 0.01);
  options.real = 2;
  const SimulationResult result = with_slow_ones(options, 4, 50'000'000);
  EXPECT_LE(result.slowest_seconds, 1.25 * 16 * kMiB * 8 * 1514 / 1408 / 50e6);
  EXPECT_LE(over_floor(result, 0.01), 2.2);
  EXPECT_LE(result.sender.unicast_symbols, 200u);
  EXPECT_EQ(result.sender.rate, options.rate);  // as before, when they are done
}

TEST(Session, OneSlowLinkOfTwoDoesNotHoldUpOneThatCameLate) {
  SimulationOptions options = session(2, 12 * kMiB, 0);
  options.rate = 200'000'000;
  options.late = {{0, 400ms}};
  const SimulationResult without = simulate(options);
  options.slow = 1;
  options.slow_rate = 10'000'000;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(result.done_seconds[0], 2 * without.done_seconds[0] + 0.5);
}

TEST(Session, LiarsDoNotHaveTheWholeContentSentAgainAndAgain) {
  SimulationOptions options = session(8, 4 * kMiB, 0);
  options.liars = 3;
  options.limit = 60s;
  const SimulationResult result = simulate(options);
  EXPECT_GE(result.verified, 5u);
  const double to_group = static_cast<double>(result.sender.sent_packets - result.sender.unicast_symbols);
  EXPECT_LE(to_group, 5.0 * 4 * kMiB / kSymbolSize) << result.sender.unicast_symbols << " alone, of " << result.source_packets;
}

TEST(Session, SlowOnesThatHaveLeftTheGroupAreCalledBackWhenTheOthersAreDone) {
  SimulationOptions options = session(10, 24 * kMiB, 0.01);
  options.rate = 100'000'000;
  options.real = 2;
  const SimulationResult result = with_slow_ones(options, 3, 20'000'000);
  EXPECT_LE(result.slowest_seconds, 2.2 + 1.25 * 24 * kMiB * 8 * 1514 / 1408 / 20e6);
  EXPECT_LE(over_floor(result, 0.01), 2.3);
}

TEST(Session, ASmallTransferOverAWayFarSlowerThanItsInterfaceSaysTakesAsLongAsTheWay) {
  SimulationOptions options = session(8, 8 * kMiB, 0);
  options.rate = 10'000'000'000;
  options.fixed_rate = false;
  options.link_rate = 20'000'000;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(result.received_seconds, 1.25 * 8 * kMiB * 8 * 1514 / 1408 / 20e6);
  EXPECT_LE(over_floor(result, 0), 2.5);
}

TEST(Session, AFastInterfaceBeforeASlowWayLosesLittleAndSetsNobodyAside) {
  for (const std::size_t receivers : {8u, 64u}) {
    for (const std::size_t before : {std::size_t{0}, receivers / 2}) {
      for (const double loss : {0.0, 0.05}) {
        if (receivers == 64 && (loss == 0) == (before == 0)) continue;
        SimulationOptions options = session(receivers, 8 * kMiB, loss);
        options.rate = 10'000'000'000;
        options.fixed_rate = false;
        options.bottleneck = 20'000'000;
        options.bottleneck_queue = 157 * 1024;
        options.before_bottleneck = before;
        options.real = 1;
        const SimulationResult result = simulate(options);
        const auto which = std::to_string(receivers) + " receivers, " + std::to_string(before) + " before it, loss " + std::to_string(loss);
        EXPECT_EQ(result.verified, receivers) << which;
        EXPECT_LE(result.virtual_seconds, 6) << which;
        EXPECT_LE(static_cast<double>(result.sender.sent_bytes) * 1490 / 1448, 1.20 * 8 * kMiB) << which;  // with the headers up to Ethernet's
        EXPECT_LE(result.sender.unicast_symbols, 30u) << which;
      }
    }
  }
}

TEST(Session, OneThatSaysItLosesEverythingStopsNobody) {
  for (const std::size_t receivers : {2u, 4u, 16u}) {
    SimulationOptions options = session(receivers, 12 * kMiB, 0);
    options.fixed_rate = false;
    options.real = 1;
    const SimulationResult without = simulate(options);
    options.complainers = 1;
    const SimulationResult result = simulate(options);
    EXPECT_EQ(result.verified, receivers);
    EXPECT_LE(result.virtual_seconds, 1.5 * without.virtual_seconds + 0.5) << receivers;
  }
}

TEST(Session, ContentThatEndsWithinTheOpeningIsRepairedAtWhatTheWayCarries) {
  SimulationOptions options = session(4, 400 * 1408, 0.05);
  options.rate = 10'000'000'000;
  options.fixed_rate = false;
  options.bottleneck = 20'000'000;
  options.bottleneck_queue = 4 * kMiB;
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.verified, 4u);
  EXPECT_LE(result.sender.rate, 100'000'000u);  // and not an eighth of what the interface says
}

TEST(Session, ContentThatComesLateWithinTheOpeningSendsNobodyAway) {
  SimulationOptions options = session(4, 8 * kMiB, 0);
  options.fixed_rate = false;
  options.content_at = 10s;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_EQ(result.sender.unicast_symbols, 0u);
  EXPECT_EQ(result.sender.sent_packets, result.source_packets);
  EXPECT_LE(result.virtual_seconds, 11);
}

TEST(Session, OneSlowLinkHoldsUpNobodyWhereTheRateIsFound) {
  SimulationOptions options = session(4, 12 * kMiB, 0);
  options.fixed_rate = false;
  options.link_rate = 100'000'000;
  const SimulationResult without = simulate(options);
  options.slow = 1;
  options.slow_rate = 10'000'000;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(result.received_seconds, without.received_seconds * 1.02);
}

TEST(Session, OneThatIsStoppedForHalfAMinuteOrAgainAndAgainHoldsUpNobody) {
  SimulationOptions options = session(4, 24 * kMiB, 0.01);
  options.rate = 100'000'000;
  options.give_up_after = 60s;
  const SimulationResult without = simulate(options);
  options.outages = {{1, 200ms, 30s}};
  for (int i = 0; i < 16; ++i) options.outages.push_back({2, 100ms + i * 120ms, 150ms + i * 120ms});
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(result.received_seconds, without.received_seconds * 1.15);  // until the one that comes and goes is served alone
  EXPECT_LE(result.virtual_seconds, 40);
}

TEST(Session, WhoseLastReportWasLostIsNotGivenUpWhileASlowOneIsServed) {
  SimulationOptions options = session(100, 48 * kMiB, 0.01);
  options.slow = 1;
  options.slow_rate = 7'500'000;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_GT(result.slowest_seconds, 60);  // the silence after which a receiver is given up
}

TEST(Session, LateJoinersGetWhatTheyMissedFewAloneAndManyTogether) {
  SimulationOptions options = session(10, 16 * kMiB, 0.01);
  options.late = {{9, 60ms}};
  const SimulationResult one = simulate(options);
  expect_all_verified(one);
  EXPECT_GT(one.sender.unicast_symbols, 1000u);
  options.receivers = 30;
  options.late.clear();
  for (std::size_t i = 20; i < 30; ++i) options.late.push_back({i, 60ms});
  const SimulationResult many = simulate(options);
  expect_all_verified(many);
  EXPECT_LE(many.sender.unicast_symbols, 100u);
  EXPECT_LE(static_cast<double>(many.sender.sent_packets), 1.7 * static_cast<double>(many.source_packets));  // once more, not ten times
}

TEST(Session, WhoHasNoMulticastIsFoundByAProbeAndServedAloneAndTheOthersDoNotNotice) {
  SimulationOptions options = session(8, 64 * kMiB, 0);
  options.rate = 200'000'000;
  const SimulationResult all_hear = simulate(options);
  options.deaf = 1;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_GT(result.sender.unicast_symbols, result.source_packets - 100);
  EXPECT_LE(result.received_seconds, all_hear.received_seconds * 1.05);
  // A copy by unicast after the group's, and not three seconds of silence between.
  EXPECT_LE(result.slowest_seconds, 2 * all_hear.received_seconds + 1.5);
  options = session(1, 2 * kMiB, 0);
  options.deaf = 1;
  EXPECT_LE(simulate(options).slowest_seconds, 1.5);
}

TEST(Session, AJoinerAfterEverybodyElseIsDoneIsServedToo) {
  SimulationOptions options = session(4, 4 * kMiB, 0.01);
  options.late = {{3, 2s}};
  expect_all_verified(simulate(options));
}

TEST(Session, TheSenderFindsARateThatTheLinksCarry) {
  SimulationOptions options = session(10, 12 * kMiB, 0);
  options.fixed_rate = false;
  options.link_rate = 100'000'000;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(over_floor(result, 0), 1.4);  // of which most is lost while it feels its way
  EXPECT_LE(result.received_seconds, 2.5 * 12 * kMiB * 8 / 100e6);
}

TEST(Session, AFastWayIsFilledWithinATenthOfASecond) {
  SimulationOptions options = session(4, 96 * kMiB, 0);
  options.rate = 10'000'000'000;
  options.fixed_rate = false;
  options.rtt = 200us;
  options.real = 1;
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, 4u);
  EXPECT_LE(result.received_seconds, 0.083 + 0.08);  // at 10 Gbit/s all the time, and what it takes to get there
}

TEST(Session, WhatTheLinksLoseByThemselvesDoesNotSlowItDown) {
  SimulationOptions options = session(10, 16 * kMiB, 0);
  options.fixed_rate = false;
  const SimulationResult without = simulate(options);
  options.loss = 0.02;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(result.received_seconds, 1.2 * without.received_seconds);
  EXPECT_LE(over_floor(result, 0.02), 1.10);
}

TEST(Session, ThreeReceiversThatLoseCostLittleMoreThanTheLossWhereTheRateIsFound) {
  SimulationOptions options = session(3, 19 * kMiB, 0.02);
  options.fixed_rate = false;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(over_floor(result, 0.02), 1.15);
}

TEST(Session, ALongRoundTripAndHeavyLossAreOnlyATimeMatter) {
  SimulationOptions options = session(20, 4 * kMiB, 0.2);
  options.rtt = 200ms;
  const SimulationResult result = simulate(options);
  expect_all_verified(result);
  EXPECT_LE(over_floor(result, 0.2), 1.25);
}

}  // namespace ghost::ardus
