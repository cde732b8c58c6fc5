// Nodes that find each other: sockets, certificates and calls on the simulated network.
#include "b2/discovery_service.h"

#include <gtest/gtest.h>

#include "b2/access_service.h"
#include "b2/core_service.h"
#include "b2/house.h"
#include "b2/server_service.h"
#include "b2/v1/topics.b2.h"
#include "base/test_directory.h"
#include "net/sim_testing.h"

namespace ghost::b2 {

using namespace std::chrono_literals;
using net::sim::testing::host_address;

namespace {

const net::Address kAnywhere = net::Address::ip4({0, 0, 0, 0}, 2203);

/// A house of three in memory: making keys and certificates is most of the work, and done once.
class Membership3 {
 public:
  Membership3() {
    const auto now = std::chrono::system_clock::now();
    for (std::size_t i = 0; i < 4; ++i) {
      auto node = NodeState::open_or_create(directory_ / ("node" + std::to_string(i)), "node" + std::to_string(i), now);
      EXPECT_TRUE(node);
      if (i == 0) {
        house_.emplace(House::create(*node, "Archive", now).value());
      } else if (i < 3) {
        const auto leaf = house_->issue(node->key().public_key(), node->name(), Roles::all(), now);
        EXPECT_TRUE(node->join(Membership::from_certificates({*leaf, house_->trust().certificate()}, node->key().public_key(), now).value()));
      } else {
        EXPECT_TRUE(House::create(*node, "Another", now));
      }
      states.push_back(std::move(*node));
    }
  }
  std::vector<NodeState> states;  ///< three of one house, and one of another

 private:
  TestDirectory directory_;
  std::optional<House> house_;
};

/// A node as a daemon runs it: a server, and a finder beside it.
class TestNode {
 public:
  TestNode(net::Network& network, const NodeState& state, std::uint64_t epoch, std::vector<std::string> seeds = {}, bool announces = true)
      : network_(network), state_(state) {
    endpoint_.name = state.name();
    endpoint_.node = state.id();
    endpoint_.boot_epoch = epoch;
    const NodeId house = state.membership()->house().id();
    endpoint_.house_id = to_bytes(house.bytes);
    endpoint_.services.add(core_);
    auto material = state.tls_material(std::chrono::system_clock::now());
    tls_ = net::make_tls_context({std::move(material->certificates), std::move(material->private_key), {"b2/1", "http/1.1"}, true}).value();
    server_.emplace(Server::Parts{network_, endpoint_, make_judge({[this] { return &state_.membership()->house(); }, "", ""}), tls_, {}, {}, {}, {}});
    const auto at = server_->listen(kAnywhere);
    EXPECT_TRUE(at) << at.error().message;
    Finder::Parts parts{network_, endpoint_, [this] { return tls_; }, [this] { return &state_.membership()->house(); }, {}};
    parts.listening = announces ? server_->addresses() : std::vector<net::Address>();
    parts.seeds = std::move(seeds);
    parts.random_seed = epoch;
    parts.wall_ms = [this] { return wall_ms; };
    finder.emplace(std::move(parts));
    endpoint_.services.add(*finder);
    endpoint_.services.on_change = [this](const v1::ServiceEntry&) { finder->self_changed(); };
    finder->start();
  }
  ~TestNode() { endpoint_.services.on_change = nullptr; }

  Endpoint& endpoint() { return endpoint_; }
  NodeId id() const { return endpoint_.node; }
  const Peer* knows(const TestNode& other) const { return finder->discovery().peers().find({other.id(), 2203}); }
  bool has_proven(const TestNode& other) const {
    const Peer* const peer = knows(other);
    return peer != nullptr && peer->state == PeerState::proven;
  }
  void leave() {
    finder->leave();
    server_->shut_down(1s, [] {});
  }

  std::uint64_t wall_ms = 1'000'000;
  std::optional<Finder> finder;

 private:
  net::Network& network_;
  const NodeState& state_;
  Endpoint endpoint_;
  CoreService core_{endpoint_, network_.reactor()};
  std::shared_ptr<const net::TlsContext> tls_;
  std::optional<Server> server_;
};

class FinderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { members_ = new Membership3(); }
  static void TearDownTestSuite() {
    delete members_;
    members_ = nullptr;
  }
  static const NodeState& state(std::size_t i) { return members_->states[i]; }
  bool until(const std::function<bool()>& done, Duration limit) { return world.run_until(done, limit); }

  static Membership3* members_;
  net::SimWorld world{2203};
  net::Network& host1 = world.add_host(host_address(1));
  net::Network& host2 = world.add_host(host_address(2));
  net::Network& host3 = world.add_host(host_address(3));
};

Membership3* FinderTest::members_ = nullptr;

class OneMoreService : public v1::TopicsService {};

}  // namespace

TEST_F(FinderTest, MembersFindAndProveEachOtherWithinASecond) {
  TestNode one(host1, state(0), 1), two(host2, state(1), 2);
  world.run_for(10s);
  TestNode three(host3, state(2), 3);
  EXPECT_TRUE(until([&] { return one.has_proven(three) && two.has_proven(three) && three.has_proven(one) && three.has_proven(two); }, 1s));
  const Peer* const peer = one.knows(three);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->name, "node2");
  EXPECT_EQ(peer->ways.front().address, "10.0.0.3:2203");
  ASSERT_EQ(peer->services.size(), 2u);
  EXPECT_EQ(peer->services[0].name, "b2.v1.Core");
}

