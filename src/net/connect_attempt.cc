#include "net/connect_attempt.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/sockaddr.h"
#include "net/socket_text.h"
#include "net/stream_socket.h"

namespace ghost::net {

namespace {

/// A Unix listener's backlog is full: the kernel has no event for when it is not.
constexpr auto kRetry = std::chrono::milliseconds(5);

Error cannot_connect(int error, const Address& to) {
  return errno_error(error, "connect to", to.text());
}

/// TCP to a free local port may happen to choose that port for itself, and then talk to itself.
bool is_connected_to_itself(const Peer& peer) {
  return peer.remote.is_ip() && peer.remote == peer.local;
}

}  // namespace

ConnectAttempt::ConnectAttempt(EventLoop& loop, const Address& to, Duration timeout, const TcpWishes& wishes, OnConnect done)
    : EventSource(loop, UniqueFd(::socket(socket_family(to), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))),
      to_(to),
      done_(std::move(done)) {
  if (auto usable = check_usable(to); !usable) {
    failure_ = usable.error().in("connect");
  } else if (!fd_) {
    failure_ = cannot_connect(errno, to);
  }
  if (failure_) {
    loop_.plan_later(*this);
    return;
  }
  wish(fd_.get(), to, wishes);
  timeout_ = loop.wake_at(loop.from_now(timeout), [this, timeout](TimePoint) {
    finish(Error{Errc::timed_out, "connect to " + to_.text() + ": no answer within " + in_words(timeout)});
  });
  start();
}

void ConnectAttempt::start() {
  const SocketAddress at(to_);
  const int error = ::connect(fd_.get(), &at.base, at.size) == 0 ? 0 : errno;
  if (error == EAGAIN && to_.family() == Address::Family::unix_path) {
    retry_ = loop_.wake_at(loop_.now() + kRetry, [this](TimePoint) { start(); });
  } else if (error == EINPROGRESS) {
    if (const int unwatched = loop_.watch(*this, EPOLLOUT)) settle(unwatched);
  } else {
    settle(error);
  }
}

void ConnectAttempt::settle(int error) {
  if (error != 0) failure_ = cannot_connect(error, to_);
  loop_.plan_later(*this);
}

void ConnectAttempt::on_events(std::uint32_t) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) failure_ = cannot_connect(error, to_);
  on_later();
}

void ConnectAttempt::on_later() {
  if (failure_) return finish(*failure_);
  Peer peer = peer_of(fd_.get());
  if (is_connected_to_itself(peer)) return finish(cannot_connect(ECONNREFUSED, to_));
  peer.remote = to_;
  loop_.forget(*this);
  finish(std::make_unique<StreamSocket>(loop_, std::move(fd_), std::move(peer)));
}

void ConnectAttempt::finish(Result<std::unique_ptr<ByteStream>> result) {
  loop_.forget(*this);
  fd_.reset();
  timeout_.reset();
  retry_.reset();
  const OnConnect done = std::move(done_);
  done(std::move(result));
}

}  // namespace ghost::net
