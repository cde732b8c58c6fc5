#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>

#include "net/epoll_testing.h"

namespace ghost::net {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::make_network;
using testing::Recorder;
using testing::SocketDirectory;
using testing::turn_until;

namespace {

void write(ByteStream& stream, std::string_view text) {
  stream.output().append(as_bytes(text));
}

/// Answers with what it gets, and lets the stream go when it ends.
class Echo : public StreamHandler {
 public:
  explicit Echo(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) { stream_->set_handler(*this); }
  void on_bytes(BytesView bytes) override { stream_->output().append(bytes); }
  void on_writable() override {}
  void on_closed(const Error&) override { stream_.reset(); }
  bool open() const { return stream_ != nullptr; }

 private:
  std::unique_ptr<ByteStream> stream_;
};

struct SocketPair {
  UniqueFd ours, theirs;
  SocketPair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
  }
};

std::unique_ptr<ByteStream> adopt(EpollNetwork& network, UniqueFd fd) {
  auto stream = network.adopt_stream(std::move(fd));
  EXPECT_TRUE(stream) << stream.error().message;
  return stream ? std::move(*stream) : nullptr;
}

}  // namespace

TEST(StreamSocket, CarriesBytesBothWaysOverTcpAndUnixSockets) {
  const SocketDirectory directory;
  for (const Address& at :
       {Address::loopback(0), Address::parse("[::1]:0").value(), Address::unix_path(directory.path("s"))}) {
    auto network = make_network();
    auto pair = connect_pair(*network, at);
    Recorder client, server;
    client.hold(std::move(pair.client));
    server.hold(std::move(pair.server));
    write(*client.stream, "question");
    write(*server.stream, "answer");
    EXPECT_TRUE(turn_until(*network, [&] { return client.received == "answer" && server.received == "question"; }));
    EXPECT_EQ(client.stream->unsent(), 0u);
  }
}

TEST(StreamSocket, DeliversInOneReadWhatWasWrittenInOneTurn) {
  auto network = make_network();
  SocketPair sockets;
  auto stream = adopt(*network, std::move(sockets.ours));
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 7 == 0 ? 5000 : 10), static_cast<char>('a' + i % 26));
    if (i % 7 == 0 && i < 200)
      stream->output().append(Bytes(piece.begin(), piece.end()));
    else
      write(*stream, piece.substr(0, 10));
    expected += i % 7 == 0 && i < 200 ? piece : piece.substr(0, 10);
  }
  char nothing;
  EXPECT_EQ(::recv(sockets.theirs.get(), &nothing, 1, MSG_DONTWAIT), -1);  // nothing leaves before the turn ends
  network->turn(TimePoint::min());
  std::string got(expected.size() + 1, '\0');
  const ssize_t count = ::recv(sockets.theirs.get(), got.data(), got.size(), MSG_DONTWAIT);
  ASSERT_EQ(count, static_cast<ssize_t>(expected.size()));
  got.resize(expected.size());
  EXPECT_EQ(got, expected);
}

/// Answers, and notes what is unsent when the turn ends.
class LateLook : public Recorder {
 public:
  explicit LateLook(Reactor& reactor) : reactor_(reactor) {}
  void on_bytes(BytesView bytes) override {
    Recorder::on_bytes(bytes);
    stream->output().append(bytes);
    reactor_.at_turn_end([this] { left = stream->unsent(); });
  }
  std::optional<std::size_t> left;

 private:
  Reactor& reactor_;
};

TEST(StreamSocket, AnswersBeforeTheTurnsOtherSourcesAreServed) {
  auto network = make_network();
  SocketPair sockets;
  LateLook server(network->reactor());
  server.hold(adopt(*network, std::move(sockets.ours)));
  ASSERT_EQ(::send(sockets.theirs.get(), "question", 8, MSG_NOSIGNAL), 8);
  EXPECT_TRUE(turn_until(*network, [&] { return server.left.has_value(); }));
  EXPECT_EQ(server.left, 0u);
}

TEST(StreamSocket, KnowsOfNoPeerBesideItOnAUnixSocketAndOfNoneThatHasSentNothing) {
  auto network = make_network();
  SocketPair sockets;
  EXPECT_FALSE(adopt(*network, std::move(sockets.ours))->peer_runs_beside());
}

