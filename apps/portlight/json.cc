#include "json.h"

namespace ghost::app {

using nlohmann::ordered_json;

ordered_json to_json(const portlight::v1::RegistryEntry& row) {
  return {{"name", row.name},         {"transport", row.transport},   {"first", row.first},       {"last", row.last}, {"description", row.description},
          {"assignee", row.assignee}, {"registered", row.registered}, {"modified", row.modified}, {"note", row.note}};
}

ordered_json to_json(const portlight::v1::Identity& identity) {
  return {{"status", identity.status}, {"protocol", identity.protocol}, {"product", identity.product}, {"version", identity.version}, {"confidence", identity.confidence}, {"evidence", identity.evidence}};
}

ordered_json to_json(const portlight::v1::Listener& listener) {
  const portlight::v1::Owner owner = listener.owner.value_or(portlight::v1::Owner{});
  ordered_json rows = ordered_json::array();
  for (const auto& row : listener.registry) rows.push_back(to_json(row));
  return {{"proto", listener.protocol},
          {"address", listener.address},
          {"port", listener.port},
          {"netns", listener.netns},
          {"registry", {{"status", listener.registry_status}, {"rows", rows}}},
          {"identity", to_json(listener.identity.value_or(portlight::v1::Identity{}))},
          {"owner",
           {{"status", owner.status}, {"pid", owner.pid}, {"process", owner.process}, {"user", owner.user}, {"unit", owner.unit}, {"container", owner.container},
            {"package", owner.package}, {"executable", owner.executable}, {"command", owner.command}}},
          {"exposure", listener.exposure},
          {"novelty", listener.novelty},
          {"verdict", listener.verdict},
          {"why", listener.why}};
}

std::string line(std::string_view event, const ordered_json& object) {
  const std::string text = object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return "{\"v\":1,\"event\":\"" + std::string(event) + "\"," + text.substr(1) + "\n";
}

}  // namespace ghost::app
