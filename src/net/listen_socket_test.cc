#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "net/epoll_testing.h"
#include "net/sockaddr.h"

namespace ghost::net {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::make_network;
using testing::Recorder;
using testing::SocketDirectory;
using testing::turn_until;

namespace {

void ignore(std::unique_ptr<ByteStream>) {}

std::unique_ptr<Listener> listen(EpollNetwork& network, const Address& at, OnAccept on_accept = ignore) {
  auto listener = network.listen(at, std::move(on_accept));
  EXPECT_TRUE(listener) << listener.error().message;
  return listener ? std::move(*listener) : nullptr;
}

Error listen_refusal(EpollNetwork& network, const Address& at) {
  auto listener = network.listen(at, ignore);
  EXPECT_FALSE(listener) << at.text();
  return listener ? Error{Errc::unknown, ""} : listener.error();
}

Error connect_refusal(EpollNetwork& network, const Address& to, Duration timeout) {
  std::optional<Error> error;
  const auto attempt = network.connect(to, timeout, [&](auto stream) {
    error = stream ? Error{Errc::unknown, "connected"} : stream.error();
  });
  EXPECT_FALSE(error) << "done was called inside connect()";
  EXPECT_TRUE(turn_until(network, [&] { return error.has_value(); }));
  return error.value_or(Error{Errc::unknown, ""});
}

/// A listening socket nobody accepts from, its backlog full.
UniqueFd full_listener(const Address& at, std::vector<UniqueFd>& waiting) {
  UniqueFd fd(::socket(socket_family(at), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress address(at);
  EXPECT_EQ(::bind(fd.get(), &address.base, address.size), 0);
  EXPECT_EQ(::listen(fd.get(), 0), 0);
  const SocketAddress bound(local_address(fd.get()));
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(::socket(socket_family(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(waiting.back().get(), &bound.base, bound.size);
  }
  return fd;
}

}  // namespace

TEST(ListenSocket, TellsThePortTheKernelChoseAndThatItIsTaken) {
  auto network = make_network();
  for (const char* text : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listener = listen(*network, Address::parse(text).value());
    EXPECT_NE(listener->address().port(), 0);
    const Error error = listen_refusal(*network, listener->address());
    EXPECT_EQ(error.code, Errc::busy);
    EXPECT_EQ(error.message, "listen on " + listener->address().text() + ": address already in use");
  }
}

TEST(ListenSocket, LetsIp4AndIp6ListenOnTheSamePort) {
  auto network = make_network();
  const auto ip6 = listen(*network, Address::parse("[::]:0").value());
  const auto ip4 = listen(*network, Address::ip4({0, 0, 0, 0}, ip6->address().port()));
  EXPECT_EQ(ip4->address().port(), ip6->address().port());
}

TEST(ListenSocket, SaysWhichAddressIsNoneOfThisMachine) {
  auto network = make_network();
  const Error error = listen_refusal(*network, Address::ip4({192, 0, 2, 1}, 1));
  EXPECT_NE(error.message.find("192.0.2.1:1"), std::string::npos) << error.message;
  EXPECT_EQ(listen_refusal(*network, Address()).code, Errc::malformed);
  EXPECT_EQ(listen_refusal(*network, Address::unix_path(std::string(200, 'x'))).code, Errc::malformed);
}

TEST(ListenSocket, StopsAcceptingWhenItIsDestroyedInItsCallback) {
  auto network = make_network();
  std::unique_ptr<Listener> listener;
  int accepted = 0;
  listener = listen(*network, Address::loopback(0), [&](std::unique_ptr<ByteStream>) {
    ++accepted;
    listener.reset();
  });
  const Address at = listener->address();
  int answered = 0;
  std::vector<std::unique_ptr<Connecting>> attempts;
  for (int i = 0; i < 5; ++i) attempts.push_back(network->connect(at, 30s, [&](auto) { ++answered; }));
  EXPECT_TRUE(turn_until(*network, [&] { return accepted > 0 && answered == 5; }));
  EXPECT_EQ(accepted, 1);
}

TEST(ListenSocket, WaitsWithoutTurningWhenDescriptorsRunOutAndGoesOnWhenThereAreSome) {
  auto network = make_network();
  std::vector<std::unique_ptr<ByteStream>> streams;
  const auto listener =
      listen(*network, Address::loopback(0), [&](auto stream) { streams.push_back(std::move(stream)); });
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd lowest(::fcntl(client.get(), F_DUPFD_CLOEXEC, 0));
  const rlimit none_left{static_cast<rlim_t>(lowest.get()) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const SocketAddress at(listener->address());
  EXPECT_EQ(::connect(client.get(), &at.base, at.size), 0);
  int turns = 0;
  bool rang = false;
  const Timer timer = network->wake_at(network->now() + 350ms, [&](TimePoint) { rang = true; });
  while (!rang) network->turn(TimePoint::max()), ++turns;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(streams.empty());
  EXPECT_LT(turns, 20);
  EXPECT_TRUE(turn_until(*network, [&] { return streams.size() == 1; }));
}

TEST(ListenSocket, TakesOverADescriptorThatListens) {
  auto network = make_network();
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  std::unique_ptr<ByteStream> accepted, connected;
  auto listener = network->adopt_listener(std::move(fd), [&](auto stream) { accepted = std::move(stream); });
  ASSERT_TRUE(listener) << listener.error().message;
  const auto attempt = network->connect(Address::loopback((*listener)->address().port()), 30s, [&](auto stream) {
    ASSERT_TRUE(stream) << stream.error().message;
    connected = std::move(*stream);
  });
  EXPECT_TRUE(turn_until(*network, [&] { return accepted && connected; }));
  auto refused = network->adopt_listener(UniqueFd(::socket(AF_INET, SOCK_STREAM, 0)), ignore);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::malformed);
}

TEST(UnixListener, MakesAFileForItsGroupAndRemovesItAtTheEnd) {
  const SocketDirectory directory;
  auto network = make_network();
  const std::string path = directory.path("b2.sock");
  const mode_t before = ::umask(077);
  auto listener = listen(*network, Address::unix_path(path));
  ::umask(before);
  EXPECT_EQ(listener->address().text(), "unix:" + path);
  struct stat file;
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0660u);
  listener.reset();
  EXPECT_NE(::stat(path.c_str(), &file), 0);
}

TEST(UnixListener, ReplacesAStaleSocketAndLeavesALiveOneAlone) {
  const SocketDirectory directory;
  auto network = make_network();
  const Address at = Address::unix_path(directory.path("b2.sock"));
  {
    const UniqueFd crashed(::socket(AF_UNIX, SOCK_STREAM, 0));
    const SocketAddress address(at);
    ASSERT_EQ(::bind(crashed.get(), &address.base, address.size), 0);
    ASSERT_EQ(::listen(crashed.get(), 1), 0);
  }
  const auto listener = listen(*network, at);
  const Error error = listen_refusal(*network, at);
  EXPECT_EQ(error.code, Errc::busy);
  EXPECT_EQ(error.message, at.text() + ": another process is listening");
  EXPECT_TRUE(turn_until(*network, [&] { return connect_refusal(*network, at, 30s).message == "connected"; }));
}

TEST(UnixListener, KeepsItsHandsOffAFileThatIsNoSocket) {
  const SocketDirectory directory;
  auto network = make_network();
  const std::string path = directory.path("notes.txt");
  std::ofstream(path) << "precious";
  EXPECT_EQ(listen_refusal(*network, Address::unix_path(path)).code, Errc::exists);
  std::string content;
  std::ifstream(path) >> content;
  EXPECT_EQ(content, "precious");
  EXPECT_EQ(listen_refusal(*network, Address::unix_path(directory.path("none/s"))).code, Errc::not_found);
}

TEST(UnixListener, DoesNotRemoveTheFileOfWhoeverTookItsPlace) {
  const SocketDirectory directory;
  auto network = make_network();
  const std::string path = directory.path("b2.sock");
  auto first = listen(*network, Address::unix_path(path));
  ASSERT_EQ(::rename(path.c_str(), directory.path("old.sock").c_str()), 0);
  const auto second = listen(*network, Address::unix_path(path));
  first.reset();
  struct stat file;
  EXPECT_EQ(::stat(path.c_str(), &file), 0);
}

TEST(Listener, AUdpPortIsSharedWithTheProcessThatRelievesAndNobodyElse) {
  auto first = make_network({.listening = EpollOptions::Listening::to_be_relieved}), relieving = make_network({.listening = EpollOptions::Listening::relieving});
  auto alone = make_network();
  DatagramOptions options;
  options.local = *Address::parse("127.0.0.1:0");
  const auto socket = first->open_datagram(options);
  ASSERT_TRUE(socket) << socket.error().message;
  options.local = (*socket)->address();
  EXPECT_TRUE(relieving->open_datagram(options));
  EXPECT_EQ(alone->open_datagram(options).error().code, Errc::busy);
}

TEST(Listener, MayBeRelievedOnlyByOneThatSaysSo) {
  auto first = make_network({.listening = EpollOptions::Listening::to_be_relieved}), second = make_network({.listening = EpollOptions::Listening::to_be_relieved});
  auto relieving = make_network({.listening = EpollOptions::Listening::relieving});
  const auto listener = listen(*first, Address::loopback(0));
  EXPECT_EQ(listen_refusal(*second, listener->address()).code, Errc::busy);
  EXPECT_NE(listen(*relieving, listener->address()), nullptr);
}

TEST(Listener, GetsItsFileBackFromOneThatDidNotStay) {
  const SocketDirectory directory;
  const Address at = Address::unix_path(directory.path("s"));
  auto first = make_network(), relieving = make_network({.listening = EpollOptions::Listening::relieving});
  int taken_by_first = 0, taken_by_second = 0;
  auto listener = listen(*first, at, [&](auto) { ++taken_by_first; });
  auto second = listen(*relieving, at, [&](auto) { ++taken_by_second; });
  const auto connect = [&] {
    const auto attempt = first->connect(at, 30s, [](auto) {});
    const int before = taken_by_first + taken_by_second;
    EXPECT_TRUE(turn_until(*first, [&] {
      relieving->turn(relieving->now());
      first->wake_at(first->now() + 1ms, [](TimePoint) {});
      return taken_by_first + taken_by_second > before;
    }));
  };
  connect();
  EXPECT_EQ(taken_by_second, 1);
  second.reset();  // asks whether the first still listens
  connect();
  EXPECT_GE(taken_by_first, 1);
  EXPECT_EQ(taken_by_second, 1);
  second = listen(*relieving, at, [&](auto) { ++taken_by_second; });
  listener.reset();
  connect();
  EXPECT_EQ(taken_by_second, 2);
  second.reset();
  EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(directory.path("s")).parent_path())) << "neither leaves a file";
}

TEST(Listener, IsHandedOnToAnotherProcessWithWhatWaitsInIt) {
  const SocketDirectory directory;
  auto before = make_network(), after = make_network();
  int taken_before = 0, taken_after = 0;
  std::vector<Address> addresses = {Address::loopback(0), Address::unix_path(directory.path("s"))};
  std::vector<std::unique_ptr<Listener>> old, young;
  for (const Address& at : addresses) old.push_back(listen(*before, at, [&](auto) { ++taken_before; }));
  const auto heard_before = before->open_datagram({.local = Address::loopback(0), .share_with_own = true, .handed_on = true});
  ASSERT_TRUE(heard_before);
  std::vector<UniqueFd> given;
  for (const int fd : before->sockets_to_hand_on()) given.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  ASSERT_EQ(given.size(), 3u);
  ASSERT_TRUE(after->inherit(std::move(given)));
  for (const Address& at : addresses) young.push_back(listen(*after, at, [&](auto) { ++taken_after; }));
  const auto heard_after = after->open_datagram({.local = Address::loopback(0), .share_with_own = true, .handed_on = true});
  ASSERT_TRUE(heard_after);
  EXPECT_EQ((*heard_after)->address(), (*heard_before)->address());
  std::string heard;
  (*heard_after)->on_datagrams([&](std::span<const Datagram> batch) { heard += as_text(batch[0].bytes); });

  std::vector<std::unique_ptr<Connecting>> attempts;
  const auto connect = [&] {
    for (const auto& one : young) attempts.push_back(after->connect(one->address(), 30s, [](auto) {}));
    for (int i = 0; i < 20; ++i) after->turn(after->now() + 1ms);
  };
  connect();
  EXPECT_EQ(taken_after, 0) << "the one before has them";
  EXPECT_TRUE(turn_until(*before, [&] { return taken_before == 2; }));

  before->on_handed_on();
  old.clear();
  connect();
  const auto from = after->open_datagram({.local = Address::loopback(0)});
  const Datagram word{{}, (*heard_after)->address(), as_bytes("word")};
  (*from)->send({&word, 1});
  EXPECT_EQ(taken_after, 0);
  after->hear_inherited();
  EXPECT_TRUE(turn_until(*after, [&] { return taken_after == 2 && !heard.empty(); })) << "what came between waits";
  EXPECT_EQ(heard, "word");
  EXPECT_TRUE(std::filesystem::exists(directory.path("s")));
  young.clear();
  EXPECT_FALSE(std::filesystem::exists(directory.path("s")));
}

TEST(Connecting, SaysWhomItCouldNotReachAndWhy) {
  const SocketDirectory directory;
  auto network = make_network();
  Address free;
  { free = listen(*network, Address::loopback(0))->address(); }
  const Error refused = connect_refusal(*network, free, 30s);
  EXPECT_EQ(refused.message, "connect to " + free.text() + ": connection refused");
  EXPECT_EQ(refused.code, Errc::busy);
  const Address nobody = Address::unix_path(directory.path("nobody"));
  EXPECT_EQ(connect_refusal(*network, nobody, 30s).code, Errc::not_found);
  EXPECT_EQ(connect_refusal(*network, Address(), 30s).code, Errc::malformed);
}

TEST(Connecting, GivesUpAfterItsTimeout) {
  const SocketDirectory directory;
  auto network = make_network();
  for (const Address& at : {Address::loopback(0), Address::unix_path(directory.path("full"))}) {
    std::vector<UniqueFd> waiting;
    const UniqueFd listener = full_listener(at, waiting);
    const Address to = local_address(listener.get());
    const Error error = connect_refusal(*network, to, 30ms);
    EXPECT_EQ(error.code, Errc::timed_out);
    EXPECT_EQ(error.message, "connect to " + to.text() + ": no answer within 30 ms");
  }
}

TEST(Connecting, WaitsForRoomInTheBacklogOfAUnixSocket) {
  const SocketDirectory directory;
  auto network = make_network();
  std::vector<UniqueFd> waiting;
  const UniqueFd listener = full_listener(Address::unix_path(directory.path("full")), waiting);
  bool connected = false;
  const auto attempt = network->connect(local_address(listener.get()), Duration::max(),
                                        [&](auto stream) { connected = stream.has_value(); });
  network->turn(network->now() + 10ms);
  EXPECT_FALSE(connected);
  const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(turn_until(*network, [&] { return connected; }));
}

TEST(Connecting, CallsNobodyOnceItIsDestroyedAndMayBeDestroyedWhenItCalls) {
  auto network = make_network();
  const auto listener = listen(*network, Address::loopback(0));
  bool called = false;
  auto given_up = network->connect(listener->address(), 30s, [&](auto) { called = true; });
  given_up.reset();
  bool done = false;
  std::unique_ptr<Connecting> attempt;
  attempt = network->connect(listener->address(), 30s, [&](auto) {
    attempt.reset();
    done = true;
  });
  EXPECT_TRUE(turn_until(*network, [&] { return done; }));
  EXPECT_FALSE(called);
}

TEST(Connecting, CallsInALaterTurnAlsoWhenItIsMadeInACallback) {
  const SocketDirectory directory;
  auto network = make_network();
  const auto listener = listen(*network, Address::unix_path(directory.path("s")));  // connects without waiting
  std::string order;
  std::unique_ptr<Connecting> attempt;
  const UniqueFd event(::eventfd(1, EFD_CLOEXEC));
  std::unique_ptr<EpollNetwork::Watch> watch;
  watch = network->watch(event.get(), POLLIN, [&](short) {
    watch.reset();
    attempt = network->connect(listener->address(), 30s, [&](auto) { order += 'c'; });
    network->at_turn_end([&] { order += 'e'; });
  });
  EXPECT_TRUE(turn_until(*network, [&] { return order.size() == 2; }));
  EXPECT_EQ(order, "ec");
}

/// The descriptor of this process that is bound there, or -1.
int descriptor_at(const Address& local, const Address& remote) {
  for (int fd = 3; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 && local_address(fd) == local && remote_address(fd) == remote) return fd;
  }
  return -1;
}

/// TCP_RTO_MIN_US; 0 where the kernel does not know it.
int shortest_timeout(int fd) {
  int us = 0;
  socklen_t size = sizeof us;
  return ::getsockopt(fd, IPPROTO_TCP, 45, &us, &size) == 0 ? us : 0;
}

TEST(ListenSocket, BothEndsOfAConnectionResendSoonWhereThatIsAskedFor) {
  for (const bool soon : {false, true}) {
    const auto network = make_network({.resends_soon = soon});
    std::unique_ptr<ByteStream> accepted, connected;
    const auto listener = listen(*network, Address::loopback(0), [&](auto stream) { accepted = std::move(stream); });
    const auto attempt = network->connect(listener->address(), 5s, [&](auto stream) { connected = std::move(*stream); });
    ASSERT_TRUE(turn_until(*network, [&] { return accepted && connected; }));
    const int here = descriptor_at(connected->peer().local, connected->peer().remote), there = descriptor_at(accepted->peer().local, accepted->peer().remote);
    ASSERT_TRUE(here >= 0 && there >= 0);
    if (shortest_timeout(here) == 0) GTEST_SKIP() << "this kernel has a fixed shortest timeout";
    for (const int fd : {here, there}) EXPECT_EQ(shortest_timeout(fd) < 100'000, soon) << shortest_timeout(fd);
  }
}

}  // namespace ghost::net
