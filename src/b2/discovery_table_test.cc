#include "b2/discovery_table.h"

#include <gtest/gtest.h>

#include "b2/discovery_gossip.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint kStart{1h};
constexpr std::uint64_t kHouse = 7;

DiscoveryMessage beacon_of(std::uint8_t number, std::uint64_t house = kHouse) {
  DiscoveryMessage beacon;
  beacon.about.node.bytes.fill(number);
  beacon.about.port = 2203;
  beacon.about.epoch = 100;
  beacon.about.services = 5;
  beacon.about.house = house;
  beacon.hold_ms = 17'500;
  return beacon;
}

PeerProof proof_of(const Announcement& about) { return {"node", {{"b2.v1.Core", "1", v1::Health::serving}}, about.services, about.epoch}; }

class PeerTableTest : public testing::Test {
 protected:
  PeerTableTest() { table.set_house(kHouse, kStart); }

  const Peer* hear(const DiscoveryMessage& beacon, TimePoint now, const std::string& address = "10.0.0.7:2203") {
    return table.heard(beacon, {address, 2, now}, now, 0);
  }
  /// Dials what is due within a second of `now`, and has it answer.
  void prove(const DiscoveryMessage& beacon, TimePoint now) {
    const auto dials = table.take_dials(now + 1s);
    ASSERT_EQ(dials.size(), 1u);
    table.dialled(dials[0], proof_of(beacon.about), now + 1s);
  }

  DiscoveryRules rules;
  SeededRandom random{1};
  PeerTable table{rules, random};
};

}  // namespace

TEST_F(PeerTableTest, DialsWhomItHearsOnceAndAgainWhenItsServicesChange) {
  DiscoveryMessage beacon = beacon_of(1);
  ASSERT_NE(hear(beacon, kStart), nullptr);
  prove(beacon, kStart);
  EXPECT_EQ(table.all().begin()->second.state, PeerState::proven);
  hear(beacon, kStart + 5s);
  EXPECT_TRUE(table.take_dials(kStart + 9s).empty()) << "what is known is not asked for again";
  beacon.about.services = 6;
  hear(beacon, kStart + 10s);
  const auto dials = table.take_dials(kStart + 11s);
  ASSERT_EQ(dials.size(), 1u);
  EXPECT_EQ(dials[0].address, "10.0.0.7:2203");
}

TEST_F(PeerTableTest, NeverDialsWhoIsOfAnotherHouse) {
  hear(beacon_of(1, kHouse + 1), kStart);
  EXPECT_EQ(table.all().begin()->second.state, PeerState::foreign);
  EXPECT_TRUE(table.take_dials(kStart + 1h).empty());
}

TEST_F(PeerTableTest, ABeaconThatIsNotTrueIsAskedAboutMoreAndMoreRarely) {
  DiscoveryMessage beacon = beacon_of(1);
  hear(beacon, kStart);
  prove(beacon, kStart);
  DiscoveryMessage forged = beacon;
  std::size_t dials = 0;
  for (auto now = kStart + 10s; now < kStart + 1h; now += 100ms) {
    forged.about.epoch = random();  // says each time that the node has started anew
    hear(forged, now);
    for (const auto& dial : table.take_dials(now)) {
      ++dials;
      table.dialled(dial, proof_of(beacon.about), now);
    }
  }
  EXPECT_LE(dials, 20u);
  EXPECT_EQ(table.all().begin()->second.state, PeerState::proven);
}

TEST_F(PeerTableTest, AForgedGoodbyeOnlyMakesItAsk) {
  const DiscoveryMessage beacon = beacon_of(1);
  hear(beacon, kStart);
  prove(beacon, kStart);
  table.leaving({beacon.about.node, 2203}, kStart + 2s);
  ASSERT_EQ(table.all().size(), 1u);
  auto dials = table.take_dials(kStart + 3s);
  ASSERT_EQ(dials.size(), 1u);
  table.dialled(dials[0], proof_of(beacon.about), kStart + 3s);
  EXPECT_EQ(table.all().size(), 1u);
  table.leaving({beacon.about.node, 2203}, kStart + 10s);
  dials = table.take_dials(kStart + 12s);
  ASSERT_EQ(dials.size(), 1u);
  table.dialled(dials[0], Error{Errc::busy, "connection refused"}, kStart + 12s);
  EXPECT_TRUE(table.all().empty()) << "a true one ends it";
}

TEST_F(PeerTableTest, WhoIsHeardNoMoreIsAskedOnceAndThenLetGo) {
  const DiscoveryMessage beacon = beacon_of(1);
  hear(beacon, kStart);
  prove(beacon, kStart);
  TimePoint now = kStart;
  while (!table.all().empty() && now < kStart + 1h) {
    now = std::max(now + 1ms, table.next_wakeup());
    table.expire(now, 17s);
    for (const auto& dial : table.take_dials(now)) table.dialled(dial, Error{Errc::timed_out, "no answer"}, now);
  }
  EXPECT_TRUE(table.all().empty());
  EXPECT_LE(now - kStart, rules.told_hold + 1min);
}

