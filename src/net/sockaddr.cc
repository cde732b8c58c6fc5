#include "net/sockaddr.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace ghost::net {

SocketAddress::SocketAddress(const Address& address) : unix_path(), size(0) {
  base.sa_family = static_cast<sa_family_t>(socket_family(address));
  switch (address.family()) {
    case Address::Family::none:
      break;
    case Address::Family::ip4:
      ip4.sin_port = htons(address.port());
      std::memcpy(&ip4.sin_addr, address.ip().data(), 4);
      size = sizeof ip4;
      break;
    case Address::Family::ip6:
      ip6.sin6_port = htons(address.port());
      std::memcpy(&ip6.sin6_addr, address.ip().data(), 16);
      ip6.sin6_scope_id = address.scope();
      size = sizeof ip6;
      break;
    case Address::Family::unix_path: {
      const std::size_t length = std::min(address.path().size(), sizeof unix_path.sun_path - 1);
      std::memcpy(unix_path.sun_path, address.path().data(), length);
      size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
      break;
    }
  }
}

Address SocketAddress::address() const {
  if (size < sizeof(sa_family_t)) return {};
  if (base.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &ip4.sin_addr, bytes.size());
    return Address::ip4(bytes, ntohs(ip4.sin_port));
  }
  if (base.sa_family == AF_INET6) {
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &ip6.sin6_addr, bytes.size());
    return Address::ip6(bytes, ntohs(ip6.sin6_port), ip6.sin6_scope_id);
  }
  if (base.sa_family == AF_UNIX) {
    const std::size_t length = std::min<std::size_t>(size, sizeof unix_path) - offsetof(sockaddr_un, sun_path);
    return Address::unix_path(std::string(unix_path.sun_path, ::strnlen(unix_path.sun_path, length)));
  }
  return {};
}

int socket_family(const Address& address) {
  switch (address.family()) {
    case Address::Family::none:
      return AF_UNSPEC;
    case Address::Family::ip4:
      return AF_INET;
    case Address::Family::ip6:
      return AF_INET6;
    case Address::Family::unix_path:
      return AF_UNIX;
  }
  return AF_UNSPEC;
}

Status check_usable(const Address& address) {
  if (address.family() == Address::Family::none) return Error{Errc::malformed, "no address was given"};
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (address.family() == Address::Family::unix_path && (address.path().empty() || address.path().size() > longest)) {
    return Error{Errc::malformed,
                 address.text() + ": the path of a Unix socket has 1 to " + std::to_string(longest) + " bytes"};
  }
  return {};
}

Address local_address(int fd) {
  SocketAddress at;
  return ::getsockname(fd, &at.base, &at.size) == 0 ? at.address() : Address();
}

Address remote_address(int fd) {
  SocketAddress at;
  return ::getpeername(fd, &at.base, &at.size) == 0 ? at.address() : Address();
}

}  // namespace ghost::net
