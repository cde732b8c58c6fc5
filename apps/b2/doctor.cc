#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <set>

#include "app/findings.h"
#include "app/firewall_service.h"
#include "b2/discovery_doctor.h"
#include "b2/message.h"
#include "base/text.h"
#include "look_service.h"
#include "portlight/api.h"
#include "verbs.h"

namespace ghost::app {

namespace {

constexpr std::uint16_t kDiscoveryPort = 2203;
constexpr std::uint64_t kFresh = 150'000;  ///< milliseconds; longer than the longest interval

/// A setting of a bridge; 0 for what is none.
int bridge_setting(const std::string& interface, const char* name) {
  std::ifstream file("/sys/class/net/" + interface + "/bridge/" + name);
  int value = 0;
  return file >> value ? value : 0;
}

/// Nodes that answered on that link by that family and way.
std::size_t answered(const b2::Discovery& discovery, std::uint32_t interface, bool ip6, bool group) {
  std::set<b2::PeerKey> who;
  for (const b2::Discovery::Answer& answer : discovery.answers()) {
    if (answer.interface == interface && answer.ip6 == ip6 && answer.group == group) who.insert(answer.key);
  }
  return who.size();
}

b2::LinkFacts::Family family_facts(const Look& look, std::uint32_t interface, const b2::DiscoverySockets::State::Family& state, bool ip6) {
  const auto* const link = look.discovery().link(interface);
  b2::LinkFacts::Family facts;
  facts.address = state.wanted;
  facts.joined = state.works;
  facts.problem = state.problem;
  facts.own_heard = link != nullptr && (ip6 ? link->own_ip6 : link->own_ip4).has_value();
  facts.by_group = answered(look.discovery(), interface, ip6, true);
  facts.alone = answered(look.discovery(), interface, ip6, false);
  return facts;
}

/// Of all interfaces, those that can't be used included.
Result<std::vector<b2::LinkFacts>> link_facts(const Look& look, net::Network& network) {
  const auto interfaces = network.interfaces();
  if (!interfaces) return interfaces.error();
  std::vector<b2::LinkFacts> links;
  for (const net::NetworkInterface& interface : *interfaces) {
    b2::LinkFacts facts;
    facts.name = interface.name;
    facts.up = interface.up;
    facts.loopback = interface.loopback;
    facts.multicast = interface.multicast;
    facts.mtu = mtu_of(interface.name);
    facts.snoops_without_querier = bridge_setting(interface.name, "multicast_snooping") != 0 && bridge_setting(interface.name, "multicast_querier") == 0;
    for (const b2::DiscoverySockets::State& state : look.sockets().states()) {
      if (state.interface.index != interface.index) continue;
      facts.ip4 = family_facts(look, interface.index, state.ip4, false);
      facts.ip6 = family_facts(look, interface.index, state.ip6, true);
    }
    links.push_back(std::move(facts));
  }
  return links;
}

bool port_is_taken(const b2::NetworkFacts& facts) {
  return std::ranges::any_of(facts.links, [](const b2::LinkFacts& link) { return link.ip4.problem.code == Errc::busy || link.ip6.problem.code == Errc::busy; });
}

/// Where this machine's host has the port, which it keeps from other users, it says what it hears.
bool ask_host(const Arguments& arguments, b2::NetworkFacts& facts) {
  auto session = open_session(arguments, "");
  if (!session) return false;
  const auto answer = (*session)->call("b2.v1.Discovery", "Found", b2::encode(b2::v1::FoundRequest()), std::chrono::seconds(5));
  if (!answer) return false;
  const auto found = b2::decode<b2::v1::FoundResponse>(*answer);
  if (!found) return false;
  for (b2::LinkFacts& link : facts.links) {
    for (const b2::v1::FoundLink& told : found->links) {
      if (told.interface != link.name) continue;
      const auto take = [&](b2::LinkFacts::Family& family, bool joined, std::uint64_t own_ms_ago) {
        if (family.joined || !joined) return;
        family.joined = true;
        family.problem = {};
        family.own_heard = own_ms_ago != 0 && own_ms_ago < kFresh;
        if (told.heard != 0) family.by_group = std::max<std::size_t>(family.alone, 1);
      };
      take(link.ip4, told.ip4, told.own_ip4_ms_ago);
      take(link.ip6, told.ip6, told.own_ip6_ms_ago);
    }
  }
  return true;
}

/// Whether a node answered from one of this machine's addresses.
bool answers_from_here(Look& look) {
  const auto interfaces = look.network().interfaces();
  if (!interfaces) return false;
  for (const auto& [key, peer] : look.discovery().peers().all()) {
    for (const b2::PeerWay& way : peer.ways) {
      const auto at = net::Address::parse(way.address);
      for (const net::NetworkInterface& interface : *interfaces) {
        if (at && std::ranges::any_of(interface.addresses, [&](const net::Address& own) { return own.family() == at->family() && own.ip() == at->ip(); })) return true;
      }
    }
  }
  return false;
}

void find_out_about_port(const Arguments& arguments, Look& look, b2::NetworkFacts& facts) {
  if (!port_is_taken(facts) || ask_host(arguments, facts)) return;
  const auto holder = portlight::holder_of("udp", kDiscoveryPort);
  facts.port_holder = holder ? *holder : "a process that can't be seen from here (sudo b2 doctor sees it)";
  facts.holder_is_node = answers_from_here(look);
}

int doctor(const Arguments& arguments) {
  const auto wait = wait_of(arguments);
  if (!wait) return usage_error("b2", wait.error());
  const auto where = places(arguments);
  if (!where) return complain("b2", where.error());
  auto look = Look::begin(*where);
  if (!look) return complain("b2", look.error());
  const bool json = arguments.has("json");
  if (!json && (*look)->has_links()) std::cerr << "b2: asking the network …\n";
  if (!(*look)->listen(*wait)) return code(Exit::interrupted);

  b2::NetworkFacts facts;
  auto links = link_facts(**look, (*look)->network());
  if (!links) return complain("b2", links.error());
  facts.links = std::move(*links);
  find_out_about_port(arguments, **look, facts);
  if (const auto ruleset = nft_ruleset()) {
    if (const auto dropping = rules_that_drop(*ruleset, {.port = kDiscoveryPort})) {
      facts.firewall_seen = true;
      for (const DroppingRule& rule : *dropping) facts.dropping.push_back(rule.text);
    }
  }
  for (const auto& [key, peer] : (*look)->discovery().peers().all()) {
    facts.clocks.push_back({key.node.words() + (peer.ways.empty() ? "" : " (" + peer.ways.front().address + ")"), peer.clock_ahead_ms});
  }
  return report_findings(b2::judge_network(facts), {"nodes", facts.clocks.size()}, json);
}

}  // namespace

Verb doctor_verb() {
  Verb verb;
  verb.name = "doctor";
  verb.summary = "say, for each interface, whether nodes can find each other on it";
  verb.description =
      "Sends a probe to the group of b2's beacons on each interface, by IPv4 and IPv6, which must come back to this machine, and asks the nodes there to answer, to the "
      "group and alone. Looks at who has UDP 2203, at rules of nftables that may drop it (seen as root), at MTU, bridges, and clocks. Each finding says what to do; ends "
      "with 1 when something is wrong.";
  verb.examples = {{"b2 doctor", "the whole"}, {"sudo b2 doctor", "and what only root sees"}, {"b2 doctor --json | jq -r 'select(.verdict == \"wrong\").remedy'", "for a script"}};
  verb.options = {state_option(), Option{"wait", "SECONDS", "how long to wait for answers (1)"}, Option{"timeout", "SECONDS", "how long to wait for this machine's host (10)"}, json_option()};
  verb.run = doctor;
  return verb;
}

}  // namespace ghost::app
