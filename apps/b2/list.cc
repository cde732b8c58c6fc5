#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "b2/json.h"
#include "b2/message.h"
#include "b2/v1/bridge.b2.h"
#include "b2/v1/core.b2.h"
#include "b2/v1/discovery.b2.h"
#include "base/text.h"
#include "look_service.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

using nlohmann::ordered_json;

std::string kind_word(b2::v1::MethodKind kind) {
  switch (kind) {
    case b2::v1::MethodKind::unary: return "";
    case b2::v1::MethodKind::server_stream: return " → stream";
    case b2::v1::MethodKind::client_stream: return " ← stream";
    case b2::v1::MethodKind::bidirectional: return " ↔ stream";
  }
  return "";
}

ordered_json to_json(const b2::v1::ServiceEntry& service) {
  ordered_json methods = ordered_json::array();
  for (const b2::v1::Method& method : service.methods) {
    methods.push_back({{"name", method.name}, {"kind", name(method.kind)}, {"needs", method.needs.empty() ? "member" : method.needs}});
  }
  return {{"event", "service"}, {"name", service.name}, {"version", service.version}, {"health", name(service.health)}, {"methods", methods}};
}

void print(const b2::v1::ServiceEntry& service, std::size_t width) {
  std::string methods;
  for (const b2::v1::Method& method : service.methods) {
    if (!methods.empty()) methods += ", ";
    methods += printable(method.name) + kind_word(method.kind);
  }
  std::cout << fmt::format("{:<{}}  {:<12} {}\n", printable(service.name), width, name(service.health), methods);
}

/// The nodes of the house that the endpoint knows by NATS.
int list_house(const Arguments& arguments, Session& session) {
  const auto answer = session.call("b2.v1.Bridge", "List", {}, std::chrono::seconds(10));
  if (!answer && answer.error().code == Errc::not_found) {
    return complain("b2", Error{Errc::not_found, session.target().text() + " is not joined to other nodes: --nats nats://HOST:4222 at its start joins the nodes of a house"});
  }
  if (!answer) return complain("b2", answer.error());
  const auto told = b2::decode<b2::v1::BridgeListResponse>(*answer);
  if (!told) return complain("b2", told.error());
  const auto words_of = [](const b2::v1::BridgeNode& node) {
    const auto id = b2::NodeId::from_bytes(node.node);
    return id ? id->words() : "";
  };
  const Exit exit = told->connected ? Exit::done : Exit::partly;
  if (arguments.has("json")) {
    for (const b2::v1::BridgeNode& node : told->nodes) {
      ordered_json services = ordered_json::array();
      for (const b2::v1::ServiceEntry& service : node.services) services.push_back(service.name);
      const ordered_json line = {{"v", 1}, {"event", "node"}, {"name", node.name}, {"node_id", to_hex(node.node)}, {"words", words_of(node)}, {"program", node.program},
                                 {"alive", node.alive}, {"heard_ms", node.heard_ms}, {"addresses", node.addresses}, {"services", services}};
      std::cout << line.dump() << "\n";
    }
    const ordered_json summary = {{"v", 1}, {"event", "summary"}, {"connected", told->connected}, {"server", told->server}, {"problem", told->problem},
                                  {"nodes", told->nodes.size()}, {"code", code(exit)}};
    std::cout << summary.dump() << "\n";
    return code(exit);
  }
  for (const b2::v1::BridgeNode& node : told->nodes) {
    std::cout << fmt::format("{}  {}  {}  {}\n", printable(node.name), words_of(node), printable(node.program),
                             node.alive ? "" : fmt::format("away for {} s", node.heard_ms / 1000));
    for (const b2::v1::ServiceEntry& service : node.services) {
      if (!service.name.starts_with("b2.v1.")) std::cout << "  " << printable(service.name) << "\n";
    }
  }
  if (told->connected) std::cerr << told->nodes.size() << (told->nodes.size() == 1 ? " other node" : " other nodes") << " by " << printable(told->server) << "\n";
  else std::cerr << "not connected to NATS: " << printable(told->problem) << "\n";
  return code(exit);
}

std::string words_of(const b2::v1::Hello& hello) {
  const auto node = b2::NodeId::from_bytes(hello.node_id);
  return node ? node->words() : "";
}

