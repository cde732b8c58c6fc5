#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "net/sim_testing.h"

namespace ghost::net::sim {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::host_address;
using testing::Recorder;

namespace {

class SimStream : public ::testing::Test {
 protected:
  void SetUp() override { world.set_default_link({.delay = 1ms}); }

  void connect(const Address& at = host_address(2, 2203)) {
    auto pair = connect_pair(world, a, b, at);
    client.hold(std::move(pair.client));
    server.hold(std::move(pair.server));
  }

  SimWorld world{1};
  const Address a_at = host_address(1), b_at = host_address(2);
  Network& a = world.add_host(a_at);
  Network& b = world.add_host(b_at);
  Recorder client{world}, server{world};
};

std::string numbered(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

}  // namespace

TEST_F(SimStream, ConnectsInOneRoundTripAndNamesBothEnds) {
  const TimePoint start = world.now();
  TimePoint accepted{}, connected{};
  auto listener = b.listen(Address::parse("0.0.0.0:2203").value(), [&](auto stream) {
    accepted = world.now();
    server.hold(std::move(stream));
  });
  auto attempt = a.connect(host_address(2, 2203), 1s, [&](auto stream) {
    connected = world.now();
    client.hold(std::move(*stream));
  });
  world.run_for(1s);
  EXPECT_EQ(accepted, start + 1ms);
  EXPECT_EQ(connected, start + 2ms);
  EXPECT_EQ(client.stream->peer().remote, host_address(2, 2203));
  EXPECT_EQ(server.stream->peer().local, host_address(2, 2203));
  EXPECT_EQ(server.stream->peer().remote, client.stream->peer().local);
  EXPECT_EQ(client.stream->peer().local.with_port(0), a_at);
  EXPECT_NE(client.stream->peer().local.port(), 0);
  EXPECT_EQ(client.stream->export_key("b2", 32).error().code, Errc::unsupported);
}

TEST_F(SimStream, CarriesBytesBothWaysAfterTheDelay) {
  connect();
  const TimePoint start = world.now();
  client.write("question");
  server.write("answer");
  EXPECT_EQ(client.stream->unsent(), 8u);
  world.run_for(1ms);
  EXPECT_EQ(server.received, "question");
  EXPECT_EQ(client.received, "answer");
  EXPECT_EQ(server.last_at, start + 1ms);
  EXPECT_EQ(client.stream->unsent(), 0u);
  EXPECT_EQ(world.counters().stream_bytes, 14u);
}

TEST_F(SimStream, SendsTogetherWhatIsWrittenInOneTurn) {
  connect();
  a.reactor().post([&] {
    client.write("one ");
    client.write("two ");
    a.reactor().at_turn_end([&] { client.write("three"); });
  });
  world.run_for(1s);
  EXPECT_EQ(server.received, "one two three");
  EXPECT_LE(server.pieces.size(), 2u);
}

TEST_F(SimStream, LetsTheAcceptingSideSpeakFirst) {
  auto listener = b.listen(b_at.with_port(1), [&](auto stream) {
    server.hold(std::move(stream));
    server.write("welcome");
  });
  auto attempt = a.connect(b_at.with_port(1), 1s, [&](auto stream) { client.hold(std::move(*stream)); });
  world.run_for(1s);
  EXPECT_EQ(client.received, "welcome");
}

TEST_F(SimStream, IsRefusedWhereNobodyListens) {
  std::optional<Error> error;
  const TimePoint start = world.now();
  auto attempt = a.connect(b_at.with_port(7), 1s, [&](auto stream) {
    error = stream.error();
    EXPECT_EQ(world.now(), start + 2ms);
  });
  EXPECT_FALSE(error);
  world.run_for(1s);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::busy);
  EXPECT_EQ(error->message, "connect to 10.0.0.2:7: connection refused");
}

TEST_F(SimStream, TimesOutWhereNobodyAnswers) {
  std::vector<Error> errors;
  const auto note = [&](auto stream) { errors.push_back(stream.error()); };
  world.partition(a_at, b_at);
  auto listener = b.listen(b_at.with_port(1), [](auto) { FAIL() << "nothing crosses a partition"; });
  auto cut_off = a.connect(b_at.with_port(1), 5s, note);
  auto unknown = a.connect(host_address(99, 1), 6s, note);
  auto given_up = a.connect(b_at.with_port(1), 2s, note);
  given_up.reset();
  world.run_for(5s - 1ns);
  EXPECT_TRUE(errors.empty());
  world.run_for(1h);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0], (Error{Errc::timed_out, "connect to 10.0.0.2:1: no answer within 5 s"}));
  EXPECT_EQ(errors[1].code, Errc::timed_out);
}

