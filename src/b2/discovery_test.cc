#include "b2/discovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint kStart{1h};

/// One link with many nodes on it: every datagram to the group reaches all others, and its sender, after a delay.
class Lan {
 public:
  struct Node {
    Node(std::size_t number, std::uint64_t seed) : discovery(DiscoveryRules(), seed), host("10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1)) {
      SeededRandom random(number + 1);
      for (std::uint8_t& byte : about.node.bytes) byte = static_cast<std::uint8_t>(random.below(256));
      about.port = 2203;
      about.epoch = 1;
      about.services = 1;
      about.house = 0;  // of none: nobody is dialled here
    }
    Discovery discovery;
    std::string host;
    Announcement about;
    bool on = false;
    TimePoint wake = TimePoint::max();
    std::vector<Bytes> alone;  ///< what came to this node only
  };

  explicit Lan(std::size_t count, Duration delay = 1ms, std::uint64_t seed = 1) : delay_(delay) {
    for (std::size_t i = 0; i < count; ++i) nodes_.push_back(std::make_unique<Node>(i, seed * 100'000 + i));
  }

  Node& node(std::size_t i) { return *nodes_[i]; }
  std::size_t size() const { return nodes_.size(); }
  void start(std::size_t i) {
    Node& node = *nodes_[i];
    node.on = true;
    node.discovery.set_self(node.about, now_);
    node.discovery.set_links({{2, true, false}}, now_);
    touch(node);
  }
  void kill(std::size_t i) { nodes_[i]->on = false; }
  /// Runs what the node has to do after it was told something.
  void touch(Node& node) {
    for (DiscoveryOut& out : node.discovery.take_outgoing(1'000)) {
      if (out.alone.empty()) sent_.push_back(now_);
      else ++sent_alone_;
      in_flight_.push({now_ + delay_, &node, std::move(out)});
    }
    node.wake = std::max(now_, node.discovery.next_wakeup());
    wakes_.push({node.wake, &node});
  }
  void run_for(Duration span) {
    const TimePoint end = now_ + span;
    while (true) {
      const TimePoint next = std::min(wakes_.empty() ? TimePoint::max() : wakes_.top().at, in_flight_.empty() ? TimePoint::max() : in_flight_.front().at);
      if (next > end) break;
      now_ = std::max(now_, next);
      if (!in_flight_.empty() && in_flight_.front().at <= now_) {
        const Flight flight = std::move(in_flight_.front());
        in_flight_.pop();
        deliver(flight);
      } else {
        Node& node = *wakes_.top().node;
        const TimePoint at = wakes_.top().at;
        wakes_.pop();
        if (!node.on || node.wake != at) continue;
        node.discovery.on_time(now_);
        if (node.discovery.next_wakeup() <= now_) node.wake = now_ + 1ms;
        touch(node);
      }
    }
    now_ = end;
  }

  TimePoint now() const { return now_; }
  const std::vector<TimePoint>& sent() const { return sent_; }
  std::size_t sent_alone() const { return sent_alone_; }
  /// The most that the link carried to the group within any second.
  std::size_t most_in_a_second() const {
    std::size_t most = 0, from = 0;
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      while (sent_[i] - sent_[from] >= 1s) ++from;
      most = std::max(most, i - from + 1);
    }
    return most;
  }
  /// How many of the others each knows, the least of all nodes that run.
  std::size_t least_known() const {
    std::size_t least = nodes_.size();
    for (const auto& node : nodes_) {
      if (node->on) least = std::min(least, node->discovery.peers().all().size());
    }
    return least;
  }

 private:
  struct Flight {
    TimePoint at;
    Node* from;
    DiscoveryOut out;
  };
  struct Wake {
    TimePoint at;
    Node* node;
    bool operator<(const Wake& other) const { return at > other.at; }
  };

  void deliver(const Flight& flight) {
    const DiscoveryIn in{2, false, flight.out.alone.empty(), flight.from->host, flight.from->host + ":2203"};
    for (const auto& node : nodes_) {
      if (!node->on || (!in.group && flight.out.alone != node->host + ":2203")) continue;
      if (!in.group) node->alone.push_back(flight.out.bytes);
      node->discovery.on_datagram(in, flight.out.bytes, now_, 1'000);
      const TimePoint wake = std::max(now_, node->discovery.next_wakeup());
      if (wake >= node->wake) continue;
      node->wake = wake;
      wakes_.push({wake, node.get()});
    }
  }

  Duration delay_;
  TimePoint now_ = kStart;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<Wake> wakes_;
  std::queue<Flight> in_flight_;
  std::vector<TimePoint> sent_;
  std::size_t sent_alone_ = 0;
};

}  // namespace

TEST(Discovery, ANewNodeIsSeenByAllAndSeesAllWithinASecond) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Lan lan(10, 1ms, seed);
    for (std::size_t i = 0; i < 9; ++i) lan.start(i);
    lan.run_for(1min);
    ASSERT_EQ(lan.least_known(), 8u);
    lan.start(9);
    lan.run_for(1s);
    EXPECT_EQ(lan.least_known(), 9u) << "seed " << seed;
  }
}

