#include "net/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

#include "net/sockaddr.h"

namespace ghost::net {

Status InheritedSockets::add(UniqueFd fd) {
  const std::string what = "take over descriptor " + std::to_string(fd.get());
  const auto option = [&](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  const int type = option(SO_TYPE);
  const bool listens = type == SOCK_STREAM && option(SO_ACCEPTCONN) == 1;
  if (!listens && type != SOCK_DGRAM) return Error{Errc::malformed, what + ": it is neither a listening socket nor one for datagrams"};
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) return errno_error("", what);
  Address address = local_address(fd.get());
  sockets_.push_back({std::move(fd), std::move(address), type});
  return {};
}

std::optional<UniqueFd> InheritedSockets::take(const Address& address, int type) {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(), [&](const Socket& one) {
    if (one.type != type || one.address.family() != address.family()) return false;
    if (!address.is_ip()) return one.address.path() == address.path();
    return one.address.ip() == address.ip() && (address.port() == 0 || address.port() == one.address.port());
  });
  if (found == sockets_.end()) return std::nullopt;
  UniqueFd fd = std::move(found->fd);
  sockets_.erase(found);
  return fd;
}

}  // namespace ghost::net