void print_services(Session& session) {
  const b2::v1::Hello& hello = session.hello();
  std::cout << fmt::format("{}  {}{}  {}\n", printable(hello.name), words_of(hello), hello.house.empty() ? "" : "  house " + printable(hello.house), session.target().text());
  std::size_t width = 0;
  for (const b2::v1::ServiceEntry& service : hello.services) width = std::max(width, service.name.size());
  for (const b2::v1::ServiceEntry& service : hello.services) print(service, width);
}

void print_services_json(Session& session) {
  for (const b2::v1::ServiceEntry& service : session.hello().services) {
    ordered_json line = to_json(service);
    line["v"] = 1;
    std::cout << line.dump() << "\n";
  }
}

ordered_json summary_of(Session& session) {
  const b2::v1::Hello& hello = session.hello();
  return {{"v", 1}, {"event", "summary"}, {"at", session.target().text()}, {"node", hello.name}, {"node_id", to_hex(hello.node_id)},
          {"words", words_of(hello)}, {"house", hello.house}, {"services", hello.services.size()}, {"code", 0}};
}

std::string state_word(b2::v1::FoundState state) {
  switch (state) {
    case b2::v1::FoundState::proven: return "proven";
    case b2::v1::FoundState::unreachable: return "unreachable";
    case b2::v1::FoundState::foreign: return "foreign";
    default: return "heard";
  }
}

ordered_json to_json(const b2::v1::FoundNode& node) {
  ordered_json services = ordered_json::array();
  for (const b2::v1::FoundService& service : node.services) services.push_back({{"name", service.name}, {"version", service.version}});
  return {{"v", 1}, {"event", "node"}, {"state", state_word(node.state)}, {"node_id", to_hex(node.node_id)}, {"words", node.node_words}, {"name", node.name},
          {"addresses", node.addresses}, {"services", services}, {"heard_ms_ago", node.heard_ms_ago}, {"problem", node.problem}};
}

/// What is known of it, as far as it is proven.
std::string told_of(const b2::v1::FoundNode& node, bool member) {
  if (node.state == b2::v1::FoundState::unreachable) return "not reached: " + printable(node.problem);
  if (node.state == b2::v1::FoundState::foreign) return member ? "of another house" : "not proven: this machine is in no house";
  if (node.state == b2::v1::FoundState::heard) return "not proven yet";
  std::string services;
  for (const b2::v1::FoundService& service : node.services) {
    if (!service.name.starts_with("b2.v1.")) services += (services.empty() ? "" : ", ") + printable(service.name);
  }
  return services;
}

void print_nodes(const std::vector<b2::v1::FoundNode>& nodes, bool member) {
  std::cout << "\nFound on the network:\n";
  std::size_t name_width = 1, at_width = 1;
  for (const b2::v1::FoundNode& node : nodes) {
    name_width = std::max(name_width, node.name.size());
    if (!node.addresses.empty()) at_width = std::max(at_width, node.addresses.front().size());
  }
  for (const b2::v1::FoundNode& node : nodes) {
    std::cout << fmt::format("{:<{}}  {}  {:<{}}  {}\n", node.name.empty() ? "?" : printable(node.name), name_width, node.node_words,
                             node.addresses.empty() ? "" : printable(node.addresses.front()), at_width, told_of(node, member));
  }
}

/// What this machine's host has found, where it looks for others.
std::optional<b2::v1::FoundResponse> found_by(Session& session, Duration timeout) {
  const auto& services = session.hello().services;
  if (std::ranges::none_of(services, [](const b2::v1::ServiceEntry& service) { return service.name == "b2.v1.Discovery"; })) return std::nullopt;
  const auto answer = session.call("b2.v1.Discovery", "Found", b2::encode(b2::v1::FoundRequest()), timeout);
  if (!answer) return std::nullopt;
  auto found = b2::decode<b2::v1::FoundResponse>(*answer);
  return found ? std::optional(std::move(*found)) : std::nullopt;
}