TEST(Discovery, AThousandNodesThatStartInOneInstantNeverSendMoreThanFiftyASecond) {
  Lan lan(1000);
  for (std::size_t i = 0; i < lan.size(); ++i) lan.start(i);
  lan.run_for(6s);
  EXPECT_LE(lan.most_in_a_second(), 50u);
  EXPECT_GE(lan.sent().size(), 150u);
  EXPECT_GE(lan.least_known(), 100u);
}

TEST(Discovery, ALargeLanStaysQuietAndANewNodeOfItIsHeardWithinASecond) {
  constexpr std::size_t kNodes = 200;
  Lan lan(kNodes + 1);
  for (std::size_t i = 0; i < kNodes; ++i) {
    lan.start(i);
    if (i % 20 == 19) lan.run_for(1s);
  }
  lan.run_for(10s);
  const std::size_t before = lan.sent().size();
  lan.run_for(20s);
  const double rate = static_cast<double>(lan.sent().size() - before) / 20;
  EXPECT_LE(rate, 25) << "the intervals stretch";
  EXPECT_GE(rate, 10);
  EXPECT_LE(lan.most_in_a_second(), 50u);
  lan.start(kNodes);
  lan.run_for(1s);
  for (std::size_t i = 0; i < kNodes; ++i) EXPECT_EQ(lan.node(i).discovery.peers().all().size(), kNodes);
}

TEST(Discovery, AChangeIsToldAtOnceAndTwice) {
  Lan lan(3);
  for (std::size_t i = 0; i < 3; ++i) lan.start(i);
  lan.run_for(10s);
  Lan::Node& node = lan.node(0);
  node.about.services = 2;
  const std::size_t before = node.discovery.counters().beacons_sent;
  node.discovery.set_self(node.about, lan.now());
  lan.touch(node);
  lan.run_for(100ms);
  const Peer* peer = lan.node(1).discovery.peers().find({node.about.node, 2203});
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->about.services, 2u);
  lan.run_for(1500ms);
  EXPECT_GE(node.discovery.counters().beacons_sent - before, 2u);
}

TEST(Discovery, WhoSaysGoodbyeIsGoneAtOnceAndWhoDiesAfterItsHold) {
  Lan lan(3);
  for (std::size_t i = 0; i < 3; ++i) lan.start(i);
  lan.run_for(20s);
  lan.node(0).discovery.leave(lan.now());
  lan.touch(lan.node(0));
  lan.kill(0);
  lan.run_for(10ms);
  EXPECT_EQ(lan.least_known(), 1u);
  lan.kill(1);
  lan.run_for(10s);
  EXPECT_EQ(lan.least_known(), 1u);
  lan.run_for(15s);
  EXPECT_EQ(lan.least_known(), 0u);
}

TEST(Discovery, AnswersToTheGroupOnceHoweverManyAsk) {
  Lan lan(21);
  lan.start(0);
  lan.run_for(10s);
  for (std::size_t i = 1; i < 21; ++i) lan.start(i);
  const std::size_t before = lan.node(0).discovery.counters().beacons_sent;
  lan.run_for(900ms);
  EXPECT_LE(lan.node(0).discovery.counters().beacons_sent - before, 2u);
  EXPECT_EQ(lan.sent_alone(), 0u);
}