TEST(StreamSocket, ServesManyConnectionsAtOnce) {
  auto network = make_network();
  std::vector<std::unique_ptr<Echo>> echoes;
  auto listener = network->listen(Address::loopback(0),
                                  [&](auto stream) { echoes.push_back(std::make_unique<Echo>(std::move(stream))); });
  ASSERT_TRUE(listener) << listener.error().message;
  constexpr std::size_t kClients = 300;
  std::vector<Recorder> clients(kClients);
  std::vector<std::unique_ptr<Connecting>> attempts;
  for (std::size_t i = 0; i < kClients; ++i) {
    attempts.push_back(network->connect((*listener)->address(), 30s, [&, i](auto stream) {
      ASSERT_TRUE(stream) << stream.error().message;
      clients[i].hold(std::move(*stream));
      write(*clients[i].stream, "client " + std::to_string(i));
    }));
  }
  const auto answered = [&] {
    for (std::size_t i = 0; i < kClients; ++i) {
      if (clients[i].received != "client " + std::to_string(i)) return false;
    }
    return true;
  };
  EXPECT_TRUE(turn_until(*network, answered));
  for (auto& client : clients) client.stream.reset();
  EXPECT_TRUE(turn_until(*network, [&] {
    return echoes.size() == kClients &&
           std::none_of(echoes.begin(), echoes.end(), [](auto& echo) { return echo->open(); });
  }));
}

TEST(StreamSocket, ReadsOnlyOnceItHasAHandler) {
  auto network = make_network();
  SocketPair sockets;
  auto stream = adopt(*network, std::move(sockets.ours));
  ASSERT_EQ(::send(sockets.theirs.get(), "early", 5, 0), 5);
  network->turn(TimePoint::min());
  Recorder recorder;
  recorder.hold(std::move(stream));
  EXPECT_TRUE(turn_until(*network, [&] { return recorder.received == "early"; }));
}

TEST(StreamSocket, SaysWhenThereIsRoomAgainOnceItIsBelowLowWater) {
  auto network = make_network();
  SocketPair sockets;
  Recorder recorder;
  recorder.hold(adopt(*network, std::move(sockets.ours)));
  const std::size_t size = 4 * ByteStream::kHighWater;
  recorder.stream->output().append(Bytes(size, 7));
  network->turn(TimePoint::min());
  EXPECT_EQ(recorder.writable, 0);
  ASSERT_GT(recorder.stream->unsent(), ByteStream::kLowWater);
  std::size_t read = 0;
  Bytes buffer(64 * 1024);
  while (read < size) {
    const ssize_t count = ::recv(sockets.theirs.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) read += static_cast<std::size_t>(count);
    if (recorder.writable == 0 && recorder.stream->unsent() < ByteStream::kLowWater) {
      network->turn(TimePoint::min());
      EXPECT_EQ(recorder.writable, 1);
    }
    network->turn(TimePoint::min());
    if (recorder.stream->unsent() >= ByteStream::kLowWater) {
      EXPECT_EQ(recorder.writable, 0);
    }
  }
  EXPECT_EQ(recorder.writable, 1);
}

TEST(StreamSocket, HoldsThePeerBackWhileReadingIsOff) {
  auto network = make_network();
  auto pair = connect_pair(*network, Address::loopback(0));
  Recorder client, server;
  client.hold(std::move(pair.client));
  server.hold(std::move(pair.server));
  server.stream->set_reading(false);
  client.stream->output().append(Bytes(64 * 1024 * 1024, 'x'));
  network->turn(TimePoint::min());
  for (std::size_t before = 0; before != client.stream->unsent();) {
    before = client.stream->unsent();
    network->turn(network->now() + 50ms);
  }
  EXPECT_EQ(server.received.size(), 0u);
  EXPECT_GT(client.stream->unsent(), 0u);
  server.stream->set_reading(true);
  EXPECT_TRUE(turn_until(*network, [&] { return server.received.size() == 64u * 1024 * 1024; }));
}

TEST(StreamSocket, TellsAnOrderlyEndAfterTheBytesBeforeItAlsoWhenReadingWasOff) {
  auto network = make_network();
  SocketPair sockets;
  Recorder recorder;
  recorder.hold(adopt(*network, std::move(sockets.ours)));
  recorder.stream->set_reading(false);
  ASSERT_EQ(::send(sockets.theirs.get(), "last words", 10, 0), 10);
  sockets.theirs.reset();
  for (int i = 0; i < 3; ++i) network->turn(TimePoint::min());
  EXPECT_EQ(recorder.received, "");
  EXPECT_FALSE(recorder.closed);
  recorder.stream->set_reading(true);
  ASSERT_TRUE(turn_until(*network, [&] { return recorder.closed.has_value(); }));
  EXPECT_EQ(recorder.received, "last words");
  EXPECT_EQ(recorder.closed->code, Errc::cancelled);
  EXPECT_NE(recorder.closed->message.find("the peer closed it"), std::string::npos) << recorder.closed->message;
}

