#include "net/listen_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/sockaddr.h"
#include "net/stream_socket.h"

namespace ghost::net {

namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr auto kPause = std::chrono::milliseconds(100);

/// Out of descriptors or memory: the connection stays in the backlog, and epoll would report it over and over.
bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Result<UniqueFd> bind_tcp(const Address& at, bool shared) {
  UniqueFd fd(::socket(socket_family(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("listen on", at.text());
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (at.family() == Address::Family::ip6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const SocketAddress address(at);
  if (::bind(fd.get(), &address.base, address.size) != 0) return errno_error("listen on", at.text());
  return fd;
}

Result<UniqueFd> listen_tcp(const Address& at, EpollOptions::Listening how) {
  // Whoever will share the port later must not share it with a stranger's process by accident: it is tried alone first.
  if (how == EpollOptions::Listening::to_be_relieved && at.port() != 0) {
    if (auto free = bind_tcp(at, false); !free) return free.error();
  }
  auto fd = bind_tcp(at, how != EpollOptions::Listening::alone);
  if (!fd) return fd;
  if (::listen(fd->get(), SOMAXCONN) != 0) return errno_error("listen on", at.text());
  return fd;
}

}  // namespace

ListenSocket::ListenSocket(EventLoop& loop, UniqueFd fd, SocketFile file, OnAccept on_accept)
    : EventSource(loop, std::move(fd)),
      address_(local_address(fd_.get())),
      file_(std::move(file)),
      on_accept_(std::make_shared<OnAccept>(std::move(on_accept))) {
  handed_on_->fd = fd_.get();
}

ListenSocket::~ListenSocket() {
  if (handed_on_->given) file_.leave();
}

std::unique_ptr<ListenSocket> ListenSocket::inherit(EventLoop& loop, UniqueFd fd, OnAccept on_accept) {
  const Address address = local_address(fd.get());
  SocketFile file = address.is_ip() ? SocketFile() : SocketFile(address.path());
  std::unique_ptr<ListenSocket> socket(new ListenSocket(loop, std::move(fd), std::move(file), std::move(on_accept)));
  socket->handed_on_->given = true;  // as long as the process before may go on with it
  socket->handed_on_->begin = [raw = socket.get()] {
    raw->handed_on_->given = false;
    if (raw->loop_.watch(*raw, EPOLLIN) != 0) raw->pause();
  };
  return socket;
}

Result<std::unique_ptr<ListenSocket>> ListenSocket::create(EventLoop& loop, UniqueFd fd, SocketFile file, OnAccept on_accept) {
  std::unique_ptr<ListenSocket> socket(new ListenSocket(loop, std::move(fd), std::move(file), std::move(on_accept)));
  if (const int error = loop.watch(*socket, EPOLLIN)) return errno_error(error, "listen on", socket->address_.text());
  return socket;
}

void ListenSocket::on_events(std::uint32_t) {
  EventLoop& loop = loop_;
  const std::shared_ptr<OnAccept> on_accept = on_accept_;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (out_of_resources(errno)) return pause();
      if (errno == EAGAIN) return;
      continue;  // that connection failed before it was taken (accept(2)); the next may be well
    }
    Peer peer = peer_of(fd.get());
    if (peer.remote.family() == Address::Family::none) continue;  // reset while it waited
    (*on_accept)(std::make_unique<StreamSocket>(loop, std::move(fd), std::move(peer)));
    if (!loop.is_current(this)) return;
  }
}

void ListenSocket::pause() {
  loop_.watch(*this, 0);
  resume_ = loop_.wake_at(loop_.now() + kPause, [this](TimePoint) {
    if (loop_.watch(*this, EPOLLIN) != 0) pause();
  });
}

Result<std::unique_ptr<ListenSocket>> listen_at(EventLoop& loop, const Address& at, OnAccept on_accept, EpollOptions::Listening how) {
  if (at.family() == Address::Family::unix_path) {
    auto socket = listen_unix(at.path(), how == EpollOptions::Listening::relieving);
    if (!socket) return socket.error();
    return ListenSocket::create(loop, std::move(socket->fd), std::move(socket->file), std::move(on_accept));
  }
  if (auto usable = check_usable(at); !usable) return usable.error().in("listen");
  auto fd = listen_tcp(at, how);
  if (!fd) return fd.error();
  return ListenSocket::create(loop, std::move(*fd), {}, std::move(on_accept));
}

}  // namespace ghost::net
