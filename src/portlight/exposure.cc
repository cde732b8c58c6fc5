#include "portlight/exposure.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace ghost::portlight {

namespace {

using nlohmann::json;
using PortRange = std::pair<std::uint16_t, std::uint16_t>;

const json* at(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_at(const json& object, const char* key) {
  const json* value = at(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

bool is_port(const json& value) { return value.is_number_integer() && value.get<std::int64_t>() >= 0 && value.get<std::int64_t>() <= 65535; }

/// 22, {"range": [1, 2]} or {"set": […]}; false when it is something else.
bool read_ports(const json& value, std::vector<PortRange>& out) {
  if (is_port(value)) {
    out.emplace_back(value.get<std::uint16_t>(), value.get<std::uint16_t>());
    return true;
  }
  if (const json* range = at(value, "range"); range != nullptr && range->is_array() && range->size() == 2 && is_port((*range)[0]) && is_port((*range)[1])) {
    out.emplace_back((*range)[0].get<std::uint16_t>(), (*range)[1].get<std::uint16_t>());
    return true;
  }
  const json* set = at(value, "set");
  if (set == nullptr || !set->is_array()) return false;
  return std::all_of(set->begin(), set->end(), [&](const json& item) { return read_ports(item, out); });
}

/// One rule, boiled down.
struct Rule {
  std::vector<PortRange> ports;
  std::string transport;
  bool only_ports = true;      ///< its conditions name ports, or connections that exist, or lo: nothing that lets strangers in
  bool lets_strangers = true;  ///< false when a condition asks for an established connection or the loopback interface
  bool accepts = false, jumps = false;
  const json* translation = nullptr;
  bool redirects = false;
};

void read_match(const json& match, Rule& rule) {
  const json* left = at(match, "left");
  const json* right = at(match, "right");
  if (left == nullptr || right == nullptr) return;
  if (const json* payload = at(*left, "payload"); payload != nullptr && text_at(*payload, "field") == "dport" && text_at(match, "op") != "!=") {
    rule.transport = text_at(*payload, "protocol");
    if (read_ports(*right, rule.ports)) return;
  }
  if (const json* ct = at(*left, "ct"); ct != nullptr && text_at(*ct, "key") == "state" && right->dump().find("\"new\"") == std::string::npos) {
    rule.lets_strangers = false;
    return;
  }
  if (const json* meta = at(*left, "meta"); meta != nullptr) {
    if (text_at(*meta, "key") == "iifname" && right->is_string() && right->get<std::string>() == "lo") {
      rule.lets_strangers = false;
      return;
    }
    // ICMP and its like open no port.
    if (text_at(*meta, "key") == "l4proto" && right->is_string() && right->get<std::string>().find("icmp") != std::string::npos) {
      rule.lets_strangers = false;
      return;
    }
  }
  if (const json* payload = at(*left, "payload"); payload != nullptr && text_at(*payload, "protocol").find("icmp") != std::string::npos) {
    rule.lets_strangers = false;
    return;
  }
  if (rule.ports.empty()) rule.only_ports = false;
}

Rule read_rule(const json& expressions) {
  Rule rule;
  for (const json& expression : expressions) {
    if (const json* match = at(expression, "match")) read_match(*match, rule);
    if (at(expression, "accept") != nullptr) rule.accepts = true;
    if (at(expression, "jump") != nullptr || at(expression, "goto") != nullptr || at(expression, "vmap") != nullptr) rule.jumps = true;
    if (const json* dnat = at(expression, "dnat")) rule.translation = dnat;
    if (const json* redirect = at(expression, "redirect")) rule.translation = redirect, rule.redirects = true;
  }
  return rule;
}

void add_translation(const Rule& rule, Firewall& firewall) {
  const auto transport = parse_transport(rule.transport);
  if (!transport) return;
  const json* port = at(*rule.translation, "port");
  for (const auto& [first, last] : rule.ports) {
    if (first != last) continue;
    const std::uint16_t to = port != nullptr && is_port(*port) ? port->get<std::uint16_t>() : first;
    firewall.translations.push_back({*transport, first, rule.redirects ? "" : text_at(*rule.translation, "addr"), to});
  }
}

}  // namespace

std::string_view name(Exposure exposure) {
  constexpr std::array<std::string_view, 5> kNames = {"loopback", "lan", "any", "published", "blocked"};
  return kNames[static_cast<std::size_t>(exposure)];
}

Result<Firewall> parse_nft(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  const json* items = at(document, "nftables");
  if (items == nullptr || !items->is_array()) return Error{Errc::malformed, "nft: no list of rules in its JSON"};
  Firewall firewall;
  std::set<std::tuple<std::string, std::string, std::string>> input;  // family, table, chain
  std::size_t hooks = 0, dropping = 0;
  const auto place = [](const json& item, const char* chain) { return std::tuple(text_at(item, "family"), text_at(item, "table"), text_at(item, chain)); };
  for (const json& item : *items) {
    const json* chain = at(item, "chain");
    if (chain == nullptr || text_at(*chain, "hook") != "input" || text_at(*chain, "type") != "filter") continue;
    ++hooks;
    if (text_at(*chain, "policy") != "drop") continue;
    ++dropping;
    input.insert(place(*chain, "name"));
  }
  // Each hook's policy is asked; one that drops is enough to drop.
  firewall.drops_input = hooks > 0 && dropping > 0;
  for (const json& item : *items) {
    const json* rule = at(item, "rule");
    const json* expressions = rule == nullptr ? nullptr : at(*rule, "expr");
    if (expressions == nullptr || !expressions->is_array()) continue;
    const Rule read = read_rule(*expressions);
    if (read.translation != nullptr) add_translation(read, firewall);
    if (input.count(place(*rule, "chain")) == 0 || !read.lets_strangers) continue;
    if (read.jumps || (read.accepts && (!read.only_ports || read.ports.empty()))) firewall.accepts_widely = true;
    if (read.accepts) firewall.accepted.insert(firewall.accepted.end(), read.ports.begin(), read.ports.end());
  }
  return firewall;
}

Exposure exposure_of(const Socket& socket, const Firewall& firewall) {
  const std::string ip = ip_text(socket);
  for (const Firewall::Translation& translation : firewall.translations) {
    if (translation.transport != socket.transport || translation.to_port != socket.port) continue;
    if (translation.to_ip == ip || (socket.is_any() && translation.to_ip.empty())) return Exposure::published;
  }
  if (socket.is_loopback()) return Exposure::loopback;
  const bool let_in = std::any_of(firewall.accepted.begin(), firewall.accepted.end(),
                                  [&](const PortRange& range) { return range.first <= socket.port && socket.port <= range.second; });
  if (firewall.drops_input && !firewall.accepts_widely && !let_in) return Exposure::blocked;
  return socket.is_any() ? Exposure::any : Exposure::lan;
}

}  // namespace ghost::portlight
