#include "b2/nats_bridge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "b2/nats_calls.h"
#include "b2/nats_seal.h"
#include "b2/house.h"
#include "b2/topic_subject.h"
#include "base/random.h"
#include "base/test_directory.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;

/// Time as the test makes it.
struct MadeUpClock : Clock {
  TimePoint now() const override { return time; }
  TimePoint time = TimePoint(1000s);
};

/// A broker that loses and parts as it is told to, and nodes of a house around it.
struct NatsWorld {
  struct Node;
  struct Under {
    std::string to;
    v1::NatsEnvelope envelope;
    Identity from;
    std::size_t sender;
    std::string reply;
    TimePoint at;
  };

  explicit NatsWorld(std::uint64_t seed);
  ~NatsWorld();

  void step();
  void run(Duration time) {
    for (const TimePoint end = clock.time + time; clock.time < end;) step();
  }
  void arrive(const Under& one);

  MadeUpClock clock;
  SeededRandom random;
  double loss = 0;
  std::vector<std::unique_ptr<Node>> nodes;
  std::deque<Under> under_way;
  std::set<std::pair<std::size_t, std::size_t>> parted;
};

struct NatsWorld::Node : NatsBridgePort {
  Node(NatsWorld& in, std::size_t number) : world(in), index(number) { start(); }

  void start() {
    NatsBridge::Self self;
    self.house.bytes.fill(7);
    self.node.bytes.fill(static_cast<std::uint8_t>(index + 1));
    self.epoch = ++epoch * 100 + index;
    self.name = "n" + std::to_string(index);
    self.program = "test";
    identity.kind = Identity::Kind::member;
    identity.node = self.node;
    identity.name = self.name;
    bridge = std::make_unique<NatsBridge>(*this, world.clock, self);
    bridge->connected();
  }
  void stop() {
    bridge.reset();
    subscribed.clear();
  }

  void send(std::string subject, std::string reply, v1::NatsEnvelope envelope) override {
    envelope.sent_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(world.clock.time.time_since_epoch()).count());
    world.under_way.push_back({std::move(subject), std::move(envelope), identity, index, std::move(reply), world.clock.time + 5ms});
  }
  void listen(const std::string& subject, const std::string& queue) override { subscribed.insert({subject, queue}); }
  void unlisten(const std::string& subject, const std::string& queue) override { subscribed.erase({subject, queue}); }
  void deliver(const Identity&, v1::TopicMessage message) override {
    ++got[message.subject];
    order[message.subject].push_back(message.origin->sequence);
  }
  bool deliver_to_group(const Identity&, const std::string&, v1::TopicMessage message) override {
    if (!takes_groups) return false;
    ++of_group[message.subject];
    return true;
  }
  void lost(const std::string& subject, std::uint64_t count) override { lost_[subject] += count; }
  void lost_of_group(const std::string&, const std::string& subject, std::uint64_t count) override { lost_groups[subject] += count; }
  void uncounted(const std::string&) override { ++uncounted_; }
  void call_heard(const Identity&, v1::NatsEnvelope) override {}
  void call_unheard(std::string_view) override {}
  void gone(const NodeId&, std::uint64_t, const std::string&) override {}
  bool may_publish(std::string_view subject) const override { return !subject.starts_with("secret."); }

  void publish(const std::string& subject) {
    v1::TopicMessage message;
    message.subject = subject;
    ++published[subject];
    const bool elsewhere = bridge->goes_elsewhere(subject, "workers");
    if (!elsewhere && takes_groups) ++of_group[subject];
    bridge->published(message);
  }
  std::uint64_t join(const std::string& pattern, const std::string& group = "") {
    return bridge->joining({pattern}, group, [this](const std::vector<std::string>& names) {
      ++acked;
      unconfirmed = names;
    });
  }

  NatsWorld& world;
  std::size_t index;
  std::uint64_t epoch = 0;
  Identity identity;
  std::unique_ptr<NatsBridge> bridge;
  std::set<std::pair<std::string, std::string>> subscribed;
  std::map<std::string, std::uint64_t> got, lost_, of_group, lost_groups, published;
  std::map<std::string, std::vector<std::uint64_t>> order;
  std::vector<std::string> unconfirmed;
  int acked = 0, uncounted_ = 0;
  bool takes_groups = false;
};

NatsWorld::NatsWorld(std::uint64_t seed) : random(seed) {}
NatsWorld::~NatsWorld() = default;

