#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/connect_attempt.h"
#include "net/datagram_socket.h"
#include "net/epoll.h"
#include "net/event_loop.h"
#include "net/fd_watch.h"
#include "net/inherited_sockets.h"
#include "net/interfaces.h"
#include "net/listen_socket.h"
#include "net/sockaddr.h"
#include "net/stream_socket.h"

namespace ghost::net {

namespace {

bool has_several_cores() {
  cpu_set_t cores;
  return ::sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1;
}

/// Takes a descriptor of someone else's making: nonblocking, and not inherited by children.
Status make_ours(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return errno_error("take over", "descriptor " + std::to_string(fd));
  }
  return {};
}

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

class EpollNetworkImpl final : public EpollNetwork {
 public:
  EpollNetworkImpl(UniqueFd epoll, UniqueFd wake, UniqueFd timer, const SpinPolicy& spin)
      : loop_(std::move(epoll), std::move(wake), std::move(timer), spin) {}

  EpollOptions::Listening listening = EpollOptions::Listening::alone;
  TcpWishes wishes;

  TimePoint now() const override { return loop_.now(); }
  TimePoint precise_now() const override { return TimePoint::clock::now(); }
  Timer wake_at(TimePoint when, std::function<void(TimePoint)> ring) override {
    return loop_.wake_at(when, std::move(ring));
  }
  void post(std::function<void()> work) override { loop_.post(std::move(work)); }
  void at_turn_end(std::function<void()> work) override { loop_.at_turn_end(std::move(work)); }

  void run() override { loop_.run(); }
  void turn(TimePoint deadline) override { loop_.turn(deadline); }
  void stop() override { loop_.stop(); }

  Result<std::unique_ptr<Listener>> listen(const Address& at, OnAccept on_accept) override {
    if (auto fd = inherited_.take(at, SOCK_STREAM)) {
      wish(fd->get(), at, wishes);
      return known(ListenSocket::inherit(loop_, std::move(*fd), std::move(on_accept)));
    }
    auto socket = listen_at(loop_, at, std::move(on_accept), listening);
    if (!socket) return socket.error();
    wish((*socket)->handed_on().lock()->fd, at, wishes);
    return known(std::move(*socket));
  }
  std::unique_ptr<Connecting> connect(const Address& to, Duration timeout, OnConnect done) override {
    return std::make_unique<ConnectAttempt>(loop_, to, timeout, wishes, std::move(done));
  }
  Result<std::unique_ptr<DatagramSocket>> open_datagram(const DatagramOptions& options) override {
    if (options.handed_on) {
      if (auto fd = inherited_.take(options.local, SOCK_DGRAM)) return known(UdpSocket::inherit(loop_, std::move(*fd), options));
    }
    DatagramOptions wished = options;
    // Beside the process that this one relieves, or that relieves it.
    if (listening != EpollOptions::Listening::alone && !options.share_port) wished.share_with_own = true;
    auto socket = UdpSocket::open(loop_, wished);
    if (!socket) return socket.error();
    if (!options.handed_on) return std::unique_ptr<DatagramSocket>(std::move(*socket));
    return known(std::move(*socket));
  }
  Result<std::vector<NetworkInterface>> interfaces() override { return list_interfaces(); }

  std::unique_ptr<Watch> watch(int fd, short events, std::function<void(short)> ready) override {
    return std::make_unique<FdWatch>(loop_, fd, events, std::move(ready));
  }
  Result<std::unique_ptr<ByteStream>> adopt_stream(UniqueFd fd) override;
  Result<std::unique_ptr<Listener>> adopt_listener(UniqueFd fd, OnAccept on_accept) override;

  Status inherit(std::vector<UniqueFd> sockets) override;
  void hear_inherited() override;
  std::vector<int> sockets_to_hand_on() const override;
  void on_handed_on() override {
    for_known([](HandedOn& socket) { socket.given = true; });
  }

 private:
  /// Remembers a socket that may be handed on.
  template <class Socket>
  std::unique_ptr<Socket> known(std::unique_ptr<Socket> socket) {
    std::erase_if(known_, [](const auto& one) { return one.expired(); });
    known_.push_back(socket->handed_on());
    return socket;
  }
  template <class Use>
  void for_known(Use use) const {
    for (const auto& one : known_) {
      if (const auto socket = one.lock()) use(*socket);
    }
  }

  EventLoop loop_;
  InheritedSockets inherited_;
  std::vector<std::weak_ptr<HandedOn>> known_;
};

Status EpollNetworkImpl::inherit(std::vector<UniqueFd> sockets) {
  for (UniqueFd& socket : sockets) {
    if (const Status added = inherited_.add(std::move(socket)); !added) return added;
  }
  return {};
}

void EpollNetworkImpl::hear_inherited() {
  inherited_.clear();
  for_known([](HandedOn& socket) {
    if (const auto begin = std::exchange(socket.begin, nullptr)) begin();
  });
}

std::vector<int> EpollNetworkImpl::sockets_to_hand_on() const {
  std::vector<int> all;
  for_known([&](const HandedOn& socket) { all.push_back(socket.fd); });
  return all;
}

Result<std::unique_ptr<ByteStream>> EpollNetworkImpl::adopt_stream(UniqueFd fd) {
  if (auto ours = make_ours(fd.get()); !ours) return ours.error();
  if (socket_option(fd.get(), SO_TYPE) != SOCK_STREAM || socket_option(fd.get(), SO_ACCEPTCONN) != 0) {
    return Error{Errc::malformed,
                 "take over descriptor " + std::to_string(fd.get()) + ": it is no connected stream socket"};
  }
  Peer peer = peer_of(fd.get());
  if (peer.remote.family() == Address::Family::none) {
    return Error{Errc::malformed, "take over descriptor " + std::to_string(fd.get()) + ": the socket is not connected"};
  }
  return std::make_unique<StreamSocket>(loop_, std::move(fd), std::move(peer));
}

Result<std::unique_ptr<Listener>> EpollNetworkImpl::adopt_listener(UniqueFd fd, OnAccept on_accept) {
  if (auto ours = make_ours(fd.get()); !ours) return ours.error();
  if (socket_option(fd.get(), SO_TYPE) != SOCK_STREAM || socket_option(fd.get(), SO_ACCEPTCONN) != 1) {
    return Error{Errc::malformed,
                 "take over descriptor " + std::to_string(fd.get()) + ": it is no listening stream socket"};
  }
  auto socket = ListenSocket::create(loop_, std::move(fd), {}, std::move(on_accept));
  if (!socket) return socket.error();
  return std::unique_ptr<Listener>(std::move(*socket));
}

}  // namespace

Result<std::unique_ptr<EpollNetwork>> EpollNetwork::create(const EpollOptions& options) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return errno_error("create", "an epoll descriptor");
  UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) return errno_error("create", "an eventfd");
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer) return errno_error("create", "a timerfd");
  const Duration spin = has_several_cores() ? options.spin : Duration::zero();
  auto network = std::make_unique<EpollNetworkImpl>(std::move(epoll), std::move(wake), std::move(timer), SpinPolicy(spin, options.spin_share));
  network->listening = options.listening;
  network->wishes = {options.resends_soon, options.small_segments};
  return Result<std::unique_ptr<EpollNetwork>>(std::move(network));
}

}  // namespace ghost::net
