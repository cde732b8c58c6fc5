#include "net/sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "net/sim_testing.h"

namespace ghost::net::sim {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::host_address;
using testing::Inbox;
using testing::open_socket;
using testing::Recorder;
using testing::send_to;

namespace {
const Address kAny = Address::ip4({0, 0, 0, 0}, 0);
}

class SimWorldTest : public ::testing::Test {
 protected:
  SimWorld world{1};
  Network& a = world.add_host(host_address(1));
  Network& b = world.add_host(host_address(2));
};

TEST_F(SimWorldTest, RingsTimersInOrderAtTheirTimeAndNeverEarly) {
  Reactor& reactor = a.reactor();
  const TimePoint start = world.now();
  std::vector<int> rang;
  const auto ring = [&](int number, Duration after) {
    return reactor.wake_at(start + after, [&, number, after](TimePoint now) {
      rang.push_back(number);
      EXPECT_GE(now, start + after);
      EXPECT_LE(now, start + std::max<Duration>(after, 1us));
      EXPECT_EQ(now, reactor.now());
    });
  };
  const Timer late = ring(3, 2s), early = ring(1, 1s), equal = ring(2, 1s), past = ring(0, -5s);
  const Timer never = reactor.wake_at(TimePoint::max(), [](TimePoint) { FAIL(); });
  world.run_for(2s - 1ns);
  EXPECT_EQ(rang, (std::vector<int>{0, 1, 2}));
  world.run_for(1ns);
  EXPECT_EQ(rang, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(world.now(), start + 2s);
}

TEST_F(SimWorldTest, TakesTimersBackAlsoFromInsideOneAndByTheThousand) {
  Reactor& reactor = a.reactor();
  int rang = 0;
  Timer victim = reactor.wake_at(world.now() + 2s, [](TimePoint) { FAIL(); });
  Timer self;
  self = reactor.wake_at(world.now() + 1s, [&](TimePoint) {
    victim.reset();
    self.reset();
    ++rang;
  });
  for (int i = 0; i < 100'000; ++i) {
    const Timer gone = reactor.wake_at(world.now() + 1h + i * 1ms, [](TimePoint) { FAIL(); });
  }
  const Timer kept = reactor.wake_at(world.now() + 1h, [&](TimePoint) { ++rang; });
  const std::uint64_t before = world.counters().events;
  world.run_for(2h);
  EXPECT_EQ(rang, 2);
  EXPECT_LT(world.counters().events - before, 5000u);  // what was taken back does not pile up
}

TEST_F(SimWorldTest, RunsPostedWorkInALaterTurnAndTurnEndWorkInThisOne) {
  Reactor& reactor = a.reactor();
  std::vector<std::string> order;
  reactor.post([&] {
    order.push_back("work");
    reactor.post([&] { order.push_back("posted"); });
    reactor.at_turn_end([&] {
      order.push_back("end");
      reactor.at_turn_end([&] { order.push_back("end of end"); });
    });
    order.push_back("rest");
  });
  EXPECT_TRUE(order.empty());
  world.run_for(1ms);
  EXPECT_EQ(order, (std::vector<std::string>{"work", "rest", "end", "end of end", "posted"}));
}

TEST_F(SimWorldTest, GoesOnThoughAHostKeepsItselfBusyForEver) {
  std::function<void()> again = [&] { a.reactor().post(again); };
  again();
  bool rang = false;
  const Timer timer = b.reactor().wake_at(world.now() + 1ms, [&](TimePoint) { rang = true; });
  world.run_for(1ms);
  EXPECT_TRUE(rang);
}

TEST_F(SimWorldTest, TakesWorkPostedFromOtherThreads) {
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) a.reactor().post([&] { ++ran; });
    });
  }
  for (int i = 0; i < 100; ++i) world.run_for(1ms);
  for (auto& thread : threads) thread.join();
  world.run_for(1ms);
  EXPECT_EQ(ran, 4000);
}