void NatsWorld::step() {
  clock.time += 5ms;
  std::deque<Under> now;
  now.swap(under_way);
  for (Under& one : now) {
    if (one.at > clock.time) under_way.push_back(std::move(one));
    else arrive(one);
  }
  for (auto& node : nodes) {
    if (node->bridge && clock.time >= node->bridge->next_wakeup()) node->bridge->advance();
  }
}

void NatsWorld::arrive(const Under& one) {
  std::map<std::string, std::vector<Node*>> queues;
  const auto reaches = [&](const Node& node) {
    return node.bridge && node.index != one.sender && !parted.contains(std::pair(std::min(node.index, one.sender), std::max(node.index, one.sender)));
  };
  bool somebody = false;
  for (auto& node : nodes) {
    if (!reaches(*node)) continue;
    bool plain = false;
    std::set<std::string> of;
    for (const auto& [subject, queue] : node->subscribed) {
      if (!matches(subject, one.to)) continue;
      if (queue.empty()) plain = true;
      else of.insert(queue);
    }
    for (const std::string& queue : of) queues[queue].push_back(node.get());
    if (!plain) continue;
    somebody = true;
    if (!random.chance(loss)) node->bridge->receive(one.from, one.envelope);
  }
  for (auto& [queue, members] : queues) {
    somebody = true;
    if (!random.chance(loss)) members[random.below(members.size())]->bridge->receive(one.from, one.envelope);
  }
  if (!somebody && !one.reply.empty() && nodes[one.sender]->bridge) nodes[one.sender]->bridge->no_responders(one.reply.substr(one.reply.rfind('.') + 1));
}

void with_nodes(NatsWorld& world, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) world.nodes.push_back(std::make_unique<NatsWorld::Node>(world, i));
  world.run(1s);
}

TEST(NatsBridge, TellsOfASubscriptionWhenAllConfirmedItAndThenTheFirstMessageComes) {
  NatsWorld world(1);
  with_nodes(world, 3);
  world.nodes[1]->join("a.*");
  EXPECT_EQ(world.nodes[1]->acked, 0);
  world.run(20ms);
  ASSERT_EQ(world.nodes[1]->acked, 1);
  EXPECT_TRUE(world.nodes[1]->unconfirmed.empty());
  world.nodes[0]->publish("a.b");
  world.nodes[2]->publish("a.b");
  world.nodes[2]->publish("other");
  world.run(20ms);
  EXPECT_EQ(world.nodes[1]->got["a.b"], 2u);
  EXPECT_EQ(world.nodes[1]->got["other"], 0u);
  EXPECT_EQ(world.nodes[0]->got["a.b"], 0u);
}

TEST(NatsBridge, NamesThoseThatDoNotConfirm) {
  NatsWorld world(1);
  with_nodes(world, 3);
  world.parted.insert({1, 2});
  world.nodes[1]->join("a.*");
  world.run(2900ms);
  EXPECT_EQ(world.nodes[1]->acked, 0);
  world.run(200ms);
  EXPECT_EQ(world.nodes[1]->acked, 1);
  EXPECT_EQ(world.nodes[1]->unconfirmed, std::vector<std::string>{"n2 (does not answer)"});
}

TEST(NatsBridge, CountsWhatWasLostAlsoWhenNothingFollows) {
  NatsWorld world(1);
  with_nodes(world, 2);
  world.nodes[1]->join(">");
  world.run(100ms);
  world.loss = 1;
  for (int i = 0; i < 7; ++i) world.nodes[0]->publish("a");
  world.run(3s);  // tides are lost, too
  world.loss = 0;
  world.run(3s);
  EXPECT_EQ(world.nodes[1]->got["a"], 0u);
  EXPECT_EQ(world.nodes[1]->lost_["a"], 7u);
  EXPECT_EQ(world.nodes[1]->uncounted_, 0);
}

TEST(NatsBridge, TellsWhatAPartitionCostOnceItHeals) {
  NatsWorld world(1);
  with_nodes(world, 2);
  world.nodes[1]->join("a");
  world.run(100ms);
  world.nodes[0]->publish("a");
  world.run(100ms);
  world.parted.insert({0, 1});
  for (int i = 0; i < 20; ++i) {
    world.nodes[0]->publish("a");
    world.run(1s);
  }
  EXPECT_EQ(world.nodes[1]->uncounted_, 1);  // as long as nobody can know
  world.parted.clear();
  world.run(5s);
  world.nodes[0]->publish("a");
  world.run(100ms);
  EXPECT_EQ(world.nodes[1]->got["a"], 2u);
  EXPECT_EQ(world.nodes[1]->lost_["a"], 20u);
  EXPECT_EQ(world.nodes[1]->order["a"], (std::vector<std::uint64_t>{1, 22}));
}