TEST_F(FinderTest, AServiceThatComesIsKnownToTheOthersWithinASecond) {
  TestNode one(host1, state(0), 1), two(host2, state(1), 2);
  ASSERT_TRUE(until([&] { return one.has_proven(two) && two.has_proven(one); }, 5s));
  world.run_for(5s);
  const std::uint64_t dials = one.finder->discovery().peers().counters().dials;
  OneMoreService more;
  two.endpoint().services.add(more);
  EXPECT_TRUE(until([&] { return one.knows(two)->services.size() == 3; }, 1s));
  world.run_for(1min);
  EXPECT_EQ(one.finder->discovery().peers().counters().dials, dials + 1) << "the list is fetched once a change, not once a beacon";
  two.endpoint().services.remove(more);
}

TEST_F(FinderTest, WhoIsOfAnotherHouseIsSeenAndNotCalled) {
  TestNode one(host1, state(0), 1), other(host2, state(3), 2);
  world.run_for(5s);
  ASSERT_NE(one.knows(other), nullptr);
  EXPECT_EQ(one.knows(other)->state, PeerState::foreign);
  EXPECT_EQ(one.finder->discovery().peers().counters().dials, 0u);
}

TEST_F(FinderTest, WhoPretendsToBeAnotherIsNotBelieved) {
  TestNode one(host1, state(0), 1), two(host2, state(1), 2);
  // A beacon in the name of a third, from the address of the second.
  const auto liar = host2.open_datagram({.local = kAnywhere.with_port(0)}).value();
  DiscoveryMessage lie;
  lie.about.node = state(2).id();
  lie.about.port = 2203;
  const NodeId house = state(0).membership()->house().id();
  lie.about.house = house_tag(house.bytes);
  lie.hold_ms = 20'000;
  const Bytes bytes = lie.encode();
  const net::Datagram datagram{{}, DiscoverySockets::group4(2203), bytes, 2};
  ASSERT_EQ(liar->send({&datagram, 1}), 1u);
  world.run_for(3s);
  const Peer* const peer = one.finder->discovery().peers().find({state(2).id(), 2203});
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->state, PeerState::unreachable);
  EXPECT_NE(peer->problem.find("which was announced there"), std::string::npos) << peer->problem;
}

TEST_F(FinderTest, ANodeThatLeavesIsGoneWithinSecondsAndOneThatIsKilledWithinItsHold) {
  TestNode one(host1, state(0), 1);
  auto two = std::make_unique<TestNode>(host2, state(1), 2);
  TestNode three(host3, state(2), 3);
  ASSERT_TRUE(until([&] { return one.has_proven(*two) && one.has_proven(three); }, 5s));
  two->leave();
  EXPECT_TRUE(until([&] { return one.knows(*two) == nullptr; }, 3s));
  world.kill(host_address(3));
  EXPECT_TRUE(until([&] { return one.knows(three) == nullptr; }, 6min));
}

TEST_F(FinderTest, SeedsFindEachOthersPeersWhereBeaconsDoNotPass) {
  TestNode one(host1, state(0), 1);
  // The second host hears no multicast of the others, nor they its.
  TestNode two(host2, state(1), 2, {"10.0.0.1:2203"}, false), three(host3, state(2), 3, {"10.0.0.1:2203"}, false);
  EXPECT_TRUE(until([&] { return two.has_proven(one) && three.has_proven(one); }, 5s));
  EXPECT_EQ(two.knows(one)->ways.back().address, "10.0.0.1:2203");
}

TEST_F(FinderTest, OneThatLooksSeesWhoAnswersAndHowFarItsClockIsOff) {
  TestNode one(host1, state(0), 1), two(host2, state(1), 2);
  world.run_for(5s);
  one.wall_ms += 90'000;
  Endpoint endpoint;
  Finder looker({host3, endpoint, {}, [] { return nullptr; }, {}, {}, {}, false, Logger::none(), [] { return std::uint64_t{1'000'000}; }, 5});
  looker.start();
  looker.ask();
  world.run_for(1s);
  EXPECT_EQ(looker.discovery().peers().all().size(), 2u);
  EXPECT_EQ(looker.discovery().answers().size(), 4u) << "each by the group and alone";
  EXPECT_TRUE(looker.discovery().link(2)->own_ip4.has_value());
  EXPECT_NEAR(static_cast<double>(looker.discovery().peers().find({one.id(), 2203})->clock_ahead_ms), 90'000, 1'000);
}

TEST_F(FinderTest, ANodeOnLoopbackAloneSendsNothing) {
  Endpoint endpoint;
  endpoint.node = state(0).id();
  Finder::Parts parts{host1, endpoint, {}, [] { return &state(0).membership()->house(); }, {net::Address::loopback(2203)}};
  Finder finder(std::move(parts));
  finder.start();
  world.run_for(1min);
  EXPECT_EQ(world.counters().datagrams_sent, 0u);
}

}  // namespace ghost::b2
