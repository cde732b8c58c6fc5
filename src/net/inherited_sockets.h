#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace ghost::net {

/// Sockets of another process's making that wait to be asked for by their address. Private to net/.
class InheritedSockets {
 public:
  /// Errors: malformed for one that neither listens nor is bound for datagrams.
  Status add(UniqueFd fd);
  /// The one bound to `address`, or with port 0 to any port of its host. @param type  SOCK_STREAM or SOCK_DGRAM
  std::optional<UniqueFd> take(const Address& address, int type);
  void clear() { sockets_.clear(); }

 private:
  struct Socket {
    UniqueFd fd;
    Address address;
    int type;
  };
  std::vector<Socket> sockets_;
};

/// What a network knows of one of its sockets that the process which takes over from this one is to have. Private to net/.
struct HandedOn {
  int fd = -1;
  bool given = false;           ///< the other process has it: the file of a Unix socket stays
  std::function<void()> begin;  ///< for one that was inherited: nothing is heard by it before
};

}  // namespace ghost::net
