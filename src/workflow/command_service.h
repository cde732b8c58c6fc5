#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost::workflow {

/// Runs a program of the system (looked up in PATH and the sbin folders) with `input` on its stdin, waits for it, and gives what it
/// wrote to stdout. Its stderr is the message when it fails; not_found when there is no such program. Blocks: for set-up only.
Result<std::string> run_command(const std::vector<std::string>& command, std::string_view input = {});

/// Where a program of the system is; not_found names the program.
Result<std::string> find_program(std::string_view name);

}  // namespace ghost::workflow
