#pragma once
#include "net/address.h"

namespace ghost::net {

/// Address::parse(), and a host name looked up by the system (hosts file, mDNS, DNS) where that is none: its first address. Blocks
/// for as long as the resolver takes, so it is for commands, not for the reactor's thread.
/// Errors: malformed, as parse() has them; not_found when the name has no address.
Result<Address> resolve(std::string_view text, std::uint16_t default_port = 0);

}  // namespace ghost::net