TEST_F(SimStream, ConnectsOnceAPartitionHealsInTime) {
  world.partition(a_at, b_at);
  auto listener = b.listen(b_at.with_port(1), [&](auto stream) { server.hold(std::move(stream)); });
  auto attempt = a.connect(b_at.with_port(1), 10s, [&](auto stream) { client.hold(std::move(*stream)); });
  world.run_for(2s);
  world.heal(a_at, b_at);
  EXPECT_TRUE(world.run_until([&] { return client.stream && server.stream; }, 5s));
}

TEST_F(SimStream, EndsWhatWasAcceptedWhenTheDialerGaveUpMeanwhile) {
  auto listener = b.listen(b_at.with_port(1), [&](auto stream) { server.hold(std::move(stream)); });
  auto attempt = a.connect(b_at.with_port(1), 1s, [](auto) { FAIL() << "the attempt was destroyed"; });
  world.run_for(1ms);
  ASSERT_TRUE(server.stream);
  attempt.reset();
  world.run_for(1s);
  ASSERT_TRUE(server.closed);
  EXPECT_EQ(server.closed->code, Errc::cancelled);
}

TEST_F(SimStream, ServesUnixPathsInsideOneHostOnly) {
  const Address path = Address::unix_path("/run/b2/b2.sock");
  std::unique_ptr<ByteStream> accepted, connected;
  auto listener = a.listen(path, [&](auto stream) { accepted = std::move(stream); });
  EXPECT_EQ(a.listen(path, [](auto) {}).error().code, Errc::busy);
  std::optional<Error> elsewhere;
  auto attempt = a.connect(path, 1s, [&](auto stream) { connected = std::move(*stream); });
  auto other = b.connect(path, 1s, [&](auto stream) { elsewhere = stream.error(); });
  world.run_for(1s);
  ASSERT_TRUE(accepted && connected);
  EXPECT_EQ(accepted->peer().process->uid, ::getuid());
  EXPECT_EQ(accepted->peer().process->pid, ::getpid());
  EXPECT_EQ(connected->peer().remote, path);
  EXPECT_EQ(accepted->peer().local, path);
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->code, Errc::not_found);
}

TEST_F(SimStream, ReachesItsOwnHostByLoopbackAndByItsAddress) {
  auto listener = a.listen(Address::parse("0.0.0.0:0").value(), [&](auto stream) { server.hold(std::move(stream)); });
  const std::uint16_t port = (*listener)->address().port();
  EXPECT_NE(port, 0);
  for (const Address& to : {Address::loopback(port), a_at.with_port(port)}) {
    server.stream.reset();
    auto attempt = a.connect(to, 1s, [&](auto stream) { client.hold(std::move(*stream)); });
    EXPECT_TRUE(world.run_until([&] { return server.stream && client.stream; }, 1s));
    EXPECT_EQ(server.stream->peer().local, to);
    client.stream.reset();
  }
}

TEST_F(SimStream, DeliversInOrderThroughJitterLossAndFragments) {
  world.set_default_link({.delay = 5ms, .jitter = 20ms, .rate = 100'000'000, .loss = 0.05, .fragment = 700});
  connect();
  const std::string text = numbered(1'000'000);
  client.write(text);
  ASSERT_TRUE(world.run_until([&] { return server.received.size() == text.size(); }, 1h));
  EXPECT_EQ(server.received, text);
  EXPECT_LE(*std::ranges::max_element(server.pieces), 700u);
  EXPECT_GE(*std::ranges::max_element(server.pieces), 690u);
  EXPECT_LE(*std::ranges::min_element(server.pieces), 10u);
}

