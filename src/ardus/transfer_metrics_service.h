#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "ardus/v1/node.b2.h"

namespace ghost::ardus {

/// What a node's transfers amount to, for /metrics. Those that ended are added up; those under way are counted as they stand. Labels are
/// directions and states: none is a sender's to choose.
class TransferMetrics {
 public:
  /// A transfer that is over, once.
  void ended(const v1::Transfer& transfer);
  /// In Prometheus' text format 0.0.4 (docs/spec/ardus.md §12).
  std::string text(const v1::Transfers& under_way) const;

 private:
  struct Sums {
    std::uint64_t bytes = 0, wire_bytes = 0, source_packets = 0, sent_packets = 0, repair_symbols = 0, fallback_bytes = 0;
    void add(const v1::Transfer& transfer);
  };
  std::array<Sums, 2> sums_{};  ///< in, out
  std::array<std::array<std::uint64_t, 10>, 2> ended_{};  ///< by direction and phase
  std::uint64_t verified_ = 0, not_verified_ = 0;  ///< receivers of transfers from here
};

}  // namespace ghost::ardus
