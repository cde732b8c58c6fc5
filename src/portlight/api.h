#pragma once
// What others may know of this system: its b2 services, and who holds a port.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "portlight/v1/ports.b2.h"

namespace ghost::portlight {

/// Who listens on a port of this machine, in this network namespace: "ghostlight (pid 812), of user you". For messages of a program
/// that finds its port busy; takes some milliseconds.
/// @param transport  "tcp" or "udp"
/// @return           not_found when nobody does; the holder, or that it is not visible to us
Result<std::string> holder_of(std::string_view transport, std::uint16_t port);

}  // namespace ghost::portlight
