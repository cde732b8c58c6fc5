#include <unistd.h>

#include <iostream>

#include "base/terminal.h"
#include "base/text.h"
#include "json.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using nlohmann::ordered_json;

/// printable(), line by line: commands and banners in it are strangers' words.
std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    out += printable(one) + "\n";
  }
  return out;
}

/// A port by number, or by the name it is registered under.
Result<std::uint16_t> port_of(const std::string& text, const portlight::Registry& registry) {
  if (is_number(text)) {
    const auto range = parse_ports(text);
    if (!range) return range.error();
    if (range->first != range->second) return Error{Errc::malformed, "'" + text + "': one port"};
    return range->first;
  }
  const auto rows = registry.named(text);
  if (rows.empty()) return Error{Errc::malformed, "'" + printable(text) + "' is no port (1 to 65535) and no registered name; 'portlight registry search " + printable(text) + "' looks further"};
  return rows[0]->first;
}

int why(const Arguments& arguments) {
  auto engine = open_portlight(arguments);
  if (!engine) return refuse(engine.error());
  const auto port = port_of(arguments.text("PORT"), (*engine)->registry());
  if (!port) return refuse(port.error());
  const auto level = portlight::parse_level(arguments.text("level", "owner"));
  if (!level) return refuse(level.error());
  const auto answer = (*engine)->why(*port, *level);
  if (!answer) return refuse(answer.error());
  const Exit exit = answer->unseen.empty() ? Exit::done : Exit::partly;
  if (!arguments.has("json")) {
    std::cout << shown(answer->text);
    return code(exit);
  }
  ordered_json rows = ordered_json::array();
  for (const auto& row : answer->registry) rows.push_back(to_json(row));
  for (const auto& listener : answer->listeners) {
    std::cout << line("listener", to_json(listener));
  }
  std::cout << line("summary", {{"port", answer->port}, {"registry", rows}, {"listeners", answer->listeners.size()}, {"text", answer->text}, {"unseen", answer->unseen}, {"code", code(exit)}});
  return code(exit);
}

/// "2203", "127.0.0.1:2203", "[::1]:2203", "archive-3:22".
Result<portlight::v1::IdentifyRequest> request_of(std::string text) {
  portlight::v1::IdentifyRequest request;
  const auto colon = text.rfind(':');
  if (colon != std::string::npos) {
    request.host = text.substr(0, colon);
    if (request.host.size() > 2 && request.host.front() == '[' && request.host.back() == ']') request.host = request.host.substr(1, request.host.size() - 2);
    text = text.substr(colon + 1);
  }
  if (!is_number(text)) return Error{Errc::malformed, "'" + printable(text) + "' is no port: [HOST:]PORT, as in 2203 or 127.0.0.1:2203"};
  const auto port = parse_ports(text);
  if (!port) return port.error();
  request.port = port->first;
  return request;
}

int identify(const Arguments& arguments) {
  auto request = request_of(arguments.text("WHERE"));
  if (!request) return refuse(request.error());
  request->level = arguments.text("level");
  auto engine = open_portlight(arguments);
  if (!engine) return refuse(engine.error());
  const auto identity = (*engine)->identify(*request);
  if (!identity) return refuse(identity.error());
  const bool known = identity->status == "confirmed" || !identity->protocol.empty();
  const Exit exit = known ? Exit::done : Exit::failed;
  if (arguments.has("json")) {
    ordered_json object = {{"host", request->host}, {"port", request->port}};
    object.update(to_json(*identity));
    object["code"] = code(exit);
    std::cout << line("summary", object);
    return code(exit);
  }
  std::string what = identity->protocol.empty() ? "unknown" : identity->protocol;
  if (!identity->product.empty()) what += ", " + identity->product + (identity->version.empty() ? "" : " " + identity->version);
  std::cout << printable(what) << "  [" << identity->status << ", confidence " << static_cast<int>(identity->confidence * 100) << " %]\n";
  for (const std::string& one : identity->evidence) std::cout << "  - " << printable(one) << "\n";
  return code(exit);
}

}  // namespace

Verb why_verb() {
  Verb verb;
  verb.name = "why";
  verb.summary = "what a port is for, who listens on it, and how each thing is known";
  verb.examples = {{"portlight why 2256", "registered, whatever is written elsewhere"}, {"portlight why ariascribe", "by its name"}};
  verb.options = {state_option(), json_option(), level_option()};
  verb.positionals = {{"PORT", "a number, or a registered name", Positional::Count::one, {}, Complete::nothing}};
  verb.run = why;
  return verb;
}

Verb identify_verb() {
  Verb verb;
  verb.name = "identify";
  verb.summary = "what a listener really speaks";
  verb.description = "Waits for a greeting, then asks at most three well-formed questions (all that are known with --level all). Another host is asked only when a "
                     "level is named. Exits 1 when it stays unknown.";
  verb.examples = {{"portlight identify 2203", "on this machine"}, {"portlight identify 192.0.2.7:8443 --level safe", "another, which you may ask"}};
  verb.options = {state_option(), json_option(), level_option()};
  verb.positionals = {{"WHERE", "[HOST:]PORT", Positional::Count::one, {}, Complete::nothing}};
  verb.run = identify;
  return verb;
}

}  // namespace ghost::app
