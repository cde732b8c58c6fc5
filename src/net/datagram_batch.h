#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <span>

#include "net/network.h"
#include "net/sockaddr.h"

namespace ghost::net {

/// What recvmmsg(2) and sendmmsg(2) take: up to 64 datagrams with their addresses and interfaces.
class DatagramBatch {
 public:
  static constexpr std::size_t kMost = 64;

  /// Receives what is there, each into `stride` bytes of `buffer`; fewer than 64 when the buffer is smaller. Datagrams
  /// that were longer are left out and counted in `truncated`. The views are valid until the next call.
  /// @param local  where the socket is bound: its port stands in each `to`
  /// @return how many there were, -1 with errno
  int receive(int fd, std::span<std::uint8_t> buffer, std::size_t stride, const Address& local,
              std::uint64_t& truncated);
  std::span<const Datagram> received() const { return {datagrams_.data(), received_}; }

  /// Sends all of `batch`, however many; a datagram that cannot be sent is skipped, and nothing follows a full socket
  /// buffer.
  /// @return how many the kernel took
  std::size_t send(int fd, std::span<const Datagram> batch);

 private:
  using Control = std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))>;

  void prepare_receive(std::size_t count, std::uint8_t* at, std::size_t stride);
  void prepare_send(std::size_t slot, const Datagram& datagram);

  std::array<mmsghdr, kMost> messages_{};
  std::array<iovec, kMost> pieces_{};
  std::array<SocketAddress, kMost> addresses_{};
  alignas(cmsghdr) std::array<Control, kMost> controls_{};
  std::array<Datagram, kMost> datagrams_{};
  std::size_t received_ = 0;
};

}  // namespace ghost::net
