#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "portlight/ports_service.h"

namespace ghost::app {

Verb list_verb();
Verb why_verb();
Verb identify_verb();
std::vector<Verb> registry_verbs();
Verb ports_daemon_verb();

/// Portlight with the registry and the memory of the node that --state names.
Result<std::unique_ptr<portlight::Portlight>> open_portlight(const Arguments& arguments);

/// Prints "portlight: message"; wrong input is a usage error.
int refuse(const Error& error);

/// "2203", "1117-1120" → first and last; malformed, with what ports there are, for anything else that begins with a digit.
Result<std::pair<std::uint16_t, std::uint16_t>> parse_ports(std::string_view text);
bool is_number(std::string_view text);

Option level_option();

}  // namespace ghost::app