TEST_F(SimStream, TakesTheTimeItsRateNeeds) {
  world.set_default_link({.delay = 1ms, .rate = 80'000'000});  // 10 MB/s
  connect();
  const TimePoint start = world.now();
  client.stream->output().append(Bytes(10'000'000));
  ASSERT_TRUE(world.run_until([&] { return server.received.size() == 10'000'000; }, 1h));
  EXPECT_GE(world.now() - start, 1s + 1ms);
  EXPECT_LE(world.now() - start, 1s + 10ms);
}

TEST_F(SimStream, IsSlowerWhereSegmentsGetLost) {
  const auto took = [&](double loss) {
    world.set_default_link({.delay = 1ms, .loss = loss});
    connect();
    const TimePoint start = world.now();
    const std::size_t before = server.received.size();
    client.stream->output().append(Bytes(1'000'000));
    EXPECT_TRUE(world.run_until([&] { return server.received.size() == before + 1'000'000; }, 1h));
    return world.now() - start;
  };
  EXPECT_LT(took(0), 20ms);
  EXPECT_GT(took(0.02), 200ms);
}

TEST_F(SimStream, HoldsTheSenderBackWhileTheReceiverDoesNotRead) {
  connect();
  const std::string text = numbered(4'000'000);
  server.stream->set_reading(false);
  client.write(text);
  world.run_for(10s);
  EXPECT_EQ(server.received.size(), 0u);
  EXPECT_EQ(client.stream->unsent(), text.size() - 256 * 1024);
  EXPECT_EQ(client.writable, 0);
  server.stream->set_reading(true);
  EXPECT_EQ(server.received.size(), 0u);  // never from inside a call
  ASSERT_TRUE(world.run_until([&] { return client.writable == 1; }, 10s));
  EXPECT_LT(client.stream->unsent(), ByteStream::kLowWater);
  world.run_for(10s);
  EXPECT_EQ(server.received, text);
  EXPECT_EQ(client.writable, 1);
}

TEST_F(SimStream, SaysNothingOfRoomToAWriterWhoStayedBelowHighWater) {
  connect();
  client.write(numbered(ByteStream::kHighWater));
  world.run_for(10s);
  EXPECT_EQ(server.received.size(), ByteStream::kHighWater);
  EXPECT_EQ(client.writable, 0);
}