// Whatever is thrown at a node, it is no reflector: what it sends to a single address is never more than what came from there, at most one
// a second in the long run; and to the group it sends no more than it would anyway, a few a second.
TEST(Discovery, IsNoReflectorWhateverComes) {
  SeededRandom random(2203);
  Discovery node({}, 1);
  Announcement self;
  self.node.bytes.fill(9);
  self.port = 2203;
  self.epoch = 3;
  TimePoint now = kStart;
  node.set_self(self, now);
  node.set_links({{2, true, true}}, now);
  std::map<std::string, std::int64_t> balance;  // bytes that came from an address, less those that went there
  std::size_t to_group = 0, alone = 0;
  constexpr int kSeconds = 120;
  while (now < kStart + std::chrono::seconds(kSeconds)) {
    now += std::chrono::microseconds(random.below(20'000));
    DiscoveryMessage message;
    message.kind = static_cast<DiscoveryKind>(1 + random.below(3));
    message.flags = static_cast<std::uint8_t>(random.below(4));
    message.about.node.bytes.fill(random.chance(0.5) ? std::uint8_t{0} : static_cast<std::uint8_t>(random.below(256)));
    message.about.port = static_cast<std::uint16_t>(random.below(65536));
    message.hold_ms = static_cast<std::uint32_t>(random());
    message.nonce = static_cast<std::uint32_t>(random());
    Bytes bytes = message.encode();
    if (random.chance(0.3)) bytes.resize(random.below(600), 0x55);
    const std::string from = "10.0.0." + std::to_string(random.below(4)) + ":999";
    node.on_datagram({2, random.chance(0.5), random.chance(0.9), from.substr(0, from.find(':')), from}, bytes, now, 0);
    balance[from] += static_cast<std::int64_t>(bytes.size());
    node.on_time(now);
    for (const DiscoveryOut& out : node.take_outgoing(0)) {
      if (out.alone.empty()) {
        ++to_group;
        continue;
      }
      ++alone;
      balance[out.alone] -= static_cast<std::int64_t>(out.bytes.size());
      EXPECT_GE(balance[out.alone], 0);
    }
  }
  EXPECT_LE(alone, kSeconds + 5u);
  EXPECT_LE(to_group, 4u * kSeconds);
  EXPECT_GE(to_group, 1u);
}

TEST(Discovery, AFloodDoesNotSilenceItForGood) {
  Discovery node({}, 1);
  Announcement self;
  self.node.bytes.fill(9);
  self.port = 2203;
  node.set_self(self, kStart);
  node.set_links({{2, true, false}}, kStart);
  DiscoveryMessage noise;
  noise.about.node.bytes.fill(1);
  noise.about.port = 1;
  noise.hold_ms = 10'000;
  const Bytes bytes = noise.encode();
  std::size_t sent = 0;
  for (TimePoint now = kStart; now < kStart + 10min; now += 10ms) {
    node.on_datagram({2, false, true, "10.0.0.3", "10.0.0.3:2203"}, bytes, now, 0);
    node.on_time(now);
    sent += node.take_outgoing(0).size();
  }
  EXPECT_GE(sent, 5u);
  EXPECT_LE(sent, 15u);
}

TEST(Discovery, OneThatOnlyLooksIsAnsweredAloneAndHearsItself) {
  Lan lan(3);
  for (std::size_t i = 0; i < 2; ++i) lan.start(i);
  lan.run_for(10s);
  Lan::Node& looker = lan.node(2);
  looker.on = true;
  looker.discovery.set_links({{2, true, false}}, lan.now());
  looker.discovery.ask(lan.now());
  lan.touch(looker);
  lan.run_for(500ms);
  EXPECT_EQ(looker.alone.size(), 2u);
  EXPECT_TRUE(looker.discovery.link(2)->own_ip4.has_value());
  const auto& answers = looker.discovery.answers();
  EXPECT_EQ(std::ranges::count_if(answers, [](const Discovery::Answer& answer) { return answer.group; }), 2);
  EXPECT_EQ(std::ranges::count_if(answers, [](const Discovery::Answer& answer) { return !answer.group; }), 2);
}

TEST(Discovery, NoticesThatItsKeyWasCopied) {
  Lan lan(2);
  lan.node(1).about.node = lan.node(0).about.node;
  lan.node(1).about.epoch = 77;
  lan.start(0);
  lan.start(1);
  lan.run_for(5s);
  EXPECT_GE(lan.node(0).discovery.counters().doubles, 1u);
  EXPECT_EQ(lan.node(0).discovery.double_at(), lan.node(1).host + ":2203");
}

TEST(DiscoveryMessage, TakesNothingThatIsNotWhole) {
  DiscoveryMessage message;
  message.about.node.bytes.fill(1);
  message.about.port = 2203;
  const Bytes whole = message.encode();
  ASSERT_EQ(whole.size(), DiscoveryMessage::kSize);
  EXPECT_EQ(DiscoveryMessage::decode(whole).value(), message);
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(DiscoveryMessage::decode(BytesView(whole).first(length)));
  Bytes longer = whole;
  longer.resize(512);
  EXPECT_EQ(DiscoveryMessage::decode(longer).value(), message) << "what follows is skipped";
  longer.resize(513);
  EXPECT_FALSE(DiscoveryMessage::decode(longer));
  message.about.node = {};
  EXPECT_FALSE(DiscoveryMessage::decode(message.encode())) << "a beacon names its node";
  message.kind = DiscoveryKind::query;
  EXPECT_TRUE(DiscoveryMessage::decode(message.encode())) << "who asks need not";
}

}  // namespace ghost::b2
