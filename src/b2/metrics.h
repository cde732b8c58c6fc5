#pragma once
#include <string>
#include <string_view>

#include "b2/v1/core.b2.h"

namespace ghost::b2 {

/// Stats in Prometheus' text format 0.0.4. `program`: "ariascribe 0.1.0".
std::string prometheus_text(std::string_view program, const v1::StatsResponse& stats);

}  // namespace ghost::b2
