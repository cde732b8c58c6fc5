#pragma once
#include <nlohmann/json.hpp>

#include "portlight/api.h"

namespace ghost::app {

/// The objects of --json (docs/spec/portlight.md §7).
nlohmann::ordered_json to_json(const portlight::v1::RegistryEntry& row);
nlohmann::ordered_json to_json(const portlight::v1::Identity& identity);
nlohmann::ordered_json to_json(const portlight::v1::Listener& listener);

/// One line of an event, whose object has something in it; a stranger's bytes that are no UTF-8 are replaced.
std::string line(std::string_view event, const nlohmann::ordered_json& object);

}  // namespace ghost::app
