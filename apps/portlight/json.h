#pragma once
#include <nlohmann/json.hpp>

#include "portlight/api.h"

namespace ghost::app {

/// The objects of --json (docs/spec/portlight.md §7).
nlohmann::ordered_json to_json(const portlight::v1::RegistryEntry& row);
nlohmann::ordered_json to_json(const portlight::v1::Identity& identity);
nlohmann::ordered_json to_json(const portlight::v1::Listener& listener);

/// One line; a stranger's bytes that are no UTF-8 are replaced.
std::string line(const nlohmann::ordered_json& object);

}  // namespace ghost::app
