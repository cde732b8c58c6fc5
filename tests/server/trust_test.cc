// Houses over the simulated network: who hears of a revoked node, when, and what becomes of its connections; renewal.
#include <gtest/gtest.h>

#include <memory>

#include "b2/access_service.h"
#include "b2/client_service.h"
#include "b2/core_service.h"
#include "b2/house_service.h"
#include "b2/server_service.h"
#include "b2/test_service.h"
#include "b2/trust_service.h"
#include "base/file.h"
#include "base/test_directory.h"
#include "net/sim.h"
#include "net/sim_testing.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

/// A machine of the house, with what a daemon has.
class TrustNode {
 public:
  TrustNode(net::SimWorld& world, std::uint32_t number, const std::filesystem::path& state, std::function<WallTime()> clock)
      : at(net::sim::testing::host_address(number, 2203)), network(world.add_host(net::sim::testing::host_address(number))), state_(state), clock_(std::move(clock)) {}
  ~TrustNode() {
    dials.clear();
    links.clear();
    server.reset();
  }

  void start() {
    auto opened = TrustService::open({network, endpoint, state_, "", log, true, 10min, clock_});
    ASSERT_TRUE(opened) << opened.error().message;
    trust = std::move(*opened);
    endpoint.services.add(core);
    endpoint.services.add(service);
    if (auto house = House::open(state_)) endpoint.services.add(*(house_service = std::make_unique<HouseService>(std::move(*house), clock_)));
    AccessRules rules{[this] { return trust->house(); }, at.text(), "", clock_};
    server.emplace(Server::Parts{network, endpoint, make_judge(std::move(rules)), trust->tls(), {}, {}, {}, {}});
    trust->on_identity = [this] { server->set_tls(trust->tls()); };
    ASSERT_TRUE(server->listen(at));
    trust->start();
  }

  /// Opens a connection and keeps it.
  void dial(const TrustNode& to) {
    b2::Trust asks;
    asks.house = trust->house();
    asks.wall_clock = clock_;
    dials.push_back(std::make_unique<Dial>(Dial::Parts{network, endpoint, trust->tls(), asks, 10s}, Target{to.at, true}, [this](Result<std::unique_ptr<Link>> link) {
      last = link ? Status() : Status(link.error());
      if (!link) return;
      links.push_back(std::move(*link));
      links.back()->set_events({{}, {}, [this](const Error& why) { closed.push_back(why); }});
    }));
  }
  Started secret() { return test::start(links.back()->channel(), "Secret", as_bytes("x")); }
  std::uint64_t list() const { return endpoint.revocations; }
  WallTime expires() const { return trust->state().membership()->own().validity.until; }
  bool logged(std::string_view text) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  const net::Address at;
  net::Network& network;
  Endpoint endpoint;
  CoreService core{endpoint, network.reactor()};
  TestService service;
  std::vector<std::string> lines;
  Logger log = Logger::to(LogLevel::debug, [this](LogLevel, std::string_view line) { lines.emplace_back(line); });
  std::unique_ptr<TrustService> trust;
  std::unique_ptr<HouseService> house_service;
  std::optional<Server> server;
  std::vector<std::unique_ptr<Dial>> dials;
  std::vector<std::unique_ptr<Link>> links;
  std::optional<Status> last;
  std::vector<Error> closed;

 private:
  std::filesystem::path state_;
  std::function<WallTime()> clock_;
};

/// Tells of a later list than there is, and gives an old one.
class Liar : public v1::TrustService {
 public:
  explicit Liar(Bytes list) : list_(std::move(list)) {}
  Result<v1::RevocationsResponse> revocations(const v1::RevocationsRequest&, const CallContext&) override {
    ++asked;
    v1::RevocationsResponse response;
    response.list = list_;
    return response;
  }
  int asked = 0;

 private:
  Bytes list_;
};

