#pragma once
#include <string>

#include "ardus/doctor.h"
#include "base/time.h"

namespace ghost::ardus {

struct DoctorWish {
  std::string interface;             ///< by name; "": the one ARDUS would take
  std::string to;                    ///< IPv4 address of another machine; ""
  Duration listen = std::chrono::seconds(2);  ///< for announcements
};

/// Looks at this machine's network as ARDUS would use it: joins its groups, sends each a datagram that goes no further than this machine,
/// and listens. Ports' holders, the firewall and the other machine's word are not in it. Takes as long as it listens, on the caller's thread.
DoctorFacts look_at_network(const DoctorWish& wish);

}  // namespace ghost::ardus
