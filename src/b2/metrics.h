#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "b2/endpoint.h"
#include "b2/v1/bridge.b2.h"
#include "b2/v1/core.b2.h"

namespace ghost::b2 {

/// A child that this endpoint hosts, as it is counted.
struct HostedCount {
  std::string name;
  bool ready = false;
  std::uint64_t restarts = 0;  ///< since the host started
};

/// What an endpoint counts, in Prometheus' text format 0.0.4 (docs/spec/b2.md §10). Labels are names of its own methods and children,
/// of statuses and of reasons: none is a caller's to choose.
std::string prometheus_text(const Endpoint& endpoint, const v1::StatsResponse& stats, const std::vector<HostedCount>& hosted);

/// What the bridge to other nodes counts, in the same format.
std::string bridge_metrics(const v1::BridgeListResponse& bridge);

}  // namespace ghost::b2
