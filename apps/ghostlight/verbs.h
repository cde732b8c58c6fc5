#pragma once
#include <filesystem>
#include <vector>

#include "base/command_line.h"
#include "app/places.h"

namespace ghost::app {

Verb up_verb();
Verb start_verb();
Verb stop_verb();
Verb upgrade_verb();
Verb status_verb();
Verb config_verb();
std::vector<Verb> house_verbs();

/// The file in the state that tells this machine's owner how to open the console: one line, the address with its token (0600).
inline std::filesystem::path console_file(const Places& where) { return where.state / "console.url"; }
/// Locked by the host that runs on a state; holds its pid.
inline std::filesystem::path up_lock(const Places& where) { return where.state / "up.lock"; }

}  // namespace ghost::app
