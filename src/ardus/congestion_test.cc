// Rates that go by what the ways carry (docs/spec/ardus.md §5.10, §5.11), beside TCP, on virtual time.
#include <gtest/gtest.h>

#include "ardus/path_meter.h"
#include "ardus/path_rate.h"
#include "ardus/simulation.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

SimulationOptions over_bottleneck(Congestion congestion, std::uint64_t bytes, std::uint64_t bottleneck = 20'000'000) {
  SimulationOptions out;
  out.congestion = congestion;
  out.receivers = 3;
  out.real = 1;
  out.loss = 0;
  out.bytes = bytes;
  out.rtt = 20ms;
  out.bottleneck = bottleneck;
  out.bottleneck_queue = 64 * 1024;
  return out;
}

/// Mbit/s through the bottleneck, the session's and the others', between two times.
std::pair<double, double> through(const SimulationResult& result, Duration from, Duration to) {
  double session = 0, others = 0;
  for (auto i = static_cast<std::size_t>(from / 100ms); i < std::min(static_cast<std::size_t>(to / 100ms), result.shares.size()); ++i) {
    session += static_cast<double>(result.shares[i].session);
    others += static_cast<double>(result.shares[i].others);
  }
  const double seconds = std::chrono::duration<double>(to - from).count() * 1e6;
  return {session / seconds, others / seconds};
}

PathReport path_of(double loss_events, std::uint32_t received = 100'000, std::uint32_t one_way = 0, std::uint32_t events = 0) {
  return {static_cast<std::uint32_t>(loss_events * 4294967295.0), events, received, one_way};
}

const TimePoint kBegin = TimePoint{} + 1h;

}  // namespace

