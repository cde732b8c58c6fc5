#pragma once
#include <string>

#include "net/epoll.h"

namespace ghost::b2::spec_peer {

/// Connects to `b2spec client` at `address` and does what Drill/Next says until there is no more; how the program ends.
int connect(net::EpollNetwork& network, const std::string& address);

}  // namespace ghost::b2::spec_peer
