#include <cstdlib>

#include "base/file.h"

namespace ghost {

namespace fs = std::filesystem;

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

// systemd gives a unit a list, separated by colons; XDG wants relative paths ignored.
static std::optional<fs::path> absolute(const Environment& environment, const std::string& name) {
  const auto value = environment(name);
  if (!value || value->empty() || (*value)[0] != '/') return std::nullopt;
  return fs::path(value->substr(0, value->find(':')));
}

static std::optional<fs::path> below_home(const Environment& environment, const std::string& xdg, const char* otherwise) {
  if (auto directory = absolute(environment, xdg)) return *directory / "ghostlight";
  if (auto home = absolute(environment, "HOME")) return *home / otherwise / "ghostlight";
  return std::nullopt;
}

Result<StandardDirectories> standard_directories(uid_t user, const Environment& environment) {
  StandardDirectories found;
  if (user == 0 || absolute(environment, "STATE_DIRECTORY")) {
    found = {"/var/lib/ghostlight", "/etc/ghostlight", "/run/ghostlight"};
  } else {
    const auto state = below_home(environment, "XDG_STATE_HOME", ".local/state");
    const auto config = below_home(environment, "XDG_CONFIG_HOME", ".config");
    if (!state || !config)
      return Error{Errc::not_found, "no directory for this user's files: set HOME, or name one with --state and --config"};
    const auto runtime = absolute(environment, "XDG_RUNTIME_DIR");
    found = {*state, *config, runtime ? *runtime / "ghostlight" : *state / "run"};
  }
  found.state = absolute(environment, "STATE_DIRECTORY").value_or(found.state);
  found.config = absolute(environment, "CONFIGURATION_DIRECTORY").value_or(found.config);
  found.runtime = absolute(environment, "RUNTIME_DIRECTORY").value_or(found.runtime);
  return found;
}

}  // namespace ghost