TEST_F(PeerTableTest, InventionsPushOutInventionsNotWhatIsProven) {
  const DiscoveryMessage beacon = beacon_of(0x80);
  hear(beacon, kStart);
  prove(beacon, kStart);
  DiscoveryMessage invented = beacon_of(1, kHouse + 1);
  for (int i = 0; i < 20'000; ++i) {
    for (std::uint8_t& byte : invented.about.node.bytes) byte = static_cast<std::uint8_t>(random.below(256));
    hear(invented, kStart + 2s);
  }
  EXPECT_LE(table.all().size(), rules.unproven + 1);
  const Peer* peer = table.find({beacon.about.node, 2203});
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->state, PeerState::proven);
}

TEST_F(PeerTableTest, DialsFewAtATimeAndSoManyASecond) {
  for (std::uint8_t i = 1; i <= 200; ++i) hear(beacon_of(i), kStart, "10.0.0." + std::to_string(i) + ":2203");
  EXPECT_EQ(table.take_dials(kStart + 10s).size(), rules.dials);
  EXPECT_TRUE(table.take_dials(kStart + 11s).empty()) << "until one of these is answered";
}

TEST_F(PeerTableTest, AWayThatFailsGivesTheOthersTheirTurn) {
  const DiscoveryMessage beacon = beacon_of(1);
  hear(beacon, kStart, "[fe80::1%eth0]:2203");
  hear(beacon, kStart, "10.0.0.7:2203");
  auto dials = table.take_dials(kStart + 1s);
  ASSERT_EQ(dials.size(), 1u);
  EXPECT_EQ(dials[0].address, "10.0.0.7:2203");
  table.dialled(dials[0], Error{Errc::timed_out, "no answer"}, kStart + 1s);
  EXPECT_EQ(table.all().begin()->second.state, PeerState::unreachable);
  dials = table.take_dials(kStart + 5s);
  ASSERT_EQ(dials.size(), 1u);
  EXPECT_EQ(dials[0].address, "[fe80::1%eth0]:2203");
}

TEST_F(PeerTableTest, TellsOnlyWhatIsProvenAndMeansSomethingElsewhere) {
  const DiscoveryMessage beacon = beacon_of(1);
  hear(beacon, kStart, "10.0.0.7:2203");
  prove(beacon, kStart);
  hear(beacon, kStart + 1s, "[fe80::1%eth0]:2203");
  hear(beacon_of(2), kStart + 1s, "10.0.0.8:2203");
  const auto hints = table.hints(64, {}, kStart + 4s);
  ASSERT_EQ(hints.size(), 1u);
  EXPECT_EQ(hints[0].addresses, std::vector<std::string>{"10.0.0.7:2203"});
  EXPECT_TRUE(table.hints(64, beacon.about.node, kStart + 4s).empty()) << "nobody is told of itself";
}

TEST_F(PeerTableTest, WhatIsToldIsDialledBeforeItIsBelievedAndGrowsOld) {
  table.told({beacon_of(1).about, {"192.0.2.1:2203"}, 10s}, kStart);
  ASSERT_EQ(table.all().size(), 1u);
  EXPECT_EQ(table.all().begin()->second.state, PeerState::heard);
  EXPECT_EQ(table.take_dials(kStart + 1s).size(), 1u);
  table.told({beacon_of(2).about, {"192.0.2.2:2203"}, rules.told_hold}, kStart);
  table.told({beacon_of(3, kHouse + 1).about, {"192.0.2.3:2203"}, 0s}, kStart);
  EXPECT_EQ(table.all().size(), 1u) << "neither what is too old nor what is of another house";
}

TEST_F(PeerTableTest, SeedsAreCalledAgainSoonWhenTheyFailAndEveryHalfMinuteWhenNot) {
  GossipPlan plan({"192.0.2.1:2203"}, random);
  EXPECT_EQ(plan.take(table, kStart), std::vector<std::string>{"192.0.2.1:2203"});
  EXPECT_TRUE(plan.take(table, kStart + 1h).empty()) << "while a call is under way";
  TimePoint now = kStart + 2h;
  plan.answered("192.0.2.1:2203", false, now);
  EXPECT_LE(plan.next_wakeup(), now + 2s);
  now += 10s;
  EXPECT_EQ(plan.take(table, now).size(), 1u);
  plan.answered("192.0.2.1:2203", true, now);
  EXPECT_TRUE(plan.take(table, now + 20s).empty());
  EXPECT_EQ(plan.take(table, now + 40s).size(), 1u);
}

}  // namespace ghost::b2