class TrustTest : public testing::Test {
 protected:
  /// The keeper is number 0; all have every role.
  void make(std::size_t count) {
    auto keeper = NodeState::open_or_create(path(0), "node0", start_).value();
    const auto house = House::create(keeper, "Archive", start_).value();
    for (std::size_t i = 1; i < count; ++i) {
      auto state = NodeState::open_or_create(path(i), "node" + std::to_string(i), start_).value();
      const Bytes leaf = house.issue(state.key().public_key(), state.name(), Roles::all(), start_).value();
      ASSERT_TRUE(state.join(Membership::from_certificates({leaf, house.trust().certificate()}, state.key().public_key(), start_).value()));
      ASSERT_TRUE(state.keep_keeper_address("10.0.0.1:2203"));
    }
    for (std::size_t i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<TrustNode>(world_, static_cast<std::uint32_t>(i + 1), path(i), [this] { return now_; }));
      nodes_.back()->start();
    }
  }
  std::filesystem::path path(std::size_t number) const { return dir_ / ("node" + std::to_string(number)); }
  /// As 'ghostlight house revoke' does it, beside the running keeper.
  void revoke(std::string_view name) {
    auto keeper = NodeState::open_or_create(path(0), "", now_).value();
    const auto done = House::open(path(0)).value().revoke(keeper, name, now_);
    ASSERT_TRUE(done) << done.error().message;
  }
  TrustNode& node(std::size_t number) { return *nodes_[number]; }
  void connect(std::size_t from, std::size_t to) {
    node(from).last.reset();
    node(from).dial(node(to));
    ASSERT_TRUE(world_.run_until([&] { return node(from).last.has_value(); }, 20s));
  }
  bool until(const std::function<bool()>& done, Duration limit = 30s) { return world_.run_until(done, limit); }
  /// What came of a call over the last connection: "" for success.
  std::string secret_of(std::size_t number) {
    auto call = node(number).secret();
    return until([&] { return call->ended(); }) ? call->text() : "no answer";
  }

  const TestDirectory dir_;
  const WallTime start_ = WallTime(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()));
  WallTime now_ = start_;
  net::SimWorld world_{2203};
  std::vector<std::unique_ptr<TrustNode>> nodes_;
};

}  // namespace

TEST_F(TrustTest, ARevokedNodeLosesItsConnectionsEverywhereAndGetsNoOthers) {
  make(4);
  connect(3, 1);  // the one that will be out, as a caller
  connect(2, 3);  // and as one that is called
  connect(1, 0);
  connect(2, 1);  // the keeper is not among this one's peers
  EXPECT_EQ(secret_of(3), "");

  revoke("node3");
  ASSERT_TRUE(until([&] { return node(1).list() != 0 && node(2).list() != 0; }, 5s)) << "by way of each other";
  ASSERT_TRUE(until([&] { return node(3).closed.size() == 1 && node(2).closed.size() == 1; }, 5s));
  EXPECT_NE(node(3).closed[0].message.find("was taken out of house 'Archive' on"), std::string::npos) << node(3).closed[0].message;
  EXPECT_EQ(node(3).closed[0].code, Errc::unauthenticated);
  EXPECT_TRUE(node(1).logged("b2: a connection ended, since the house took its node out node="));
  EXPECT_EQ(node(1).endpoint.counters.refused[static_cast<std::size_t>(Refusal::revoked)], 1u);

  // Its own side knows too, since whoever tells it of a later list gives it.
  connect(3, 1);
  ASSERT_TRUE(until([&] { return node(3).list() != 0; }, 15min));
  EXPECT_EQ(node(3).trust->house(), nullptr);
  EXPECT_TRUE(node(3).logged("b2: this node's place in its house can't be used"));
  auto after = node(3).secret();
  ASSERT_TRUE(until([&] { return after->ended(); }));
  // The connection that told of the list may just have ended, and the next not be there yet.
  for (int again = 0; again < 10 && after->code() == Errc::busy; ++again) {
    world_.run_for(1s);
    after = node(3).secret();
    ASSERT_TRUE(until([&] { return after->ended(); }));
  }
  EXPECT_EQ(after->code(), Errc::unauthenticated);
  EXPECT_NE(after->text().find("was taken out of house 'Archive'"), std::string::npos) << after->text();
  // Nobody calls it for a member.
  connect(1, 3);
  ASSERT_FALSE(*node(1).last);
  EXPECT_NE(node(1).last->error().message.find("was taken out of house"), std::string::npos) << node(1).last->error().message;
  // The others go on.
  EXPECT_EQ(node(1).closed.size(), 0u);
  connect(2, 0);
  EXPECT_EQ(secret_of(2), "");
}

