#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "portlight/identity.h"
#include "portlight/registry.h"

namespace ghost::portlight {

/// What some bytes of a listener say it speaks.
struct Recognition {
  std::string protocol;       ///< "ssh", "http", "tls" (a TLS record came), "b2"
  std::string product, version;
  double confidence = 0;      ///< below 0.7 something better is worth a try
  std::string said;           ///< what was heard, printable and short
  std::string follow;         ///< a probe that would tell more, "" for none
};

/// The first well-formed question of a protocol.
struct Probe {
  std::string_view name;      ///< "http"; what is heard after it is judged with this in mind
  Transport transport;
  Bytes (*request)();
  bool text = true;           ///< safe to say to a protocol of lines
  Level level = Level::safe;  ///< the lowest that sends it unasked; one that owner or registry suggest is sent at `owner`
};

/// Every probe, in the order they are tried.
std::span<const Probe> probes();
const Probe* find_probe(std::string_view name, Transport transport);

/// Judges what a listener said, of its own accord (`after` empty) or to a probe. Any bytes may come; at most 4 KB are looked at.
std::optional<Recognition> recognise(Transport transport, std::string_view after, BytesView heard);

/// The protocol a program is known to speak, by its process name or its executable's: "redis-server" → "redis"; "" for others.
std::string_view protocol_of_program(std::string_view program);
/// The protocol of a registered name: "domain" → "dns", "https" → "https"; "" when we know no probe for it.
std::string_view protocol_of_service(std::string_view service);

/// What is asked, best guess first: at most three questions, or all at Level::all. Never to a printer's raw port or a debugger.
std::vector<const Probe*> plan(Transport transport, std::uint16_t port, std::string_view owner_protocol, std::span<const std::string_view> services,
                               Level level);

}  // namespace ghost::portlight
