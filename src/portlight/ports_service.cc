#include "portlight/ports_service.h"

#include <algorithm>

#include "net/resolve.h"
#include "portlight/identify_service.h"
#include "portlight/why.h"

namespace ghost::portlight {

namespace {

constexpr std::uint32_t kLastPort = 65535;

Result<std::uint16_t> parse_port(std::uint32_t port) {
  if (port == 0 || port > kLastPort) return Error{Errc::malformed, std::to_string(port) + " is no port: they go from 1 to 65535"};
  return static_cast<std::uint16_t>(port);
}

bool is_better(const Identity& a, const Identity& b) {
  return std::pair(a.status == IdentityStatus::confirmed, a.confidence) > std::pair(b.status == IdentityStatus::confirmed, b.confidence);
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
  for (const Level level : {Level::off, Level::passive, Level::owner, Level::safe, Level::all}) {
    if (text == name(level)) return level;
  }
  return Error{Errc::malformed, "level '" + std::string(text) + "': one of off, passive, owner, safe, all"};
}

Result<v1::ListResponse> Portlight::list(const v1::ListRequest& request) {
  InventoryService::Wish wish;
  wish.here_only = request.this_namespace_only;
  if (!request.level.empty()) {
    const auto level = parse_level(request.level);
    if (!level) return level.error();
    wish.level = *level;
  }
  for (const std::uint32_t number : request.ports) {
    const auto port = parse_port(number);
    if (!port) return port.error();
    wish.ports.push_back(*port);
  }
  InventoryService::Answer seen = inventory_.look(wish);
  v1::ListResponse response;
  for (const Listener& listener : seen.listeners) response.listeners.push_back(told(listener));
  response.unseen = std::move(seen.unseen);
  response.milliseconds = seen.milliseconds;
  return response;
}

Result<v1::WhyResponse> Portlight::why(std::uint32_t number, Level level) {
  const auto port = parse_port(number);
  if (!port) return port.error();
  v1::WhyResponse response;
  response.port = number;
  std::vector<const Registration*> rows = registry_.range(*port, *port);
  assigning_first(rows);
  for (const Registration* row : rows) {
    // The machine's own name is told where it differs from IANA's.
    const bool repeats = row->era == Era::overlay && std::any_of(rows.begin(), rows.end(), [&](const Registration* other) { return other->era != Era::overlay && other->name == row->name; });
    if (!repeats) response.registry.push_back(told(*row));
  }
  InventoryService::Wish wish;
  wish.ports = {*port};
  wish.level = level;
  InventoryService::Answer seen = inventory_.look(wish);
  for (const Listener& listener : seen.listeners) response.listeners.push_back(told(listener));
  response.unseen = std::move(seen.unseen);
  response.text = why_text(response);
  return response;
}

Result<v1::Identity> Portlight::identify(const v1::IdentifyRequest& request) {
  const auto port = parse_port(request.port);
  if (!port) return port.error();
  Level level = Level::owner;
  if (!request.level.empty()) {
    const auto parsed = parse_level(request.level);
    if (!parsed) return parsed.error();
    level = *parsed;
  }
  if (!request.host.empty() && request.host != "localhost") return identify_remote(request, level);
  InventoryService::Wish wish;
  wish.ports = {*port};
  wish.level = level;
  const InventoryService::Answer seen = inventory_.look(wish);
  const auto best = std::max_element(seen.listeners.begin(), seen.listeners.end(), [](const Listener& a, const Listener& b) { return is_better(b.identity, a.identity); });
  if (best == seen.listeners.end()) return Error{Errc::not_found, "nothing that I can see listens on " + std::to_string(*port)};
  return *told(*best).identity;
}

Result<v1::Identity> Portlight::identify_remote(const v1::IdentifyRequest& request, Level level) const {
  const auto port = static_cast<std::uint16_t>(request.port);
  const bool bare_ip6 = request.host.find(':') != std::string::npos && request.host.front() != '[';
  const auto address = net::resolve((bare_ip6 ? "[" + request.host + "]" : request.host) + ":" + std::to_string(port), port);
  if (!address) return address.error();
  if (!address->is_ip() || address->is_any() || address->is_multicast()) return Error{Errc::malformed, request.host + ": the address of one host"};
  if (!address->is_loopback() && request.level.empty()) {
    return Error{Errc::refused, request.host + " is another host: name a level (safe asks at most three harmless questions) if you may ask it"};
  }
  Listener listener;
  listener.socket.ip6 = address->family() == net::Address::Family::ip6;
  listener.socket.ip = address->ip();
  listener.socket.port = port;
  listener.socket.interface = address->scope();
  const auto services = registry_.lookup(port, Transport::tcp).names();
  const Hearing hearing = listen_and_ask(listener.socket, plan(Transport::tcp, port, "", services, level));
  if (!hearing.connected) return Error{Errc::not_found, hearing.evidence.empty() ? address->text() + ": no connection" : hearing.evidence.front()};
  listener.identity = conclude(hearing, services, "");
  return *told(listener).identity;
}

}  // namespace ghost::portlight
