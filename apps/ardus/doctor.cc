// `ardus doctor`.
#include <iostream>

#include "app/findings.h"
#include "app/firewall_service.h"
#include "app/session_service.h"
#include "ardus/ardus_node_service.h"
#include "ardus/doctor_service.h"
#include "base/random.h"
#include "base/units.h"
#include "steering_service.h"
#include "verbs.h"

namespace ghost::app {

namespace {

constexpr Duration kPeerTimeout = std::chrono::seconds(10);
constexpr const char* kSomeDataGroup = "239.255.127.255";

void add_rules(const std::string& ruleset, const Traffic& traffic, ardus::DoctorPort& port) {
  for (const bool outgoing : {false, true}) {
    Traffic way = traffic;
    way.outgoing = outgoing;
    const auto rules = rules_that_drop(ruleset, way);
    if (!rules) continue;
    for (const DroppingRule& rule : *rules) (rule.certain ? port.dropping : port.may_drop).push_back(rule.text);
  }
}

void add_ports(ardus::DoctorFacts& facts, const std::optional<std::string>& ruleset) {
  // Where the interface has IPv6 alone nothing goes to the groups of IPv4.
  const bool only6 = facts.announcements6 && facts.data6 && facts.announcements.group.empty();
  const Traffic all[] = {{1117, "tcp"}, {1117, "udp", only6 ? facts.announcements6->group : "239.255.11.17"}, {1834, "tcp"}, {1834, "udp"}, {1835, "udp", only6 ? facts.data6->group : kSomeDataGroup}};
  for (const Traffic& traffic : all) {
    ardus::DoctorPort port{traffic.transport, traffic.port};
    port.holder = holder_of(traffic.transport, traffic.port);
    if (ruleset) add_rules(*ruleset, traffic, port);
    ardus::DoctorGroup* const groups[] = {&facts.announcements, &facts.data, facts.announcements6 ? &*facts.announcements6 : nullptr, facts.data6 ? &*facts.data6 : nullptr};
    for (ardus::DoctorGroup* group : groups) {
      if (group == nullptr) continue;
      if (traffic.transport != "udp" || group->port != traffic.port) continue;
      ardus::DoctorPort its{traffic.transport, traffic.port};
      if (ruleset) add_rules(*ruleset, {traffic.port, traffic.transport, group->group}, its);
      group->dropping = its.dropping;
      group->dropping.insert(group->dropping.end(), its.may_drop.begin(), its.may_drop.end());
      if (port.holder.empty() && group->busy) port.holder = "a program that can't be seen from here (sudo ardus doctor sees it)";
      if (!group->busy && !port.holder.starts_with("ardus")) port.holder.clear();  // who shares it, as ARDUS does, is in nobody's way
    }
    facts.ports.push_back(std::move(port));
  }
}

/// As it stands before a port.
std::string in_brackets(const std::string& address) { return address.find(':') == std::string::npos ? address : "[" + address + "]"; }

/// What the other machine says of itself; false when a person would not wait.
bool ask_peer(const Places& where, ardus::DoctorPeer& peer) {
  Session::Wish wish;
  wish.at = in_brackets(peer.address) + ":1117";
  wish.timeout = kPeerTimeout;
  auto session = Session::open(where, wish);
  if (!session) {
    if (session.error().code == Errc::cancelled) return false;
    peer.stranger = session.error().code == Errc::unauthenticated || session.error().code == Errc::refused;
    if (!peer.stranger) peer.unreachable = session.error();
    return true;
  }
  ardus::v1::StatusRequest request;
  request.nonce.resize(32);
  random_bytes(request.nonce);
  const auto asked = std::chrono::system_clock::now();
  const auto answer = (*session)->call("ardus.v1.Node", "Status", b2::encode(request), kPeerTimeout);
  const auto answered = std::chrono::system_clock::now();
  const auto status = answer ? b2::decode<ardus::v1::StatusResponse>(*answer) : Result<ardus::v1::StatusResponse>(answer.error());
  if (!status) {
    peer.unreachable = status.error();
    return status.error().code != Errc::cancelled;
  }
  for (const auto& socket : status->sockets) peer.receives |= socket.purpose.starts_with("data");
  const auto middle = asked + (answered - asked) / 2;
  peer.ahead_ms = static_cast<std::int64_t>(status->time_ms) - std::chrono::duration_cast<std::chrono::milliseconds>(middle.time_since_epoch()).count();
  return true;
}

bool is_ip(const std::string& text) {
  const auto address = net::Address::parse(in_brackets(text) + ":1117");
  return address && address->is_ip() && text != "localhost";
}

int usage(const std::string& message) {
  std::cerr << "ardus: " << message << "\n";
  return code(Exit::usage);
}

int doctor(const Arguments& arguments) {
  ardus::DoctorWish wish;
  wish.interface = arguments.text("iface");
  wish.to = arguments.text("to");
  if (!wish.to.empty() && !is_ip(wish.to)) return usage("--to " + wish.to + ": an IP address, as 10.0.0.7 or fe80::7%eth0");
  if (const auto text = arguments.find("wait")) {
    const auto wait = parse_duration(*text);
    if (!wait || *wait > std::chrono::minutes(1)) return usage("--wait " + *text + ": a time up to 60s");
    wish.listen = *wait;
  }
  const auto where = places(arguments);
  if (!where) return complain("ardus", where.error());
  const bool json = arguments.has("json");
  if (!json) std::cerr << "ardus: looking at the network …\n";
  ardus::DoctorFacts facts = ardus::look_at_network(wish);
  const auto ruleset = nft_ruleset();
  facts.firewall_seen = ruleset.has_value();
  add_ports(facts, ruleset);
  if (facts.peer && !facts.peer->interface.empty() && !ask_peer(*where, *facts.peer)) return code(Exit::interrupted);
  return report_findings(ardus::judge(facts), {"announced", facts.heard.size()}, json);
}

}  // namespace

Verb doctor_verb() {
  Verb verb;
  verb.name = "doctor";
  verb.summary = "say why multicast does not work here, and what to do";
  verb.description =
      "Joins ARDUS's groups on an interface, by each IP that it has, and sends each a datagram that must come back; listens for announcements on all interfaces; looks at the interface, its MTU, IGMP and MLD, "
      "bridges, rp_filter, who has ports 1117, 1834 and 1835, rules of nftables (as root), buffers, offloads (by trying them), room for neighbours and the clock. With --to it also asks the ARDUS of "
      "another machine. Each finding says what was seen, why it matters and what to do; ends with 1 when something is wrong. Nothing it sends leaves the machine, but for --to.";
  verb.examples = {{"sudo ardus doctor", "the whole, the firewall's rules included"},
                   {"ardus doctor --iface eth1 --to 10.0.0.7", "whether that machine can be reached by eth1"},
                   {"ardus doctor --json | jq -r 'select(.verdict == \"wrong\").remedy'", "for a script"}};
  verb.options = {Option{"iface", "IF", "network interface, by name; by default the one ARDUS would take"},
                  Option{"to", "ADDRESS", "IP address of a machine that runs 'ardus serve'"},
                  Option{"wait", "TIME", "how long to listen for announcements (2s; they come every 1 to 10 s)"}, state_option(), json_option()};
  verb.run = doctor;
  return verb;
}

}  // namespace ghost::app
