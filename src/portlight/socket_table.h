#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "portlight/registry.h"

namespace ghost::portlight {

/// A socket that waits for strangers: TCP that listens, UDP bound and not connected. As the kernel's sock_diag tells it.
struct Socket {
  Transport transport = Transport::tcp;
  bool ip6 = false;
  std::array<std::uint8_t, 16> ip{};  ///< the first 4 bytes for IPv4
  std::uint16_t port = 0;
  std::uint32_t interface = 0;        ///< index it is bound to; 0 for any
  std::uint32_t user = 0;             ///< of the process that made it
  std::uint64_t inode = 0;            ///< 0 for one the kernel keeps for itself
  std::uint64_t cgroup = 0;           ///< cgroup v2 id of where it was made; 0 where the kernel does not tell
  std::uint64_t netns = 0;            ///< inode of its network namespace
  bool only_ip6 = false;

  bool is_any() const;
  bool is_loopback() const;
};

/// "127.0.0.1", "::1", "0.0.0.0" (RFC 5952).
std::string ip_text(const Socket& socket);
/// "127.0.0.1:2203", "[::1]:2203".
std::string address_text(const Socket& socket);

/// Asks sock_diag for the listeners of one transport and family (docs/spec/portlight.md §3). tcp and udp only.
Bytes dump_request(Transport transport, bool ip6);

enum class Dump : std::uint8_t { more, done };
/// Adds the sockets of one datagram of the answer to `out`; done with its last. Malformed, or the kernel's error.
Result<Dump> read_dump(BytesView datagram, Transport transport, std::vector<Socket>& out);

}  // namespace ghost::portlight