TEST_F(SimWorldTest, StopsAsSoonAsTheConditionHoldsOrTheLimitIsOver) {
  const TimePoint start = world.now();
  int count = 0;
  std::vector<Timer> timers;
  for (int i = 1; i <= 10; ++i) timers.push_back(a.reactor().wake_at(start + i * 1s, [&](TimePoint) { ++count; }));
  EXPECT_TRUE(world.run_until([&] { return count == 3; }, 1h));
  EXPECT_EQ(world.now(), start + 3s);
  EXPECT_FALSE(world.run_until([&] { return count == 30; }, 5s));
  EXPECT_EQ(world.now(), start + 8s);
  world.run_until(TimePoint::max());
  EXPECT_EQ(world.now(), start + 10s);
}

TEST_F(SimWorldTest, ListsLoopbackAndOneInterface) {
  const auto interfaces = a.interfaces().value();
  ASSERT_EQ(interfaces.size(), 2u);
  EXPECT_EQ(interfaces[0].index, 1u);
  EXPECT_TRUE(interfaces[0].loopback);
  EXPECT_EQ(interfaces[1].index, 2u);
  EXPECT_EQ(interfaces[1].name, "sim0");
  EXPECT_EQ(interfaces[1].addresses, std::vector<Address>{host_address(1)});
}

TEST_F(SimWorldTest, RefusesToListenWhereItCannot) {
  auto listener = a.listen(kAny.with_port(2203), [](auto) {});
  ASSERT_TRUE(listener);
  EXPECT_EQ(a.listen(host_address(1, 2203), [](auto) {}).error(),
            (Error{Errc::busy, "listen on 10.0.0.1:2203: address already in use"}));
  EXPECT_FALSE(a.listen(host_address(2, 2203), [](auto) {}));
  EXPECT_FALSE(a.listen(Address(), [](auto) {}));
  EXPECT_TRUE(b.listen(kAny.with_port(2203), [](auto) {}));
  (*listener).reset();
  EXPECT_TRUE(a.listen(host_address(1, 2203), [](auto) {}));
}

TEST_F(SimWorldTest, AKilledHostIsSilentAndItsPeersHearOfItAfterTheNotice) {
  auto pair = connect_pair(world, a, b, host_address(2, 1));
  Recorder survivor(world, std::move(pair.client)), dead(world, std::move(pair.server));
  auto socket = open_socket(b, kAny.with_port(9)), sender = open_socket(a, kAny);
  Inbox inbox(*socket);
  auto listener = b.listen(kAny.with_port(7), [](auto) { FAIL() << "dead hosts accept nothing"; });
  Timer timer = b.reactor().wake_at(world.now() + 1ms, [](TimePoint) { FAIL() << "dead hosts' timers do not ring"; });
  auto attempt = b.connect(host_address(1, 1), 1s, [](auto) { FAIL() << "dead hosts connect to nothing"; });
  b.reactor().post([] { FAIL() << "dead hosts do no work"; });
  b.reactor().at_turn_end([] { FAIL() << "dead hosts' turns do not end"; });
  survivor.write("to nobody");
  send_to(*sender, host_address(2, 9), "to nobody");

  const TimePoint death = world.now();
  world.kill(host_address(2), 5ms);
  EXPECT_FALSE(survivor.closed);
  world.run_for(1s);
  ASSERT_TRUE(survivor.closed);
  EXPECT_EQ(survivor.last_at, death + 5ms);
  EXPECT_EQ(survivor.closed->code, Errc::io);
  EXPECT_NE(survivor.closed->message.find("connection reset"), std::string::npos);
  EXPECT_TRUE(dead.received.empty() && !dead.closed && inbox.texts.empty());

  // What the dead host's code still holds does nothing, and goes quietly.
  dead.write("x");
  dead.stream->flush();
  dead.stream->set_reading(true);
  dead.stream->finish(1s);
  EXPECT_EQ(send_to(*socket, host_address(1, 1), "x"), 0u);
  EXPECT_FALSE(socket->join(Address::ip4({239, 1, 1, 1}, 1), 0));
  EXPECT_FALSE(b.listen(kAny, [](auto) {}));
  EXPECT_FALSE(b.open_datagram({.local = kAny}));
  EXPECT_FALSE(b.interfaces());
  auto hopeless = b.connect(host_address(1, 1), 1s, [](auto) { FAIL(); });
  const Timer useless = b.reactor().wake_at(world.now() + 1ms, [](TimePoint) { FAIL(); });
  b.reactor().post([] { FAIL(); });
  world.run_for(1h);
  dead.stream.reset();
  socket.reset();
}

