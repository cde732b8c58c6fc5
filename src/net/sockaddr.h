#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/address.h"

namespace ghost::net {

/// An Address as the kernel takes it, and back. For net/, and who asks the kernel for what a Network has no word for.
struct SocketAddress {
  union {
    sockaddr base;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
    sockaddr_un unix_path;
  };
  socklen_t size;

  /// Room for whatever the kernel writes.
  SocketAddress() : unix_path(), size(sizeof unix_path) {}
  /// A path longer than sun_path is cut off: check_usable() tells.
  explicit SocketAddress(const Address& address);

  Address address() const;
};

/// AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC for none.
int socket_family(const Address& address);

/// Whether the kernel can be given this address at all: malformed for none and for a Unix path that is too long.
Status check_usable(const Address& address);

/// The address a socket is bound to, or connected to; none when it has none.
Address local_address(int fd);
Address remote_address(int fd);

}  // namespace ghost::net