/// This machine's host, and the nodes that it, or a look around, has found.
int list_here(const Arguments& arguments) {
  const auto wait = wait_of(arguments);
  if (!wait) return usage_error("b2", wait.error());
  const auto where = places(arguments);
  if (!where) return complain("b2", where.error());
  auto session = open_session(arguments, "");
  const bool json = arguments.has("json");
  if (session) json ? print_services_json(**session) : print_services(**session);

  std::optional<b2::v1::FoundResponse> found;
  bool member = session && !(*session)->hello().house.empty();
  if (session && !arguments.has("wait")) found = found_by(**session, std::chrono::seconds(5));
  if (!found && (!session || arguments.has("wait")) && *wait > Duration::zero()) {
    auto look = Look::begin(*where);
    if (!look) return complain("b2", look.error());
    if ((*look)->has_links() && !(*look)->listen(*wait)) return code(Exit::interrupted);
    found = (*look)->found();
    member = (*look)->is_member();
  }
  const std::size_t count = found ? found->nodes.size() : 0;
  if (!session && count == 0) return complain("b2", session.error());
  if (json) {
    for (std::size_t i = 0; i < count; ++i) std::cout << to_json(found->nodes[i]).dump() << "\n";
    ordered_json summary = session ? summary_of(**session) : ordered_json{{"v", 1}, {"event", "summary"}, {"at", ""}, {"services", 0}, {"code", 0}};
    summary["nodes"] = count;
    std::cout << summary.dump() << "\n";
    return code(Exit::done);
  }
  if (!session) std::cerr << "b2: " << session.error().message << "\n";
  if (count != 0) print_nodes(found->nodes, member);
  else if (!found && !arguments.has("wait")) std::cerr << "b2: others are not looked for: this node listens on loopback only, or was told not to; 'b2 ls --wait 1' looks around\n";
  return code(Exit::done);
}

int list(const Arguments& arguments) {
  const std::string at = arguments.text("at", arguments.text("ADDR"));
  if (at.empty() && !arguments.has("house")) return list_here(arguments);
  auto session = open_session(arguments, at);
  if (!session) return complain("b2", session.error());
  if (arguments.has("house")) return list_house(arguments, **session);
  if (!arguments.has("json")) {
    print_services(**session);
    return code(Exit::done);
  }
  print_services_json(**session);
  std::cout << summary_of(**session).dump() << "\n";
  return code(Exit::done);
}

int describe(const Arguments& arguments) {
  auto session = open_session(arguments, arguments.text("at"));
  if (!session) return complain("b2", session.error());
  b2::v1::DescribeRequest request;
  request.service = arguments.text("SERVICE");
  request.descriptors = true;
  const auto answer = (*session)->call("b2.v1.Core", "Describe", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return complain("b2", answer.error());
  const auto response = b2::decode<b2::v1::DescribeResponse>(*answer);
  if (!response) return complain("b2", response.error());
  const b2::JsonCodec codec(response->file_descriptor_set);
  for (const b2::v1::ServiceEntry& service : response->services) {
    const auto text = codec.describe(service.name);
    if (!text) return complain("b2", text.error());
    std::cout << *text;
    std::cout << "// What its methods need of a caller here:\n";
    for (const b2::v1::Method& method : service.methods) std::cout << fmt::format("//   {:<20} {}\n", printable(method.name), method.needs.empty() ? "member" : printable(method.needs));
    std::cout << "\n";
  }
  return code(Exit::done);
}

}  // namespace

Verb ls_verb() {
  Verb verb;
  verb.name = "ls";
  verb.summary = "list the services of an endpoint, and the nodes on the network";
  verb.description =
      "Without an address: what this machine's host serves, and the nodes that it has found on the network. Where no host runs, or with --wait, the "
      "network is asked. A node is found by its beacons, which anyone can send: its name and services are shown once its certificate has proven that it is of this "
      "machine's house.";
  verb.examples = {{"b2 ls", "this machine's host, and the nodes that were found"}, {"b2 ls 127.0.0.1:2114", "one daemon"}, {"b2 ls --house", "the other nodes of the house, joined by NATS"}, {"b2 ls --wait 3", "ask the network, and listen for three seconds"},
                   {"b2 ls --json | jq -r 'select(.event == \"node\").words'", "for a script"}};
  verb.options = connection_options();
  verb.options.push_back(Option{"wait", "SECONDS", "ask the network, and listen so long (1, where no host runs); 0: don't"});
  verb.options.push_back(Option{"house", "", "the other nodes that are joined by NATS, and what they serve"});
  verb.positionals = {{"ADDR", "where to ask, instead of --at", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = list;
  return verb;
}

Verb describe_verb() {
  Verb verb;
  verb.name = "describe";
  verb.summary = "print a service's methods and messages as a .proto file would";
  verb.examples = {{"b2 describe b2.v1.Host", "one service"}, {"b2 describe --at 127.0.0.1:2114", "all of a daemon"}};
  verb.options = connection_options();
  verb.positionals = {{"SERVICE", "its full name; all when left out", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = describe;
  return verb;
}

}  // namespace ghost::app