TEST_F(SimWorldTest, ARevivedHostStartsAfreshAndItsFormerLifeStaysDead) {
  auto old_listener = b.listen(kAny.with_port(7), [](auto) { FAIL() << "of a former life"; });
  auto old_socket = open_socket(b, kAny.with_port(9));
  Inbox old_inbox(*old_socket);
  b.reactor().post([] { FAIL() << "of a former life"; });
  world.kill(host_address(2));
  world.kill(host_address(2));
  world.revive(host_address(2));
  std::unique_ptr<ByteStream> accepted;
  auto listener = b.listen(kAny.with_port(7), [&](auto stream) { accepted = std::move(stream); });
  ASSERT_TRUE(listener);
  auto socket = open_socket(b, kAny.with_port(9));
  Inbox inbox(*socket);
  auto sender = open_socket(a, kAny);
  send_to(*sender, host_address(2, 9), "again");
  auto attempt = a.connect(host_address(2, 7), 1s, [](auto stream) { EXPECT_TRUE(stream); });
  old_listener->reset();
  old_socket.reset();
  bool worked = false;
  b.reactor().post([&] { worked = true; });
  world.run_for(1s);
  EXPECT_TRUE(accepted && worked);
  EXPECT_EQ(inbox.texts, std::vector<std::string>{"again"});
  EXPECT_TRUE(old_inbox.texts.empty());
}

TEST_F(SimWorldTest, AHostMayKillItselfInAnyOfItsCallbacks) {
  const auto kill = [&] { world.kill(host_address(2)); };
  struct Killer : Recorder {
    Killer(const SimWorld& world, std::function<void()> act) : Recorder(world), act_(std::move(act)) {}
    void on_bytes(BytesView) override { act_(); }
    std::function<void()> act_;
  };
  auto pair = connect_pair(world, a, b, host_address(2, 1));
  Recorder client(world, std::move(pair.client));
  Killer killer(world, kill);
  killer.hold(std::move(pair.server));
  client.write("die");
  world.run_for(1s);
  EXPECT_TRUE(client.closed);

  world.revive(host_address(2));
  auto socket = open_socket(b, kAny.with_port(9)), sender = open_socket(a, kAny);
  socket->on_datagrams([&](std::span<const Datagram>) { kill(); });
  for (int i = 0; i < 100; ++i) send_to(*sender, host_address(2, 9), "die");
  world.run_for(1s);
  EXPECT_EQ(world.counters().datagrams_delivered, 64u);

  world.revive(host_address(2));
  bool after = false;
  const Timer timer = b.reactor().wake_at(world.now() + 1ms, [&](TimePoint) {
    b.reactor().at_turn_end([&] { after = true; });
    kill();
  });
  world.run_for(1s);
  EXPECT_FALSE(after);
}

TEST_F(SimWorldTest, APartitionHidesADeathUntilItHeals) {
  auto pair = connect_pair(world, a, b, host_address(2, 1));
  Recorder survivor(world, std::move(pair.client));
  world.partition(host_address(1), host_address(2));
  world.kill(host_address(2));
  world.run_for(1min);
  EXPECT_FALSE(survivor.closed);
  world.heal(host_address(1), host_address(2));
  world.run_for(1s);
  ASSERT_TRUE(survivor.closed);
  EXPECT_EQ(survivor.closed->code, Errc::io);
}