TEST_F(SimStream, StopsInTheMiddleWhenAskedTo) {
  connect();
  struct Sipper : Recorder {
    using Recorder::Recorder;
    void on_bytes(BytesView bytes) override {
      Recorder::on_bytes(bytes);
      stream->set_reading(false);
    }
  } sipper(world);
  sipper.hold(std::move(server.stream));
  client.write(numbered(200'000));
  world.run_for(1s);
  EXPECT_EQ(sipper.pieces.size(), 1u);
  for (std::size_t sips = 2; sipper.received.size() < 200'000; ++sips) {
    sipper.stream->set_reading(true);
    world.run_for(1s);
    ASSERT_EQ(sipper.pieces.size(), sips);
  }
  EXPECT_EQ(sipper.received, numbered(200'000));
}

TEST_F(SimStream, ReadsOnlyOnceItHasAHandlerAndHandsLaterBytesToTheOneThatTookOver) {
  auto pair = connect_pair(world, a, b, b_at.with_port(1));
  client.hold(std::move(pair.client));
  client.write("early");
  world.run_for(1s);
  struct Sniffer : Recorder {
    using Recorder::Recorder;
    void on_bytes(BytesView bytes) override {
      Recorder::on_bytes(bytes);
      stream->set_handler(*next);
    }
    Recorder* next = nullptr;
  } sniffer(world);
  sniffer.next = &server;
  sniffer.hold(std::move(pair.server));
  EXPECT_EQ(sniffer.received, "");
  world.run_for(0s);
  EXPECT_EQ(sniffer.received, "early");
  client.write("late");
  world.run_for(1s);
  EXPECT_EQ(sniffer.received, "early");
  EXPECT_EQ(server.received, "late");
}

TEST_F(SimStream, FinishSendsEverythingThenWaitsForThePeersEnd) {
  connect();
  const std::string text = numbered(3'000'000);
  client.write(text);
  client.stream->finish(30s);
  EXPECT_FALSE(client.closed);
  ASSERT_TRUE(world.run_until([&] { return server.closed.has_value(); }, 30s));
  EXPECT_EQ(server.received, text);
  EXPECT_EQ(server.closed->code, Errc::cancelled);
  EXPECT_FALSE(client.closed);
  world.run_for(1ms);
  ASSERT_TRUE(client.closed);
  EXPECT_EQ(client.closed->code, Errc::cancelled);
}

TEST_F(SimStream, FinishOfBothEndsLosesNeithersBytes) {
  connect();
  client.write(numbered(2'000'000));
  server.write(numbered(3'000'000));
  client.stream->finish(30s);
  server.stream->finish(30s);
  world.run_for(30s);
  EXPECT_EQ(client.received, numbered(3'000'000));
  EXPECT_EQ(server.received, numbered(2'000'000));
  EXPECT_EQ(client.closed->code, Errc::cancelled);
  EXPECT_EQ(server.closed->code, Errc::cancelled);
}

TEST_F(SimStream, FinishGivesUpOnAPeerThatDoesNotRead) {
  connect();
  server.stream->set_reading(false);
  client.write(numbered(1'000'000));
  client.stream->finish(250ms);
  world.run_for(249ms);
  EXPECT_FALSE(client.closed);
  world.run_for(1ms);
  ASSERT_TRUE(client.closed);
  EXPECT_EQ(client.closed->code, Errc::timed_out);
  EXPECT_EQ(client.closed->message, "connection to 10.0.0.2:2203: the peer did not close it within 250 ms");
}

TEST_F(SimStream, DestroyingItDropsWhatWasNotSentAndEndsThePeer) {
  connect();
  client.write("sent");
  client.stream->flush();
  client.write("not sent");
  client.stream.reset();
  world.run_for(1s);
  EXPECT_EQ(server.received, "sent");
  ASSERT_TRUE(server.closed);
  EXPECT_EQ(*server.closed,
            (Error{Errc::cancelled, "connection to " + server.stream->peer().remote.text() + ": the peer closed it"}));
  server.write("into the void");
  world.run_for(1s);
  EXPECT_EQ(server.stream->unsent(), 13u);
  server.stream->flush();
  EXPECT_EQ(server.stream->unsent(), 0u);
}

TEST_F(SimStream, TellsTheEndAfterTheBytesBeforeItAlsoWhenReadingWasOff) {
  connect();
  server.stream->set_reading(false);
  client.write("last words");
  client.stream->flush();
  client.stream.reset();
  world.run_for(1s);
  EXPECT_FALSE(server.closed);
  server.stream->set_reading(true);
  world.run_for(0s);
  EXPECT_EQ(server.received, "last words");
  EXPECT_EQ(server.closed->code, Errc::cancelled);
}

TEST_F(SimStream, IsResetByAPeerThatGoesWithoutReading) {
  connect();
  server.stream->set_reading(false);
  client.write("never read");
  world.run_for(1s);
  server.stream.reset();
  world.run_for(1s);
  ASSERT_TRUE(client.closed);
  EXPECT_EQ(*client.closed, (Error{Errc::io, "connection to 10.0.0.2:2203 is lost: connection reset by peer"}));
}

TEST_F(SimStream, GivesAWriterItsRoomBackWhenThePeerIsGoneAndThenTheRestAndTheEnd) {
  connect();
  client.stream->set_reading(false);
  client.write(numbered(4 * ByteStream::kHighWater));
  server.write("bye");
  server.stream->flush();
  server.stream.reset();
  ASSERT_TRUE(world.run_until([&] { return client.writable == 1; }, 1s));
  EXPECT_FALSE(client.closed);
  client.stream->set_reading(true);
  world.run_for(1s);
  EXPECT_EQ(client.received, "bye");
  EXPECT_TRUE(client.closed);
}

TEST_F(SimStream, TellsTheEndToAHandlerThatComesLate) {
  auto pair = connect_pair(world, a, b, b_at.with_port(1));
  pair.client->finish(0s);
  pair.server.reset();
  world.run_for(1s);
  client.hold(std::move(pair.client));
  EXPECT_FALSE(client.closed);
  world.run_for(0s);
  EXPECT_TRUE(client.closed);
}

TEST_F(SimStream, StallsAcrossAPartitionAndLosesNothing) {
  connect();
  const std::string text = numbered(600'000);
  client.write(text);
  world.run_for(1ms);
  const std::size_t before = server.received.size();
  EXPECT_GT(before, 0u);
  world.partition(a_at, b_at);
  world.run_for(1min);
  const std::size_t during = server.received.size();
  world.run_for(1min);
  EXPECT_EQ(server.received.size(), during);
  EXPECT_LT(during, text.size());
  EXPECT_FALSE(client.closed || server.closed);
  world.heal(b_at, a_at);
  world.run_for(1s);
  EXPECT_EQ(server.received, text);
}

TEST_F(SimStream, MayBeDestroyedInEachOfItsCallbacks) {
  struct Suicide : Recorder {
    using Recorder::Recorder;
    enum class When { at_bytes, at_writable, at_closed } when = When::at_bytes;
    bool died = false;
    void die_if(When at) {
      if (at != when) return;
      stream.reset();
      died = true;
    }
    void on_bytes(BytesView) override { die_if(When::at_bytes); }
    void on_writable() override { die_if(When::at_writable); }
    void on_closed(const Error& why) override {
      die_if(When::at_closed);
      closed = why;  // `why` outlives the stream
    }
  };
  for (const auto when : {Suicide::When::at_bytes, Suicide::When::at_writable, Suicide::When::at_closed}) {
    connect();
    Suicide suicide(world);
    suicide.when = when;
    suicide.hold(std::move(server.stream));
    suicide.write(numbered(2 * ByteStream::kHighWater));
    if (when != Suicide::When::at_writable) client.write("some bytes");
    if (when == Suicide::When::at_closed) client.stream->finish(30s);
    world.run_for(1min);
    EXPECT_TRUE(suicide.died);
  }
}

TEST_F(SimStream, AResetBehindWhatAPartitionHoldsUpWaitsWithoutEvents) {
  connect();
  client.write("first");
  world.partition(a_at, b_at);
  world.run_for(10us);
  server.write("unheard");
  world.run_for(5ms);
  client.stream.reset();
  const std::uint64_t before = world.counters().events;
  world.run_for(10s);
  EXPECT_LT(world.counters().events - before, 20u);
  EXPECT_FALSE(server.closed);
  world.heal(a_at, b_at);
  world.run_for(10s);
  EXPECT_EQ(server.received, "first");
  EXPECT_TRUE(server.closed);
}

TEST_F(SimStream, LetsTheListenerAndTheAttemptGoInTheirOwnCallbacks) {
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connecting> attempt;
  int accepted = 0, connected = 0;
  listener = b.listen(b_at.with_port(1), [&](auto stream) {
                listener.reset();
                ++accepted;
                server.hold(std::move(stream));
              }).value();
  attempt = a.connect(b_at.with_port(1), 1s, [&](auto stream) {
    attempt.reset();
    ++connected;
    client.hold(std::move(*stream));
  });
  std::optional<Error> second;
  auto late = a.connect(b_at.with_port(1), 1s, [&](auto stream) { second = stream.error(); });
  world.run_for(1s);
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(connected, 1);
  EXPECT_EQ(second->code, Errc::busy);
}

}  // namespace ghost::net::sim
