#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/finding.h"

namespace ghost::app {

/// Prints what a doctor found: a line each and what to do, or with `json` {"event":"finding"} each and a summary.
/// @param seen  counted in the summary: {"nodes", 3}
/// @return      the exit code: 1 when something is wrong
int report_findings(const std::vector<Finding>& findings, std::pair<std::string_view, std::size_t> seen, bool json);

}  // namespace ghost::app