TEST(NatsBridge, CountsAllOfANodeThatStartedAfterTheSubscription) {
  NatsWorld world(1);
  with_nodes(world, 2);
  world.nodes[1]->join("a");
  world.run(100ms);
  world.nodes.push_back(std::make_unique<NatsWorld::Node>(world, 2));
  world.parted.insert({1, 2});
  world.nodes[2]->publish("a");
  world.run(1s);
  world.parted.clear();
  world.run(4s);
  EXPECT_EQ(world.nodes[1]->lost_["a"], 1u);
}

TEST(NatsBridge, GivesEachMessageToOneMemberOfAGroup) {
  NatsWorld world(3);
  with_nodes(world, 3);
  for (auto& node : world.nodes) {
    node->takes_groups = true;
    node->join("jobs.*", "workers");
  }
  world.run(1s);
  for (int i = 0; i < 300; ++i) world.nodes[0]->publish("jobs.a");
  world.run(1s);
  std::uint64_t all = 0;
  for (auto& node : world.nodes) {
    EXPECT_GT(node->of_group["jobs.a"], 50u);
    all += node->of_group["jobs.a"];
  }
  EXPECT_EQ(all, 300u);
}

TEST(NatsBridge, TellsAGroupOfMessagesThatNobodyTook) {
  NatsWorld world(3);
  with_nodes(world, 2);
  world.nodes[1]->takes_groups = true;
  world.nodes[1]->join("jobs.*", "workers");
  world.run(1s);
  world.loss = 1;
  for (int i = 0; i < 5; ++i) world.nodes[0]->publish("jobs.a");
  world.run(1s);
  world.loss = 0;
  world.run(8s);
  EXPECT_EQ(world.nodes[1]->of_group["jobs.a"], 0u);
  EXPECT_EQ(world.nodes[1]->lost_groups["jobs.a"], 5u);
}

/// The first second of a cluster: servers, nodes and subscriptions begin together, and nobody knows of anybody.
TEST(NatsBridge, TellsWhatWasPublishedBeforeTheNodesKnewOfEachOther) {
  for (const std::string group : {"", "workers"}) {
    NatsWorld world(1);
    world.parted.insert({0, 1});  // the servers' routes are not up
    with_nodes(world, 2);
    NatsWorld::Node& reader = *world.nodes[1];
    reader.takes_groups = !group.empty();
    reader.join("jobs.*", group);
    world.run(100ms);
    ASSERT_EQ(reader.acked, 1);
    EXPECT_EQ(reader.unconfirmed, std::vector<std::string>()) << "nobody is known who could be named";
    world.nodes[0]->publish("other");
    world.nodes[0]->publish("jobs.a");
    world.run(500ms);
    world.parted.clear();
    EXPECT_EQ(reader.uncounted_, 0);
    world.run(5s);
    EXPECT_EQ(reader.uncounted_, 1) << "told once that something may be missing";
    world.nodes[0]->publish("jobs.a");
    world.run(1s);
    EXPECT_EQ((group.empty() ? reader.got : reader.of_group)["jobs.a"], 1u);
    EXPECT_EQ(reader.uncounted_, 1);
  }
}

TEST(NatsBridge, TellsAGroupNothingOfWhatNobodyWantedBeforeIt) {
  NatsWorld world(1);
  with_nodes(world, 2);
  world.nodes[0]->publish("jobs.a");
  world.nodes[1]->takes_groups = true;
  world.nodes[1]->join("jobs.*", "workers");
  world.run(5s);
  world.nodes[0]->publish("jobs.a");
  world.run(5s);
  EXPECT_EQ(world.nodes[1]->of_group["jobs.a"], 1u);
  EXPECT_EQ(world.nodes[1]->uncounted_, 0);
}

