#pragma once
#include <sys/epoll.h>

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace ghost::b2::bench {

/// "what: No such file or directory", of errno.
Error raw_error(const char* what);

/// A listening or connected stream socket, nonblocking, for an IPv4 or Unix-socket address.
Result<UniqueFd> raw_listen(const net::Address& at);
Result<UniqueFd> raw_connect(const net::Address& to);
/// Where an IPv4 listener listens; `at` for others.
net::Address raw_address(int fd, const net::Address& at);
void set_no_delay(int fd);

/// Both directions of a raw connection.
class RawConnection {
 public:
  explicit RawConnection(UniqueFd fd) : fd_(std::move(fd)), in_(kBuffer) {}

  int fd() const { return fd_.get(); }

  /// Reads once and calls `message` with each that is whole. False when the peer is gone or breaks the rules.
  template <class OnMessage>
  bool receive(OnMessage message) {
    if (!read_some()) return false;
    std::size_t at = 0;
    while (filled_ - at >= kLength) {
      const std::size_t size = length_at(at);
      if (size > kBuffer - kLength) return false;
      if (filled_ - at - kLength < size) break;
      message(BytesView(in_.data() + at + kLength, size));
      at += kLength + size;
    }
    keep_from(at);
    return true;
  }

  /// Appends to what the next send() takes along.
  void append(BytesView message);
  /// Sends what is gathered, as far as the kernel takes it; false when the peer is gone.
  bool send();
  bool unsent() const { return sent_ < out_.size(); }

  /// Asks epoll to tell `key` of input always and of room while something is unsent, or always when `room` is wanted anyway.
  void watch(int epoll, void* key, bool room = false);

 private:
  static constexpr std::size_t kBuffer = 256 * 1024;
  static constexpr std::size_t kLength = 4;

  bool read_some();
  std::size_t length_at(std::size_t at) const;
  void keep_from(std::size_t at);

  UniqueFd fd_;
  Bytes in_;
  std::size_t filled_ = 0;
  Bytes out_;
  std::size_t sent_ = 0;
  std::uint32_t interest_ = 0;
};

}  // namespace ghost::b2::bench
