#pragma once
#include <filesystem>

#include "portlight/registry.h"

namespace ghost::portlight {

/// The registry of this node: the one in the program, or a newer one that update_registry() put into the state, with /etc/services
/// laid over it. Errors name the file and what to do.
Result<Registry> open_registry(const std::filesystem::path& state);

struct RegistryUpdate {
  std::size_t rows = 0, added = 0, gone = 0;  ///< against the registry of before
  std::filesystem::path file;                 ///< where it is kept
};
/// Takes a newer service-names-port-numbers.csv of IANA's into the state; the old registry's rows that it lacks become history.
Result<RegistryUpdate> update_registry(const std::filesystem::path& state, const std::filesystem::path& csv);

}  // namespace ghost::portlight
