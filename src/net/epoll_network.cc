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
    return listen_at(loop_, at, std::move(on_accept), listening);
  }
  std::unique_ptr<Connecting> connect(const Address& to, Duration timeout, OnConnect done) override {
    return std::make_unique<ConnectAttempt>(loop_, to, timeout, std::move(done));
  }
  Result<std::unique_ptr<DatagramSocket>> open_datagram(const DatagramOptions& options) override {
    return UdpSocket::open(loop_, options);
  }
  Result<std::vector<NetworkInterface>> interfaces() override { return list_interfaces(); }

  std::unique_ptr<Watch> watch(int fd, short events, std::function<void(short)> ready) override {
    return std::make_unique<FdWatch>(loop_, fd, events, std::move(ready));
  }
  Result<std::unique_ptr<ByteStream>> adopt_stream(UniqueFd fd) override;
  Result<std::unique_ptr<Listener>> adopt_listener(UniqueFd fd, OnAccept on_accept) override;

 private:
  EventLoop loop_;
};

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
  return ListenSocket::create(loop_, std::move(fd), {}, std::move(on_accept));
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
  return Result<std::unique_ptr<EpollNetwork>>(std::move(network));
}

}  // namespace ghost::net
