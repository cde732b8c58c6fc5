#include "raw_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace ghost::b2::bench {

namespace {

/// A sockaddr of either family.
struct Name {
  union {
    sockaddr any;
    sockaddr_in ip;
    sockaddr_un path;
  };
  socklen_t size = 0;

  explicit Name(const net::Address& address) : path{} {
    if (address.is_ip()) {
      ip = {};
      ip.sin_family = AF_INET;
      ip.sin_port = htons(address.port());
      std::memcpy(&ip.sin_addr, address.ip().data(), 4);
      size = sizeof ip;
    } else {
      path.sun_family = AF_UNIX;
      address.path().copy(path.sun_path, sizeof path.sun_path - 1);
      size = sizeof path;
    }
  }
};

}  // namespace

Error raw_error(const char* what) { return {Errc::io, std::string("raw echo: ") + what + ": " + std::strerror(errno)}; }

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Unix sockets refuse it and need it not
}

Result<UniqueFd> raw_listen(const net::Address& at) {
  const Name name(at);
  UniqueFd fd(::socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return raw_error("socket");
  if (::bind(fd.get(), &name.any, name.size) != 0) return raw_error("bind");
  if (::listen(fd.get(), 128) != 0) return raw_error("listen");
  return fd;
}

Result<UniqueFd> raw_connect(const net::Address& to) {
  const Name name(to);
  UniqueFd fd(::socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return raw_error("socket");
  if (::connect(fd.get(), &name.any, name.size) != 0) return raw_error("connect");
  int on = 1;
  if (::ioctl(fd.get(), FIONBIO, &on) != 0) return raw_error("make nonblocking");
  set_no_delay(fd.get());
  return fd;
}

net::Address raw_address(int fd, const net::Address& at) {
  if (!at.is_ip()) return at;
  sockaddr_in ip{};
  socklen_t size = sizeof ip;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&ip), &size);
  return at.with_port(ntohs(ip.sin_port));
}

bool RawConnection::read_some() {
  const ssize_t count = ::recv(fd_.get(), in_.data() + filled_, in_.size() - filled_, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  filled_ += static_cast<std::size_t>(count);
  return count > 0;
}

std::size_t RawConnection::length_at(std::size_t at) const {
  std::uint32_t size;
  std::memcpy(&size, in_.data() + at, kLength);  // little-endian, as the machines this is for
  return size;
}

void RawConnection::keep_from(std::size_t at) {
  filled_ -= at;
  if (filled_ != 0 && at != 0) std::memmove(in_.data(), in_.data() + at, filled_);
}

void RawConnection::append(BytesView message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  const std::size_t at = out_.size();
  out_.resize(at + kLength + size);
  std::memcpy(out_.data() + at, &size, kLength);
  if (size != 0) std::memcpy(out_.data() + at + kLength, message.data(), size);
}

bool RawConnection::send() {
  while (sent_ < out_.size()) {
    const ssize_t count = ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count >= 0) {
      sent_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  out_.clear();
  sent_ = 0;
  return true;
}

void RawConnection::watch(int epoll, void* key, bool room) {
  const std::uint32_t interest = EPOLLIN | (room || unsent() ? EPOLLOUT : 0u);
  if (interest == interest_) return;
  epoll_event event{};
  event.events = interest;
  event.data.ptr = key;
  ::epoll_ctl(epoll, interest_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd_.get(), &event);
  interest_ = interest;
}

}  // namespace ghost::b2::bench
