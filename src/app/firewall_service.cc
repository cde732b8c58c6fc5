#include "app/firewall_service.h"

#include <arpa/inet.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

namespace ghost::app {

namespace {

using JsonValue = nlohmann::json;

constexpr std::size_t kLongestRuleset = 16 * 1024 * 1024;

std::string text_at(const JsonValue& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// An address as a number in the host's order; nothing for another family's, or a name.
std::optional<std::uint32_t> ip4_of(const JsonValue& value) {
  in_addr address{};
  if (!value.is_string() || ::inet_pton(AF_INET, value.get<std::string>().c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

/// Whether one value of a match's right side is the one asked about.
bool is_port(const JsonValue& value, std::uint32_t port) { return value.is_number_integer() && value.get<std::int64_t>() == port; }
bool is_address(const JsonValue& value, std::uint32_t address) { return ip4_of(value) == address; }
std::optional<std::uint32_t> number_of(const JsonValue& value) {
  if (value.is_number_unsigned()) return value.get<std::uint32_t>();
  return ip4_of(value);
}

bool in_range(const JsonValue& range, std::uint32_t asked) {
  if (!range.is_array() || range.size() != 2) return false;
  const auto least = number_of(range[0]), most = number_of(range[1]);
  return least && most && *least <= asked && asked <= *most;
}

bool in_prefix(const JsonValue& prefix, std::uint32_t asked) {
  if (!prefix.is_object() || !prefix.contains("addr") || !prefix.contains("len") || !prefix["len"].is_number_unsigned()) return false;
  const auto from = ip4_of(prefix["addr"]);
  const auto bits = prefix["len"].get<std::uint32_t>();
  return from && bits <= 32 && (bits == 0 || (*from ^ asked) >> (32 - bits) == 0);
}

using Ip6 = std::array<std::uint8_t, 16>;
std::optional<Ip6> ip6_of(const JsonValue& value) {
  Ip6 address;
  if (!value.is_string() || ::inet_pton(AF_INET6, value.get<std::string>().c_str(), address.data()) != 1) return std::nullopt;
  return address;
}

bool in_prefix6(const JsonValue& prefix, const Ip6& asked) {
  if (!prefix.is_object() || !prefix.contains("addr") || !prefix.contains("len") || !prefix["len"].is_number_unsigned()) return false;
  const auto from = ip6_of(prefix["addr"]);
  const auto bits = prefix["len"].get<std::uint32_t>();
  if (!from || bits > 128) return false;
  for (std::uint32_t bit = 0; bit < bits; ++bit) {
    if ((((*from)[bit / 8] ^ asked[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

/// As holds(), of an IPv6 address.
bool holds6(const JsonValue& right, const Ip6& asked, int depth = 0) {
  if (right.is_string()) return ip6_of(right) == asked || right.get<std::string>().starts_with("@");
  if (!right.is_object()) return false;
  if (right.contains("prefix")) return in_prefix6(right["prefix"], asked);
  if (const auto range = right.find("range"); range != right.end()) {
    if (!range->is_array() || range->size() != 2) return false;
    const auto least = ip6_of((*range)[0]), most = ip6_of((*range)[1]);
    return least && most && *least <= asked && asked <= *most;
  }
  if (!right.contains("set") || !right["set"].is_array() || depth >= 4) return false;
  for (const JsonValue& each : right["set"]) {
    if (holds6(each, asked, depth + 1)) return true;
  }
  return false;
}

/// Whether the right side of a match (a value, a range, a prefix, a set of them) holds what is asked about. A set that is named elsewhere
/// may hold anything.
bool holds(const JsonValue& right, std::uint32_t asked, bool (*is)(const JsonValue&, std::uint32_t), int depth = 0) {
  if (is(right, asked)) return true;
  if (right.is_string()) return right.get<std::string>().starts_with("@");
  if (!right.is_object()) return false;
  if (right.contains("range")) return in_range(right["range"], asked);
  if (right.contains("prefix")) return in_prefix(right["prefix"], asked);
  if (!right.contains("set") || !right["set"].is_array() || depth >= 4) return false;
  for (const JsonValue& each : right["set"]) {
    if (holds(each, asked, is, depth + 1)) return true;
  }
  return false;
}

struct RuleReading {
  bool drops = false, accepts = false;
  bool other = false;    ///< asks for something that our packets are not: another protocol, another port, an existing connection
  bool names_us = false; ///< by port or group
};

void read_payload(const JsonValue& payload, const JsonValue& right, bool unequal, const Traffic& traffic, RuleReading& rule) {
  const std::string protocol = text_at(payload, "protocol"), field = text_at(payload, "field");
  if (field == "dport" && (protocol == traffic.transport || protocol == "th")) {
    if (holds(right, traffic.port, is_port) == unequal) rule.other = true;
    else rule.names_us = true;
  } else if (field == "daddr" && protocol == "ip" && !traffic.group.empty()) {
    const auto group = ip4_of(traffic.group);
    if (!group || holds(right, *group, is_address) == unequal) rule.other = true;
    else rule.names_us = true;
  } else if (field == "daddr" && protocol == "ip6" && !traffic.group.empty()) {
    const auto group = ip6_of(traffic.group);
    if (!group || holds6(right, *group) == unequal) rule.other = true;
    else rule.names_us = true;
  } else if (protocol == "icmp" || protocol == "icmpv6" || protocol == "igmp" || (protocol == "tcp" && traffic.transport != "tcp") ||
             (protocol == "udp" && traffic.transport != "udp")) {
    rule.other = true;
  }
}

void read_meta(const std::string& key, const JsonValue& right, bool unequal, const Traffic& traffic, RuleReading& rule) {
  if ((key == "iifname" || key == "oifname") && right == JsonValue("lo") && !unequal) rule.other = true;
  if (key == "l4proto" && right != JsonValue(traffic.transport) && right != JsonValue(traffic.transport == "udp" ? 17 : 6) && !right.is_object()) rule.other = true;
  if (key != "pkttype") return;
  const bool multicast = right == JsonValue("multicast");
  if (multicast == traffic.group.empty() && !unequal) rule.other = true;
  else if (multicast && !unequal) rule.names_us = true;
}

void read_match(const JsonValue& match, const Traffic& traffic, RuleReading& rule) {
  const JsonValue& left = match.contains("left") ? match["left"] : JsonValue();
  const JsonValue& right = match.contains("right") ? match["right"] : JsonValue();
  const bool unequal = text_at(match, "op") == "!=";
  if (left.is_object() && left.contains("payload") && left["payload"].is_object()) {
    read_payload(left["payload"], right, unequal, traffic, rule);
  } else if (left.is_object() && left.contains("meta") && left["meta"].is_object()) {
    read_meta(text_at(left["meta"], "key"), right, unequal, traffic, rule);
  } else if (left.is_object() && left.contains("ct")) {
    rule.other = true;  // "established": what nobody asked for belongs to no connection
  }
}

RuleReading read_rule(const JsonValue& expressions, const Traffic& traffic) {
  RuleReading rule;
  if (!expressions.is_array()) return rule;
  for (const JsonValue& each : expressions) {
    if (!each.is_object()) continue;
    if (each.contains("match") && each["match"].is_object()) read_match(each["match"], traffic, rule);
    rule.drops |= each.contains("drop") || each.contains("reject");
    rule.accepts |= each.contains("accept");
  }
  return rule;
}

std::string chain_name(const JsonValue& object, const char* key) { return text_at(object, "family") + " " + text_at(object, "table") + " " + text_at(object, key); }

bool on_its_way(const std::string& hook, bool outgoing) {
  if (outgoing) return hook == "output" || hook == "postrouting" || hook == "egress";
  return hook == "input" || hook == "prerouting" || hook == "ingress";
}

std::string in_words(const Traffic& traffic) {
  return (traffic.transport == "udp" ? "UDP port " : "TCP port ") + std::to_string(traffic.port) + (traffic.group.empty() ? "" : " of " + traffic.group);
}

}  // namespace

std::optional<std::vector<DroppingRule>> rules_that_drop(std::string_view text, const Traffic& traffic) {
  const JsonValue all = JsonValue::parse(text, nullptr, false);
  if (!all.is_object() || !all.contains("nftables") || !all["nftables"].is_array()) return std::nullopt;
  std::vector<DroppingRule> found;
  std::map<std::string, bool> drops_rest;  // chains on the way; whether what no rule takes is dropped
  std::map<std::string, bool> lets_pass;
  for (const JsonValue& each : all["nftables"]) {
    if (!each.is_object() || !each.contains("chain") || !each["chain"].is_object()) continue;
    const JsonValue& chain = each["chain"];
    if (on_its_way(text_at(chain, "hook"), traffic.outgoing)) drops_rest[chain_name(chain, "name")] = text_at(chain, "policy") == "drop";
  }
  for (const JsonValue& each : all["nftables"]) {
    if (!each.is_object() || !each.contains("rule") || !each["rule"].is_object()) continue;
    const JsonValue& rule = each["rule"];
    const std::string chain = chain_name(rule, "chain");
    const RuleReading reading = read_rule(rule.contains("expr") ? rule["expr"] : JsonValue(), traffic);
    if (reading.other || !drops_rest.contains(chain) || lets_pass[chain]) continue;
    if (reading.accepts) lets_pass[chain] = true;
    if (!reading.drops) continue;
    const std::string handle = rule.contains("handle") ? rule["handle"].dump() : "?";
    found.push_back({chain + ", rule " + handle + (reading.names_us ? ": drops " + in_words(traffic) : ": drops what it matches"), reading.names_us});
  }
  for (const auto& [chain, drops] : drops_rest) {
    if (drops && !lets_pass[chain]) found.push_back({chain + ": its policy is drop, and no rule lets " + in_words(traffic) + (traffic.outgoing ? " out" : " in"), true});
  }
  return found;
}

std::optional<std::string> nft_ruleset() {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("PATH=/usr/sbin:/sbin:$PATH timeout 5 nft -j list ruleset 2>/dev/null", "r"), ::pclose);
  if (!pipe) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  for (std::size_t read = 0; text.size() < kLongestRuleset && (read = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) text.append(buffer.data(), read);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace ghost::app
