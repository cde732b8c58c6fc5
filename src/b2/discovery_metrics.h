#pragma once
#include <string>

#include "b2/discovery.h"

namespace ghost::b2 {

/// What discovery counts, in Prometheus' text format 0.0.4 (docs/spec/b2.md §14).
std::string discovery_metrics(const Discovery& discovery);

}  // namespace ghost::b2