TEST_F(TrustTest, AMemberThatWasCutOffHearsOfItWhenTheNetworkHeals) {
  make(3);
  connect(2, 1);
  const auto at = [](std::uint32_t n) { return net::sim::testing::host_address(n); };
  world_.partition(at(1), at(2));
  world_.partition(at(1), at(3));
  revoke("node2");
  ASSERT_TRUE(until([&] { return node(0).list() != 0; }, 5s));
  world_.run_for(30min);
  EXPECT_EQ(node(1).list(), 0u);
  EXPECT_TRUE(node(1).logged("b2: the keeper of the house does not answer"));
  EXPECT_EQ(secret_of(2), "") << "nobody there can know";
  world_.heal(at(1), at(2));
  ASSERT_TRUE(until([&] { return node(1).list() != 0; }, 13min)) << "it asks the keeper every ten minutes";
  ASSERT_TRUE(until([&] { return !node(2).closed.empty(); }, 5s));
  EXPECT_NE(node(2).closed[0].message.find("was taken out"), std::string::npos);
}

TEST_F(TrustTest, AnOlderListIsNotTakenFromAnyone) {
  make(3);
  revoke("node2");
  ASSERT_TRUE(until([&] { return node(0).list() != 0; }, 5s));
  const Bytes first = node(0).trust->state().revocations()->bytes();
  {
    auto keeper = NodeState::open_or_create(path(0), "", now_).value();
    ASSERT_TRUE(House::open(path(0)).value().restore(keeper, "node2", now_));
  }
  const std::uint64_t latest = node(0).list() + 1;
  connect(2, 0);
  ASSERT_TRUE(until([&] { return node(2).list() == latest; }, 5s));
  ASSERT_TRUE(node(2).trust->house() != nullptr);

  Liar liar(first);
  TrustNode& lying = node(1);
  lying.endpoint.services.remove(*lying.trust);
  lying.endpoint.services.add(liar);
  lying.endpoint.revocations = latest + 100;
  for (int i = 0; i < 3; ++i) connect(2, 1);
  world_.run_for(5s);
  for (int i = 0; i < 50; ++i) {
    for (Channel* channel : lying.endpoint.channels) channel->tell_revocations();
    world_.run_for(10ms);
  }
  EXPECT_EQ(node(2).list(), latest);
  EXPECT_TRUE(node(2).trust->house() != nullptr);
  EXPECT_TRUE(node(2).logged("b2: a list of revoked nodes was not taken from=10.0.0.2:2203"));
  EXPECT_LE(liar.asked, 3) << "once for each connection, whatever it says";
  lying.endpoint.services.remove(liar);
}

TEST_F(TrustTest, ANodeRenewsItsCertificateLongBeforeItExpires) {
  make(2);
  const auto before = node(1).expires();
  world_.run_for(30min);
  EXPECT_EQ(node(1).expires(), before) << "there is time";
  now_ += 24h * 500;
  ASSERT_TRUE(until([&] { return node(1).expires() > before && node(0).expires() > before; }, 15min)) << "the keeper its own, too";
  EXPECT_TRUE(node(1).logged("b2: this node's certificate is a new one"));
  EXPECT_EQ(NodeState::open_or_create(path(1), "", now_).value().membership()->own().validity.until, now_ + House::kMemberValidity);
  connect(1, 0);
  EXPECT_EQ(secret_of(1), "");
}

TEST_F(TrustTest, AClockThatIsWrongForAWhileCostsNoMembership) {
  make(2);
  connect(1, 0);
  now_ += 24h * 9000;  // all certificates have long expired by it
  world_.run_for(20min);
  now_ = start_ + 1h;
  ASSERT_TRUE(until([&] { return node(1).trust->house() != nullptr && node(0).trust->house() != nullptr; }, 10s));
  connect(1, 0);
  EXPECT_EQ(secret_of(1), "");
}

}  // namespace ghost::b2::test