TEST(NatsBridge, RefusesWhatIsTooLongForTheBrokerOnlyWhereOtherNodesWantIt) {
  NatsWorld world(1);
  with_nodes(world, 2);
  NatsBridge& bridge = *world.nodes[0]->bridge;
  bridge.connected(64 * 1024);
  world.nodes[1]->join("a.*");
  world.run(1s);
  EXPECT_TRUE(bridge.fits("a.b", 63 * 1024));
  EXPECT_TRUE(bridge.fits("b", 1024 * 1024));
  const Status refused = bridge.fits("a.b", 63 * 1024 + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exhausted);
  EXPECT_NE(refused.error().message.find("64512 at most (max_payload"), std::string::npos) << refused.error().message;
  world.nodes[1]->join("b", "workers");
  world.run(1s);
  EXPECT_FALSE(bridge.fits("b", 1024 * 1024));
}

TEST(NatsBridge, SaysNothingElsewhereThatThisNodeMayNotSay) {
  NatsWorld world(1);
  with_nodes(world, 2);
  world.nodes[1]->join(">");
  world.run(100ms);
  world.nodes[0]->publish("secret.plan");
  world.run(3s);
  EXPECT_EQ(world.nodes[1]->got["secret.plan"], 0u);
  EXPECT_EQ(world.nodes[1]->lost_["secret.plan"], 0u);
}

/// Loss, partitions and restarts as they come: what is published after the acknowledgement is there, counted, or announced as unknown.
TEST(NatsBridge, LeavesNoLossUnreportedWhateverTheBrokerDoes) {
  int exact = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    NatsWorld world(seed);
    with_nodes(world, 3);
    const std::vector<std::string> subjects = {"a.b", "a.c", "d"};
    NatsWorld::Node& reader = *world.nodes[0];
    reader.join("a.*");
    reader.join("d");
    world.run(500ms);
    ASSERT_EQ(reader.acked, 2);
    ASSERT_TRUE(reader.unconfirmed.empty());
    bool restarted = false;
    for (int turn = 0; turn < 40; ++turn) {
      world.loss = world.random.chance(0.3) ? 0.5 : 0.02;
      if (world.random.chance(0.1)) world.parted.insert({0, 1 + world.random.below(2)});
      if (world.random.chance(0.2)) world.parted.clear();
      if (seed % 3 == 0 && world.random.chance(0.03)) {
        NatsWorld::Node& gone = *world.nodes[1 + world.random.below(2)];
        gone.stop();
        gone.start();
        restarted = true;
      }
      if (world.random.chance(0.1)) reader.bridge->left(reader.join("a.b"));
      for (std::uint64_t i = world.random.below(20); i > 0; --i) world.nodes[1 + world.random.below(2)]->publish(subjects[world.random.below(3)]);
      world.run(std::chrono::milliseconds(world.random.below(900)));
    }
    world.loss = 0;
    world.parted.clear();
    world.run(6s);
    for (const std::string& subject : subjects) {
      const std::uint64_t published = world.nodes[1]->published[subject] + world.nodes[2]->published[subject];
      const std::uint64_t told = reader.got[subject] + reader.lost_[subject];
      EXPECT_LE(told, published) << subject;
      if (restarted) EXPECT_TRUE(told == published || reader.uncounted_ > 0) << subject;
      else EXPECT_EQ(told, published) << subject;
    }
    if (!restarted) ++exact;
  }
  EXPECT_GE(exact, 40);
}

TEST(NatsCalls, AreTakenOnceForAsLongAsTheyCouldComeAgain) {
  NatsCallsTaken taken(3, 10s);
  NodeId alpha, beta;
  beta.bytes.fill(1);
  const TimePoint now(100s);
  using Verdict = NatsCallsTaken::Verdict;
  EXPECT_EQ(taken.take(alpha, Bytes{1}, now), Verdict::fresh);
  EXPECT_EQ(taken.take(alpha, Bytes{1}, now + 9s), Verdict::again);
  EXPECT_EQ(taken.take(beta, Bytes{1}, now + 9s), Verdict::fresh);
  EXPECT_EQ(taken.take(beta, Bytes{2}, now + 9s), Verdict::fresh);
  EXPECT_EQ(taken.take(beta, Bytes{3}, now + 9s), Verdict::full) << "rather refused than carried out twice";
  EXPECT_EQ(taken.take(beta, Bytes{3}, now + 10s), Verdict::fresh);
  EXPECT_EQ(taken.take(beta, Bytes{1}, now + 18s), Verdict::again);
}

