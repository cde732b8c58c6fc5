#include "firewall.h"

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

/// Whether the right side of a match (a number, a range, a set of both) holds the port.
bool holds(const JsonValue& right, std::uint16_t port, int depth = 0) {
  if (right.is_number_integer()) return right.get<std::int64_t>() == port;
  if (right.is_object() && right.contains("range") && right["range"].is_array() && right["range"].size() == 2) {
    const JsonValue& range = right["range"];
    return range[0].is_number_integer() && range[1].is_number_integer() && range[0].get<std::int64_t>() <= port && port <= range[1].get<std::int64_t>();
  }
  if (right.is_object() && right.contains("set") && right["set"].is_array() && depth < 4) {
    for (const JsonValue& each : right["set"]) {
      if (holds(each, port, depth + 1)) return true;
    }
  }
  return false;
}

struct RuleReading {
  bool drops = false, accepts = false;
  bool other = false;  ///< asks for something that our datagrams are not: another protocol, another port, an existing connection
  bool names_port = false;
};

void read_match(const JsonValue& match, std::uint16_t port, RuleReading& rule) {
  const JsonValue& left = match.contains("left") ? match["left"] : JsonValue();
  const JsonValue& right = match.contains("right") ? match["right"] : JsonValue();
  const bool unequal = text_at(match, "op") == "!=";
  if (left.is_object() && left.contains("payload") && left["payload"].is_object()) {
    const std::string protocol = text_at(left["payload"], "protocol"), field = text_at(left["payload"], "field");
    if (field == "dport" && (protocol == "udp" || protocol == "th")) {
      if (holds(right, port) == unequal) rule.other = true;
      else rule.names_port = true;
    } else if (protocol == "tcp" || protocol == "icmp" || protocol == "icmpv6") {
      rule.other = true;
    }
  } else if (left.is_object() && left.contains("meta") && left["meta"].is_object()) {
    const std::string key = text_at(left["meta"], "key");
    if (key == "iifname" && right == JsonValue("lo") && !unequal) rule.other = true;
    if (key == "l4proto" && right != JsonValue("udp") && right != JsonValue(17) && !right.is_object()) rule.other = true;
  } else if (left.is_object() && left.contains("ct")) {
    rule.other = true;  // "established": a beacon belongs to no connection
  }
}

RuleReading read_rule(const JsonValue& expressions, std::uint16_t port) {
  RuleReading rule;
  if (!expressions.is_array()) return rule;
  for (const JsonValue& each : expressions) {
    if (!each.is_object()) continue;
    if (each.contains("match") && each["match"].is_object()) read_match(each["match"], port, rule);
    rule.drops |= each.contains("drop") || each.contains("reject");
    rule.accepts |= each.contains("accept");
  }
  return rule;
}

std::string chain_name(const JsonValue& object, const char* key) { return text_at(object, "family") + " " + text_at(object, "table") + " " + text_at(object, key); }

}  // namespace

std::optional<std::vector<std::string>> rules_that_drop(std::string_view text, std::uint16_t port) {
  const JsonValue all = JsonValue::parse(text, nullptr, false);
  if (!all.is_object() || !all.contains("nftables") || !all["nftables"].is_array()) return std::nullopt;
  std::vector<std::string> found;
  std::map<std::string, bool> input_drops;  // chains that see what comes in; whether what no rule takes is dropped
  std::map<std::string, bool> lets_in;
  for (const JsonValue& each : all["nftables"]) {
    if (!each.is_object() || !each.contains("chain") || !each["chain"].is_object()) continue;
    const JsonValue& chain = each["chain"];
    const std::string hook = text_at(chain, "hook");
    if (hook == "input" || hook == "prerouting" || hook == "ingress") input_drops[chain_name(chain, "name")] = text_at(chain, "policy") == "drop";
  }
  for (const JsonValue& each : all["nftables"]) {
    if (!each.is_object() || !each.contains("rule") || !each["rule"].is_object()) continue;
    const JsonValue& rule = each["rule"];
    const std::string chain = chain_name(rule, "chain");
    const RuleReading reading = read_rule(rule.contains("expr") ? rule["expr"] : JsonValue(), port);
    if (reading.other || !input_drops.contains(chain) || lets_in[chain]) continue;
    if (reading.accepts) lets_in[chain] = true;
    if (!reading.drops) continue;
    const std::string handle = rule.contains("handle") ? rule["handle"].dump() : "?";
    found.push_back(chain + ", rule " + handle + (reading.names_port ? ": drops UDP port " + std::to_string(port) : ": drops what it matches"));
  }
  for (const auto& [chain, drops] : input_drops) {
    if (drops && !lets_in[chain]) found.push_back(chain + ": its policy is drop, and no rule lets UDP port " + std::to_string(port) + " in");
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