TEST(StreamSocket, GivesAWriterItsRoomBackWhenThePeerIsGoneAndThenTheRestAndTheEnd) {
  auto network = make_network();
  SocketPair sockets;
  Recorder recorder;
  recorder.hold(adopt(*network, std::move(sockets.ours)));
  recorder.stream->set_reading(false);
  recorder.stream->output().append(Bytes(4 * ByteStream::kHighWater, 7));
  network->turn(TimePoint::min());
  ASSERT_GT(recorder.stream->unsent(), ByteStream::kHighWater);
  ASSERT_EQ(::send(sockets.theirs.get(), "bye", 3, 0), 3);
  sockets.theirs.reset();
  ASSERT_TRUE(turn_until(*network, [&] { return recorder.writable == 1; }));
  EXPECT_FALSE(recorder.closed);
  recorder.stream->set_reading(true);
  ASSERT_TRUE(turn_until(*network, [&] { return recorder.closed.has_value(); }));
  EXPECT_EQ(recorder.received, "bye");
}

TEST(StreamSocket, DoesNotTurnForNothingWhileAPausedPeerHangsUp) {
  auto network = make_network();
  SocketPair sockets;
  Recorder recorder;
  recorder.hold(adopt(*network, std::move(sockets.ours)));
  recorder.stream->set_reading(false);
  recorder.stream->output().append(Bytes(4 * ByteStream::kHighWater, 7));
  network->turn(TimePoint::min());
  sockets.theirs.reset();
  bool rang = false;
  const Timer timer = network->wake_at(network->now() + 100ms, [&](TimePoint) { rang = true; });
  int turns = 0;
  while (!rang) network->turn(TimePoint::max()), ++turns;
  EXPECT_LT(turns, 20);
}

