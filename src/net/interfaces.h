#pragma once
#include <vector>

#include "net/network.h"

namespace ghost::net {

/// The network interfaces of this machine, by index.
Result<std::vector<NetworkInterface>> list_interfaces();

}  // namespace ghost::net
