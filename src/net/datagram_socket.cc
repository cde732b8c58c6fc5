#include "net/datagram_socket.h"

#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "net/sockaddr.h"

namespace ghost::net {

namespace {

constexpr std::size_t kLongestDatagram = 65'535;
constexpr std::size_t kPieces = 16;  ///< that are received at a time, where each may be many datagrams

/// Epoll knows the socket from the start, so that beginning to receive cannot fail; UDP has no urgent data.
constexpr std::uint32_t kSilent = EPOLLPRI;

/// "239.17.17.1 on eth0", with "from 10.0.0.1" for one source only.
std::string membership(const Address& group, std::uint32_t interface, const std::optional<Address>& source) {
  std::string text = group.host();
  if (source) text += " from " + source->host();
  if (interface == 0) return text + " on the interface routing chooses";
  char name[IF_NAMESIZE];
  return text + " on " + (if_indextoname(interface, name) != nullptr ? name : "interface " + std::to_string(interface));
}

template <class Value>
bool set_option(int fd, int level, int option, const Value& value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

void put_address(sockaddr_storage& storage, const Address& address) {
  const SocketAddress socket_address(address);
  std::memcpy(&storage, &socket_address.base, socket_address.size);
}

void wish_receive_buffer(int fd, std::size_t bytes) {
  const int wish = static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max() / 2));
  // The first goes beyond net.core.rmem_max and is for the privileged.
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, wish)) set_option(fd, SOL_SOCKET, SO_RCVBUF, wish);
}

}  // namespace

UdpSocket::UdpSocket(EventLoop& loop, UniqueFd fd, const DatagramOptions& options)
    : EventSource(loop, std::move(fd)),
      address_(options.local),
      longest_(std::clamp<std::size_t>(options.max_datagram, 1, kLongestDatagram)),
      stride_(options.coalesced ? kLongestDatagram : longest_) {
  const std::size_t batch = stride_ * (options.coalesced ? kPieces : DatagramBatch::kMost);
  if (batch > loop.read_buffer().size()) own_buffer_.resize(batch);
  handed_on_->fd = fd_.get();
}

std::unique_ptr<UdpSocket> UdpSocket::inherit(EventLoop& loop, UniqueFd fd, const DatagramOptions& options) {
  std::unique_ptr<UdpSocket> socket(new UdpSocket(loop, std::move(fd), options));
  socket->address_ = local_address(socket->fd_.get());
  socket->handed_on_->begin = [raw = socket.get()] { raw->loop_.watch(*raw, raw->handler_ ? EPOLLIN : kSilent); };
  return socket;
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(EventLoop& loop, const DatagramOptions& options) {
  const std::string where = options.local.text();
  if (!options.local.is_ip()) {
    return Error{Errc::malformed, "open a UDP socket on \"" + where + "\": datagrams need an IP address and a port"};
  }
  UniqueFd fd(::socket(socket_family(options.local), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("open a UDP socket on", where);
  std::unique_ptr<UdpSocket> socket(new UdpSocket(loop, std::move(fd), options));
  if (auto bound = socket->bind(options); !bound) return bound.error();
  if (const int error = loop.watch(*socket, kSilent)) return errno_error(error, "open a UDP socket on", where);
  return socket;
}

Status UdpSocket::bind(const DatagramOptions& options) {
  const int fd = fd_.get();
  if (options.share_port) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.share_with_own) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (is_ip6()) {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);  // only the groups joined here, whoever else joined others
  } else {
    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  }
  if (options.hops != 0) set_option(fd, is_ip6() ? IPPROTO_IPV6 : IPPROTO_IP, is_ip6() ? IPV6_UNICAST_HOPS : IP_TTL, options.hops);
  if (options.coalesced) set_option(fd, SOL_UDP, UDP_GRO, 1);  // a kernel that can't hands them over one by one
  if (options.receive_buffer != 0) wish_receive_buffer(fd, options.receive_buffer);
  const SocketAddress at(options.local);
  if (::bind(fd, &at.base, at.size) != 0) return errno_error("open a UDP socket on", options.local.text());
  address_ = local_address(fd);
  return {};
}

void UdpSocket::on_datagrams(Handler handler) {
  handler_ = handler ? std::make_shared<Handler>(std::move(handler)) : nullptr;
  if (!handed_on_->begin) loop_.watch(*this, handler_ ? EPOLLIN : kSilent);
}

void UdpSocket::on_events(std::uint32_t events) {
  if ((events & EPOLLERR) != 0) {  // an ICMP error of a datagram sent earlier; asking clears it
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (!handler_) return;
  const std::span<std::uint8_t> buffer = own_buffer_.empty() ? loop_.read_buffer() : std::span(own_buffer_);
  receiving_.receive(fd_.get(), buffer, stride_, longest_, address_, truncated_);
  const std::shared_ptr<Handler> handler = handler_;
  if (!receiving_.received().empty()) (*handler)(receiving_.received());
}

Status UdpSocket::join(const Address& group, std::uint32_t interface, const std::optional<Address>& source) {
  return set_membership(true, group, interface, source);
}

Status UdpSocket::leave(const Address& group, std::uint32_t interface, const std::optional<Address>& source) {
  return set_membership(false, group, interface, source);
}

Status UdpSocket::set_membership(bool member, const Address& group, std::uint32_t interface,
                                 const std::optional<Address>& source) {
  const std::string what = member ? "join" : "leave";
  const std::string subject = membership(group, interface, source);
  if (!group.is_multicast() || group.family() != address_.family() || (source && source->family() != group.family())) {
    return Error{Errc::malformed, what + " " + subject + ": expected a multicast group" +
                                      (source ? " and a source" : "") + (is_ip6() ? " of IPv6" : " of IPv4")};
  }
  const int level = is_ip6() ? IPPROTO_IPV6 : IPPROTO_IP;
  bool done = false;
  if (source) {
    group_source_req request{};
    request.gsr_interface = interface;
    put_address(request.gsr_group, group);
    put_address(request.gsr_source, *source);
    done = set_option(fd_.get(), level, member ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, request);
  } else {
    group_req request{};
    request.gr_interface = interface;
    put_address(request.gr_group, group);
    done = set_option(fd_.get(), level, member ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, request);
  }
  if (!done) return errno_error(what, subject);
  return {};
}

Status UdpSocket::set_multicast(std::uint32_t interface, int hops, bool loop) {
  const int index = static_cast<int>(interface);
  const int heard = loop ? 1 : 0;
  const int fd = fd_.get();
  bool done = false;
  if (is_ip6()) {
    done = set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index) &&
           set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops) &&
           set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, heard);
  } else {
    ip_mreqn way{};
    way.imr_ifindex = index;
    done = set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, way) && set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, hops) &&
           set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, heard);
  }
  if (!done) {
    return errno_error("send multicast with " + std::to_string(hops) + " hops by interface", std::to_string(interface));
  }
  return {};
}

std::size_t UdpSocket::receive_buffer() const {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size);
  return static_cast<std::size_t>(bytes) / 2;  // the kernel doubles it for its own bookkeeping (socket(7))
}

std::size_t UdpSocket::waiting() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> told{};
  socklen_t size = sizeof told;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, told.data(), &size);
  return told[SK_MEMINFO_RMEM_ALLOC];
}

}  // namespace ghost::net
