#pragma once
#include "b2/endpoint.h"

namespace ghost::b2 {

/// What a host and its child hold each other to (docs/spec/b2.md §11). Their one connection carries the calls of all who call through the host, so that
/// what is meant for one stranger does not fit; and the host's watchdog takes the place of the channel's own.
inline ChannelLimits hosting_limits() {
  ChannelLimits limits;
  limits.streams = 16 * 1024;
  limits.connection_window = 1024 * 1024;
  limits.control_burst = 1e6;
  limits.control_rate = 1e5;
  limits.hello_timeout = limits.ping_after = std::chrono::hours(24);
  limits.keep_alive = Duration::zero();
  return limits;
}

}  // namespace ghost::b2
