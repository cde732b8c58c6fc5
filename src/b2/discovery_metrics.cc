#include "b2/discovery_metrics.h"

#include <fmt/format.h>

#include <array>

namespace ghost::b2 {

namespace {

void add_family(std::string& out, std::string_view family, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family, help, type);
}

void add_labelled(std::string& out, std::string_view family, std::string_view label, std::string_view value, std::uint64_t count) {
  out += fmt::format("{}{{{}=\"{}\"}} {}\n", family, label, value, count);
}

}  // namespace

std::string discovery_metrics(const Discovery& discovery) {
  std::string out;
  const Discovery::Counters& counted = discovery.counters();
  const PeerTable::Counters& dialled = discovery.peers().counters();
  std::array<std::uint64_t, 4> states{};
  for (const auto& [key, peer] : discovery.peers().all()) ++states[static_cast<std::size_t>(peer.state)];

  add_family(out, "b2_discovery_nodes", "gauge", "Nodes known by discovery, by state.");
  for (std::size_t i = 0; i < states.size(); ++i) add_labelled(out, "b2_discovery_nodes", "state", name(static_cast<PeerState>(i)), states[i]);
  add_family(out, "b2_discovery_sent_total", "counter", "Datagrams of discovery sent, by kind; alone are answers to one node.");
  add_labelled(out, "b2_discovery_sent_total", "kind", "beacon", counted.beacons_sent);
  add_labelled(out, "b2_discovery_sent_total", "kind", "query", counted.queries_sent);
  add_labelled(out, "b2_discovery_sent_total", "kind", "bye", counted.byes_sent);
  add_labelled(out, "b2_discovery_sent_total", "kind", "alone", counted.alone_sent);
  add_family(out, "b2_discovery_received_total", "counter", "Datagrams of discovery received from others, by kind.");
  add_labelled(out, "b2_discovery_received_total", "kind", "beacon", counted.beacons_heard);
  add_labelled(out, "b2_discovery_received_total", "kind", "query", counted.queries_heard);
  add_labelled(out, "b2_discovery_received_total", "kind", "bye", counted.byes_heard);
  add_labelled(out, "b2_discovery_received_total", "kind", "malformed", counted.malformed);
  add_family(out, "b2_discovery_deferred_total", "counter", "Times that a beacon waited because the link was full.");
  out += fmt::format("b2_discovery_deferred_total {}\n", counted.deferred);
  add_family(out, "b2_discovery_dials_total", "counter", "Nodes dialled to see their certificates and services, by result.");
  add_labelled(out, "b2_discovery_dials_total", "result", "proven", dialled.proven);
  add_labelled(out, "b2_discovery_dials_total", "result", "failed", dialled.failed);
  return out;
}

}  // namespace ghost::b2