TEST(LossEvents, TheEquationOfRfc5348GivesWhatItShould) {
  // s = 1000 bytes, R = 100 ms, p = 1 %: 1000 / (0.1 sqrt(0.02/3) + 0.4 * 3 sqrt(0.03/8) * 0.01 * 1.0032) bytes a second.
  EXPECT_NEAR(tcp_rate(8000, 100ms, 0.01), 8 * 112'380, 8 * 300);
  EXPECT_NEAR(tcp_rate(8000, 100ms, loss_for_rate(8000, 100ms, 5e5)), 5e5, 500);
}

TEST(LossEvents, LossesWithinARoundTripAreOneAndDetoursAreNone) {
  LossEvents losses;
  TimePoint now = kBegin;
  std::uint64_t number = 0;
  const auto come = [&](int count) {
    for (int i = 0; i < count; ++i) losses.arrived(number++, 100ms, kPacketOnWire, 10e6, now += 1ms);
  };
  come(1000);
  EXPECT_EQ(losses.rate(), 0);
  losses.arrived(number + 1, 100ms, kPacketOnWire, 10e6, now);  // two change places
  losses.arrived(number, 100ms, kPacketOnWire, 10e6, now);
  number += 2;
  come(10);
  EXPECT_EQ(losses.events(), 0u);
  for (int i = 0; i < 5; ++i) {  // five losses in 50 ms
    ++number;
    come(9);
  }
  EXPECT_EQ(losses.events(), 1u);
  for (int i = 0; i < 9; ++i) {  // then one in each 200
    come(199);
    ++number;
  }
  come(4);
  EXPECT_EQ(losses.events(), 10u);
  EXPECT_NEAR(losses.rate(), 1.0 / 200, 2e-4);
  come(2000);  // the open interval counts when it makes the rate less
  EXPECT_LT(losses.rate(), 1.0 / 400);
}

TEST(Tfmcc, GoesByTheWorstWayAndRisesByAPacketForEachRoundTripAtMost) {
  TfmccRate rate;
  TimePoint now = kBegin;
  for (int i = 0; i < 8; ++i) {
    rate.report(ReceiverNumber{1}, path_of(0, static_cast<std::uint32_t>(rate.rate() / 1e3)), 50ms, now);
    rate.step(true, 50ms, 1'000'000'000, now += 50ms);
  }
  EXPECT_NEAR(rate.rate(), 256e6, 3e6);  // slow start doubles
  rate.report(ReceiverNumber{2}, path_of(0.01), 100ms, now);
  const double worst = tcp_rate(kPacketOnWire, 100ms, 0.01);
  EXPECT_NEAR(rate.rate(), worst, 1);
  EXPECT_EQ(rate.limiting(), ReceiverNumber{2});
  rate.report(ReceiverNumber{1}, path_of(0.0001), 50ms, now);  // it could get more, and is not asked
  EXPECT_NEAR(rate.rate(), worst, 1);
  rate.report(ReceiverNumber{2}, path_of(0.0001), 100ms, now += 100ms);
  EXPECT_NEAR(rate.rate(), worst + kPacketOnWire / 0.1, 1);
  rate.report(ReceiverNumber{3}, path_of(0.05), 100ms, now);
  EXPECT_EQ(rate.limiting(), ReceiverNumber{3});
  EXPECT_NEAR(rate.rate(), tcp_rate(kPacketOnWire, 100ms, 0.05), 1);
  const double before = rate.rate();
  rate.left();
  for (int i = 0; i < 5; ++i) rate.step(true, 100ms, 1'000'000'000, now += 100ms);
  EXPECT_NEAR(rate.rate(), before + 5 * kPacketOnWire / 0.1, kPacketOnWire / 0.1);
}

TEST(PathMeter, WhoCouldGetLessThanIsSentSaysSoAndNobodyElse) {
  PathMeter meter;
  TimePoint now = kBegin;
  const PathQuestion question{5, 10'000, ReceiverNumber{1}, ReceiverNumber{7}, 20'000, 500'000};
  EXPECT_FALSE(meter.asked());
  meter.hear(question, ReceiverNumber{7}, now);
  std::uint64_t number = 0;
  const auto lose_one_in = [&](std::uint64_t every) {
    for (int i = 0; i < 20'000; ++i) {
      number += number % every == 0 ? 2 : 1;
      meter.arrived(number, now += 1200us);  // 10 Mbit/s
    }
  };
  lose_one_in(5000);
  EXPECT_FALSE(meter.too_fast());
  EXPECT_NEAR(meter.report().received, 10'090, 1100);
  lose_one_in(40);
  ASSERT_TRUE(meter.too_fast());
  EXPECT_LT(*meter.too_fast(), 0.9);
  PathQuestion slower = question;
  slower.rate = 1000;
  meter.hear(slower, ReceiverNumber{7}, now);
  EXPECT_FALSE(meter.too_fast());
}

TEST(Background, CountsWithAClockThatJumpsOverItsEndAndDriftsAway) {
  BackgroundRate rate;
  TimePoint now = kBegin;
  std::uint32_t clock = 0xffffff00;
  double last = 0;
  for (int i = 0; i < 3000; ++i, clock += 1) {  // 1 µs in 20 ms: 50 ppm
    rate.report(ReceiverNumber{1}, path_of(0, static_cast<std::uint32_t>(rate.rate() / 1e3), clock), 10ms, now);
    rate.step(true, 10ms, 50'000'000, now += 20ms);
    if (i == 2000) last = rate.rate();
  }
  EXPECT_EQ(last, 50e6);
  for (int i = 0; i < 200; ++i) {  // a queue of 60 ms
    rate.report(ReceiverNumber{1}, path_of(0, static_cast<std::uint32_t>(rate.rate() / 1e3), clock + 60'000), 10ms, now);
    rate.step(true, 10ms, 50'000'000, now += 20ms);
  }
  EXPECT_LT(rate.rate(), 1e6);
}

TEST(CongestionSession, TfmccSharesALinkWithTcp) {
  SimulationOptions options = over_bottleneck(Congestion::tfmcc, 40'000'000);
  options.others = {{2s, 30s}};
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, 3u);
  const auto [session, tcp] = through(result, 6s, 28s);
  EXPECT_GT(session, tcp / 2);
  EXPECT_LT(session, tcp * 2);
  EXPECT_GT(session + tcp, 18);
}

TEST(CongestionSession, TfmccGoesByTheSlowestReceiverAndRecoversWhenItLeaves) {
  SimulationOptions options = over_bottleneck(Congestion::tfmcc, 40'000'000, 1'000'000'000);
  options.receivers = 8;
  options.link_rate = 30'000'000;
  options.slow = 1;
  options.slow_rate = 4'000'000;
  options.evictions = {{7, 12s}};
  options.give_up_after = 2s;
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_GE(result.verified, 7u);
  const double with = through(result, 6s, 12s).first, without = through(result, 15s, 20s).first;
  EXPECT_GT(with, 2.4);
  EXPECT_LT(with, 4.8);
  EXPECT_GT(without, 15);
}

TEST(CongestionSession, TheCeilingIsKept) {
  for (const Congestion congestion : {Congestion::tfmcc, Congestion::background}) {
    SimulationOptions options = over_bottleneck(congestion, 8'000'000);
    options.rate = 8'000'000;
    const SimulationResult result = simulate(options);
    EXPECT_EQ(result.verified, 3u);
    EXPECT_LE(result.virtual_seconds, 14);
    for (const BottleneckShare& each : result.shares) EXPECT_LE(each.session, 900'000u);
  }
}

TEST(CongestionSession, TheBackgroundTakesALinkThatNobodyElseUsesAndMakesRoomForTcp) {
  for (const std::uint64_t queue : {64u * 1024, 256u * 1024}) {
    SimulationOptions options = over_bottleneck(Congestion::background, 40'000'000);
    options.bottleneck_queue = queue;
    options.others = {{10s, 20s}};
    const SimulationResult result = simulate(options);
    EXPECT_EQ(result.failure, "");
    EXPECT_EQ(result.verified, 3u);
    EXPECT_GT(through(result, 5s, 10s).first, 0.9 * 20) << queue;
    const auto [session, tcp] = through(result, 11s, 20s);
    EXPECT_LT(session, 0.15 * 20) << queue;
    EXPECT_GT(tcp, 0.8 * 20) << queue;
    EXPECT_GT(through(result, 28s, 30s).first, 0.9 * 20) << queue;
  }
}

}  // namespace ghost::ardus