TEST(StreamSocket, NamesThePeerAndTheReasonWhenAConnectionIsReset) {
  auto network = make_network();
  auto pair = connect_pair(*network, Address::loopback(0));
  Recorder client;
  client.hold(std::move(pair.client));
  const std::string peer = client.stream->peer().remote.text();
  write(*client.stream, "never read");
  network->turn(TimePoint::min());
  pair.server.reset();  // with unread bytes: a reset
  ASSERT_TRUE(turn_until(*network, [&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.closed->code, Errc::io);
  EXPECT_NE(client.closed->message.find(peer), std::string::npos) << client.closed->message;
  EXPECT_NE(client.closed->message.find("onnection reset"), std::string::npos) << client.closed->message;
  write(*client.stream, "into the void");
  client.stream->flush();
  EXPECT_EQ(client.stream->unsent(), 0u);
}

TEST(StreamSocket, FinishSendsEverythingThenSaysGoodbyeAndWaitsForThePeersEnd) {
  auto network = make_network();
  auto pair = connect_pair(*network, Address::loopback(0));
  Recorder client, server;
  client.hold(std::move(pair.client));
  server.hold(std::move(pair.server));
  client.stream->output().append(Bytes(8 * 1024 * 1024, 'x'));
  client.stream->finish(30s);
  ASSERT_TRUE(turn_until(*network, [&] { return server.closed.has_value(); }));
  EXPECT_EQ(server.received.size(), 8u * 1024 * 1024);
  EXPECT_EQ(server.closed->code, Errc::cancelled);
  EXPECT_FALSE(client.closed);
  server.stream.reset();
  ASSERT_TRUE(turn_until(*network, [&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.closed->code, Errc::cancelled);
}

TEST(StreamSocket, FinishStillSendsToAPeerThatHasClosedItsHalf) {
  auto network = make_network();
  SocketPair sockets;
  Recorder recorder;
  recorder.hold(adopt(*network, std::move(sockets.ours)));
  recorder.stream->output().append(Bytes(3'000'000, 'x'));
  recorder.stream->finish(30s);
  ASSERT_EQ(::shutdown(sockets.theirs.get(), SHUT_WR), 0);
  Recorder reader;
  reader.hold(adopt(*network, std::move(sockets.theirs)));
  ASSERT_TRUE(turn_until(*network, [&] { return recorder.closed && reader.closed; }));
  EXPECT_EQ(reader.received.size(), 3'000'000u);
  EXPECT_EQ(recorder.closed->code, Errc::cancelled);
}

TEST(StreamSocket, FinishGivesUpOnAPeerThatDoesNotClose) {
  auto network = make_network();
  SocketPair sockets;
  Recorder recorder;
  recorder.hold(adopt(*network, std::move(sockets.ours)));
  recorder.stream->finish(20ms);
  ASSERT_TRUE(turn_until(*network, [&] { return recorder.closed.has_value(); }));
  EXPECT_EQ(recorder.closed->code, Errc::timed_out);
  EXPECT_NE(recorder.closed->message.find("20 ms"), std::string::npos) << recorder.closed->message;
}

TEST(StreamSocket, TellsTheEndToAHandlerThatComesLate) {
  auto network = make_network();
  SocketPair sockets;
  auto stream = adopt(*network, std::move(sockets.ours));
  stream->finish(0s);
  network->turn(TimePoint::min());
  network->turn(TimePoint::min());
  Recorder recorder;
  recorder.hold(std::move(stream));
  EXPECT_FALSE(recorder.closed);
  EXPECT_TRUE(turn_until(*network, [&] { return recorder.closed.has_value(); }));
}

TEST(StreamSocket, HandsLaterBytesToTheHandlerThatTookOver) {
  auto network = make_network();
  SocketPair sockets;
  struct Sniffer : Recorder {
    void on_bytes(BytesView bytes) override {
      Recorder::on_bytes(bytes);
      stream->set_handler(*next);
    }
    Recorder* next = nullptr;
  };
  Recorder second;
  Sniffer first;
  first.next = &second;
  first.hold(adopt(*network, std::move(sockets.ours)));
  ASSERT_EQ(::send(sockets.theirs.get(), "one", 3, 0), 3);
  ASSERT_TRUE(turn_until(*network, [&] { return first.received == "one"; }));
  ASSERT_EQ(::send(sockets.theirs.get(), "two", 3, 0), 3);
  EXPECT_TRUE(turn_until(*network, [&] { return second.received == "two"; }));
  EXPECT_EQ(first.received, "one");
}

TEST(StreamSocket, MayBeDestroyedInEachOfItsCallbacks) {
  struct Suicide : Recorder {
    enum class When { at_bytes, at_writable, at_closed } when = When::at_bytes;
    bool died = false;
    void die_if(When now) {
      if (now != when) return;
      stream.reset();
      died = true;
    }
    void on_bytes(BytesView bytes) override { Recorder::on_bytes(bytes), die_if(When::at_bytes); }
    void on_writable() override { die_if(When::at_writable); }
    void on_closed(const Error& why) override {
      die_if(When::at_closed);
      closed = why;  // `why` outlives the stream
    }
  };
  for (const auto when : {Suicide::When::at_bytes, Suicide::When::at_writable, Suicide::When::at_closed}) {
    auto network = make_network();
    SocketPair sockets;
    Suicide suicide;
    suicide.when = when;
    suicide.hold(adopt(*network, std::move(sockets.ours)));
    Recorder other;
    other.hold(adopt(*network, std::move(sockets.theirs)));
    suicide.stream->output().append(Bytes(2 * ByteStream::kHighWater, 'x'));
    if (when != Suicide::When::at_writable) write(*other.stream, "go");
    if (when == Suicide::When::at_closed) other.stream->finish(30s);
    EXPECT_TRUE(turn_until(*network, [&] { return suicide.died; }));
  }
}

TEST(StreamSocket, MayBeDestroyedByAnotherWhoseEventCameInTheSameTurn) {
  auto network = make_network();
  struct Killer : Recorder {
    std::vector<std::unique_ptr<Killer>>* all = nullptr;
    void on_bytes(BytesView) override {
      for (auto& other : *all) {
        if (other.get() != this) other->stream.reset();
      }
      write(*stream, "alone");
    }
  };
  std::vector<std::unique_ptr<Killer>> all;
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 50; ++i) {
    SocketPair sockets;
    ASSERT_EQ(::send(sockets.theirs.get(), "x", 1, 0), 1);
    peers.push_back(std::move(sockets.theirs));
    all.push_back(std::make_unique<Killer>());
    all.back()->all = &all;
    all.back()->hold(adopt(*network, std::move(sockets.ours)));
    write(*all.back()->stream, "bytes in the turn's flush list");
  }
  network->turn(TimePoint::min());
  network->turn(TimePoint::min());
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](auto& one) { return one->stream != nullptr; }), 1);
}

TEST(StreamSocket, KnowsTheProcessAtTheOtherEndOfAUnixSocket) {
  const SocketDirectory directory;
  auto network = make_network();
  auto pair = connect_pair(*network, Address::unix_path(directory.path("s")));
  ASSERT_TRUE(pair.server->peer().process);
  EXPECT_EQ(pair.server->peer().process->pid, ::getpid());
  EXPECT_EQ(pair.server->peer().process->uid, ::getuid());
  EXPECT_EQ(pair.server->peer().process->gid, ::getgid());
  EXPECT_EQ(pair.client->peer().remote.path(), directory.path("s"));
  auto tcp = connect_pair(*network, Address::loopback(0));
  EXPECT_FALSE(tcp.server->peer().process);
  EXPECT_EQ(tcp.server->peer().remote, tcp.client->peer().local);
}

TEST(StreamSocket, RefusesToAdoptWhatIsNoConnectedSocket) {
  auto network = make_network();
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    auto stream = network->adopt_stream(UniqueFd(::socket(AF_INET, type, 0)));
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, Errc::malformed);
  }
  auto none = network->adopt_stream(UniqueFd(-1));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("bad file descriptor"), std::string::npos) << none.error().message;
}

}  // namespace ghost::net
