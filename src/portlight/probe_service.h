#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "portlight/recognise.h"
#include "portlight/socket_table.h"

namespace ghost::portlight {

/// What was found out by talking to a listener.
struct Hearing {
  std::optional<Recognition> found;
  std::vector<std::string> evidence;  ///< each step, for a person
  bool heard_something = false;       ///< bytes came, also when nobody knows them
  bool connected = false;
};

/// Listens for a greeting (at most 250 ms), then asks the probes in order until one is answered by something known. One connection at
/// a time; at most 3 s in all. Blocks its thread, in whatever network namespace that is.
Hearing listen_and_ask(const Socket& socket, const std::vector<const Probe*>& probes);

/// The same for a datagram socket: each probe once, 300 ms for an answer.
Hearing ask_by_datagram(const Socket& socket, const std::vector<const Probe*>& probes);

}  // namespace ghost::portlight
