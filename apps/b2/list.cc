#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "b2/json.h"
#include "b2/message.h"
#include "b2/v1/bridge.b2.h"
#include "b2/v1/core.b2.h"
#include "base/text.h"
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

int list(const Arguments& arguments) {
  auto session = open_session(arguments, arguments.text("at", arguments.text("ADDR")));
  if (!session) return complain("b2", session.error());
  if (arguments.has("house")) return list_house(arguments, **session);
  const b2::v1::Hello& hello = (*session)->hello();
  const auto node = b2::NodeId::from_bytes(hello.node_id);
  const std::string words = node ? node->words() : "";
  if (arguments.has("json")) {
    for (const b2::v1::ServiceEntry& service : hello.services) {
      ordered_json line = to_json(service);
      line["v"] = 1;
      std::cout << line.dump() << "\n";
    }
    const ordered_json summary = {{"v", 1}, {"event", "summary"}, {"at", (*session)->target().text()}, {"node", hello.name}, {"node_id", to_hex(hello.node_id)},
                                  {"words", words}, {"house", hello.house}, {"services", hello.services.size()}, {"code", 0}};
    std::cout << summary.dump() << "\n";
    return code(Exit::done);
  }
  std::cout << fmt::format("{}  {}{}  {}\n", printable(hello.name), words, hello.house.empty() ? "" : "  house " + printable(hello.house), (*session)->target().text());
  std::size_t width = 0;
  for (const b2::v1::ServiceEntry& service : hello.services) width = std::max(width, service.name.size());
  for (const b2::v1::ServiceEntry& service : hello.services) print(service, width);
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
    std::cout << *text << "\n";
  }
  return code(Exit::done);
}

}  // namespace

Verb ls_verb() {
  Verb verb;
  verb.name = "ls";
  verb.summary = "list the services of an endpoint";
  verb.examples = {{"b2 ls", "this machine's host"}, {"b2 ls 127.0.0.1:2114", "one daemon"}, {"b2 ls --house", "the other nodes of the house, joined by NATS"}, {"b2 ls --json | jq -r .name", "for a script"}};
  verb.options = connection_options();
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
