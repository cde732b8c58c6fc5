#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "portlight/socket_table.h"

namespace ghost::portlight {

/// From where a listener can be reached, as far as addresses and the packet filter tell.
enum class Exposure : std::uint8_t {
  loopback,   ///< this machine only
  lan,        ///< one address of it, or a group
  any,        ///< all its addresses
  published,  ///< through an address translation (DNAT), whatever it is bound to
  blocked     ///< bound to more, but the packet filter lets nothing in
};
std::string_view name(Exposure exposure);

/// What of an nftables ruleset concerns listeners.
struct Firewall {
  struct Translation {
    Transport transport;
    std::uint16_t port;     ///< that is asked for
    std::string to_ip;      ///< "" for a redirect to this machine
    std::uint16_t to_port;
  };
  std::vector<Translation> translations;
  bool drops_input = false;                    ///< the input hook's policy is drop
  bool accepts_widely = false;                 ///< an accept whose conditions are not ports alone: nothing is called blocked then
  std::vector<std::pair<std::uint16_t, std::uint16_t>> accepted;  ///< ranges of ports let in, of any transport
};
/// From `nft -j list ruleset`; malformed when it is no such JSON. What it doesn't understand it takes for permission.
Result<Firewall> parse_nft(std::string_view json);

Exposure exposure_of(const Socket& socket, const Firewall& firewall);

}  // namespace ghost::portlight