TEST(SimWorld, DropsWhatHostsPlannedWhenItEnds) {
  const auto owned = std::make_shared<int>(1);
  {
    SimWorld world(1);
    Network& host = world.add_host(host_address(1));
    auto socket = std::shared_ptr<DatagramSocket>(open_socket(host, kAny));
    host.reactor().post([owned, socket] {});
    host.reactor().at_turn_end([owned, socket] {});
    Timer timer = host.reactor().wake_at(world.now() + 1s, [owned, socket](TimePoint) {});
    host.reactor().post([owned, timer = std::make_shared<Timer>(std::move(timer))] {});
    world.run_for(0s);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

namespace {

/// FNV-1a over everything that is told to any host, with its time.
class Trace {
 public:
  explicit Trace(const SimWorld& world) : world_(world) {}
  void note(std::uint64_t who, BytesView what) {
    mix(static_cast<std::uint64_t>(world_.now().time_since_epoch().count()));
    mix(who);
    for (std::uint8_t byte : what) hash_ = (hash_ ^ byte) * 0x100000001b3u;
  }
  std::uint64_t hash() const { return hash_; }

 private:
  void mix(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) hash_ = (hash_ ^ (value >> (8 * i) & 0xff)) * 0x100000001b3u;
  }
  const SimWorld& world_;
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

/// Chats with everyone: multicasts, answers by unicast, and has a stream to the next host that echoes.
class Chatter : public StreamHandler {
 public:
  Chatter(SimWorld& world, Trace& trace, std::uint32_t number, std::uint32_t count)
      : world_(world), trace_(trace), number_(number), network_(world.add_host(host_address(number))) {
    socket_ = open_socket(network_, kAny.with_port(1835));
    EXPECT_TRUE(socket_->join(kGroup, 0));
    socket_->on_datagrams([this](std::span<const Datagram> batch) { hear(batch); });
    listener_ = network_
                    .listen(kAny.with_port(1),
                            [this](auto stream) {
                              accepted_ = std::move(stream);
                              accepted_->set_handler(*this);
                            })
                    .value();
    next_ = host_address((number + 1) % count, 1);
    tick();
  }

  void on_bytes(BytesView bytes) override {
    trace_.note(number_, bytes);
    if (accepted_ && bytes.size() > 1) accepted_->output().append(bytes.first(bytes.size() / 2));
  }
  void on_writable() override {}
  void on_closed(const Error& why) override { trace_.note(number_, as_bytes(why.message)); }

 private:
  inline static const Address kGroup = Address::ip4({239, 1, 1, 1}, 1835);

  void hear(std::span<const Datagram> batch) {
    for (const Datagram& each : batch) {
      trace_.note(number_, each.bytes);
      if (each.to == kGroup && each.bytes.size() % 3 == 0) send_to(*socket_, each.from, "answer");
    }
  }
  void tick() {
    timer_ = network_.reactor().wake_at(world_.now() + 3ms, [this](TimePoint) {
      if (++ticks_ == 1) {
        attempt_ = network_.connect(next_, 1s, [this](auto stream) {
          if (!stream) return trace_.note(number_, as_bytes(stream.error().message));
          dialed_ = std::move(*stream);
          dialed_->set_handler(*this);
        });
      }
      send_to(*socket_, kGroup, std::string(static_cast<std::size_t>(ticks_) + number_, 'm'));
      if (dialed_) dialed_->output().append(Bytes(5000));
      tick();
    });
  }

  SimWorld& world_;
  Trace& trace_;
  std::uint32_t number_;
  Network& network_;
  Address next_;
  int ticks_ = 0;
  std::unique_ptr<DatagramSocket> socket_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Connecting> attempt_;
  std::unique_ptr<ByteStream> accepted_, dialed_;
  Timer timer_;
};

std::uint64_t busy_run(std::uint64_t seed) {
  SimWorld world(seed);
  world.set_default_link({.delay = 500us,
                          .jitter = 2ms,
                          .rate = 50'000'000,
                          .loss = 0.05,
                          .burst = 3,
                          .duplicate = 0.02,
                          .reorder = 0.1,
                          .fragment = 900});
  Trace trace(world);
  std::vector<std::unique_ptr<Chatter>> chatters;
  for (std::uint32_t i = 0; i < 20; ++i) chatters.push_back(std::make_unique<Chatter>(world, trace, i, 20));
  world.run_for(100ms);
  world.partition(host_address(3), host_address(4));
  world.kill(host_address(7));
  world.run_for(100ms);
  world.heal(host_address(3), host_address(4));
  world.run_for(100ms);
  EXPECT_GT(world.counters().datagrams_delivered, 20'000u);
  EXPECT_GT(world.counters().datagrams_lost, 1'000u);
  EXPECT_GT(world.counters().stream_bytes, 500'000u);
  return trace.hash();
}

}  // namespace

TEST(SimWorld, RunsTheSameEventByEventFromTheSameSeed) {
  const std::uint64_t first = busy_run(42);
  EXPECT_EQ(busy_run(42), first);
  EXPECT_NE(busy_run(43), first);
}

}  // namespace ghost::net::sim
