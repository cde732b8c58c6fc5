#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <span>
#include <vector>

#include "net/network.h"
#include "net/sockaddr.h"

namespace ghost::net {

/// What recvmmsg(2) and sendmmsg(2) take: up to 64 datagrams with their addresses and interfaces.
class DatagramBatch {
 public:
  static constexpr std::size_t kMost = 64;

  /// Receives what is there, each into `stride` bytes of `buffer`; fewer than 64 when the buffer is smaller. What came in
  /// one piece (UDP_GRO) is parted again. Datagrams that were longer than `longest` are left out and counted in
  /// `truncated`. The views are valid until the next call.
  /// @param local  where the socket is bound: its port stands in each `to`
  /// @return how many pieces there were, -1 with errno
  int receive(int fd, std::span<std::uint8_t> buffer, std::size_t stride, std::size_t longest, const Address& local,
              std::uint64_t& truncated);
  std::span<const Datagram> received() const { return datagrams_; }

  struct Sent {
    std::size_t taken = 0;   ///< by the kernel
    std::size_t passed = 0;  ///< of the first: taken or skipped; from there on there was no room
  };
  /// Sends all of `batch`, however many; a datagram that cannot be sent is skipped, and nothing follows a full socket
  /// buffer. Runs of equal length that go the same way are handed over in one piece each, where the kernel can cut it up
  /// again (UDP_SEGMENT, udp(7)).
  Sent send(int fd, std::span<const Datagram> batch);

 private:
  using Control = std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))>;

  void prepare_receive(std::size_t count, std::uint8_t* at, std::size_t stride);
  std::size_t run_length(std::span<const Datagram> batch) const;
  void prepare_send(std::size_t slot, std::size_t piece, std::span<const Datagram> run);
  bool stop_segmenting(int error, std::size_t run);

  std::array<mmsghdr, kMost> messages_{};
  std::array<iovec, kMost> pieces_{};
  std::array<SocketAddress, kMost> addresses_{};
  alignas(cmsghdr) std::array<Control, kMost> controls_{};
  std::vector<Datagram> datagrams_;        ///< received
  std::array<std::size_t, kMost> runs_{};  ///< datagrams of each message that is sent
  bool segmenting_ = true;                 ///< until the kernel refuses it
};

}  // namespace ghost::net