TEST(NatsCalls, EndOnceAndSayWhatIsKnown) {
  NatsCallsMade made;
  std::vector<std::string> told;
  std::vector<Errc> codes;
  const NatsCallsMade::Key beta{NodeId(), 5};
  const auto start = [&](std::uint8_t id, bool idempotent) {
    made.start(Bytes(16, id), {beta, "beta", "a.B/C", idempotent, TimePoint(50s), [&](Result<Bytes> outcome) {
                                 told.push_back(outcome ? std::string(as_text(*outcome)) : outcome.error().message);
                                 codes.push_back(outcome ? Errc(0) : outcome.error().code);
                               }});
  };
  for (std::uint8_t id = 1; id <= 6; ++id) start(id, id == 6);
  v1::NatsResult result;
  result.id = Bytes(16, 1);
  result.response = to_bytes(as_bytes("done"));
  made.answered({NodeId(), 4}, result);  // another life's
  EXPECT_TRUE(told.empty());
  made.answered(beta, result);
  made.answered(beta, result);
  result.id = Bytes(16, 2);
  result.status = 7;
  result.message = "no";
  made.answered(beta, result);
  made.unheard(NatsCallsMade::token(Bytes(16, 3)));
  made.unheard("cnonsense");
  EXPECT_TRUE(made.give_up(Bytes(16, 4)));
  EXPECT_EQ(told, (std::vector<std::string>{"done", "beta: no", "beta is not there: a.B/C was not called"}));
  made.gone({NodeId(), 4}, "went silent");
  made.gone(beta, "went silent");
  EXPECT_EQ(codes, (std::vector<Errc>{Errc(0), Errc::refused, Errc::busy, Errc::unknown, Errc::busy}));
  EXPECT_EQ(told[3], "beta went silent while it was asked for a.B/C: whether that was done is not known");
  start(7, false);
  EXPECT_EQ(made.next_wakeup(), TimePoint(50s));
  made.expire(TimePoint(49s));
  made.expire(TimePoint(50s));
  EXPECT_EQ(codes.back(), Errc::timed_out);
  EXPECT_EQ(made.size(), 0u);
}

TEST(NatsSeal, OpensWhatAMemberSignedAndNothingElse) {
  TestDirectory directory;
  const auto now = WallTime(std::chrono::seconds(1'790'000'000));
  auto state = NodeState::open_or_create(directory.path(), "alpha", now);
  ASSERT_TRUE(state);
  auto house = House::create(*state, "home", now);
  ASSERT_TRUE(house) << house.error().message;
  ASSERT_TRUE(state->membership());
  NatsOpener opener(state->membership()->house());
  const auto at = [](WallTime when) { return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count()); };
  v1::NatsEnvelope hello;
  const NodeId id = state->id();
  hello.node = Bytes(id.bytes.begin(), id.bytes.end());
  hello.sent_ms = at(now);
  hello.hello.emplace().certificate = state->membership()->certificates().front();
  v1::NatsEnvelope topic = hello;
  topic.hello.reset();
  topic.topic.emplace().subject = "a";
  const Bytes sealed = seal_for_nats(state->key(), topic);
  EXPECT_EQ(opener.open(sealed, now).error().code, Errc::not_found);
  const auto greeted = opener.open(seal_for_nats(state->key(), hello), now);
  ASSERT_TRUE(greeted) << greeted.error().message;
  EXPECT_EQ(greeted->from->name, "alpha");
  ASSERT_TRUE(opener.open(sealed, now));
  EXPECT_EQ(opener.open(sealed, now + 61s).error().code, Errc::not_found);  // its certificate has to be shown again
  ASSERT_TRUE(opener.open(seal_for_nats(state->key(), [&] { hello.sent_ms = at(now + 100s); return hello; }()), now + 100s));
  EXPECT_EQ(opener.open(sealed, now + 100s).error().code, Errc::refused);  // too old
  Bytes changed = sealed;
  changed.back() ^= 1;
  EXPECT_FALSE(opener.open(changed, now));
  const KeyPair other = KeyPair::generate();
  EXPECT_EQ(opener.open(seal_for_nats(other, topic), now).error().code, Errc::unauthenticated);
  hello.sent_ms = at(now);
  EXPECT_EQ(opener.open(seal_for_nats(other, hello), now).error().code, Errc::unauthenticated);
  EXPECT_FALSE(opener.open(BytesView(sealed).first(63), now));
}

}  // namespace
}  // namespace ghost::b2
