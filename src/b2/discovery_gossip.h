#pragma once
#include <string>
#include <vector>

#include "b2/discovery_table.h"

namespace ghost::b2 {

/// Whom to exchange peers with, where beacons do not reach: the seeds, and a few others that are proven (docs/spec/b2.md §14). Pure.
class GossipPlan {
 public:
  static constexpr Duration kRound = std::chrono::seconds(30);  ///< ± 20 %
  static constexpr std::size_t kPartners = 2;   ///< of a round, beside the seeds
  static constexpr std::size_t kMostHints = 64;  ///< in one exchange, each way

  GossipPlan(std::vector<std::string> seeds, SeededRandom& random);

  /// Addresses to call now. A seed's answer is told by answered().
  std::vector<std::string> take(PeerTable& peers, TimePoint now);
  void answered(const std::string& address, bool well, TimePoint now);
  TimePoint next_wakeup() const;
  bool has_seeds() const { return !seeds_.empty(); }

 private:
  struct Seed {
    std::string address;
    TimePoint next{};
    std::uint32_t failures = 0;
    bool calling = false;
  };
  Duration round();

  SeededRandom& random_;
  std::vector<Seed> seeds_;
  TimePoint next_round_{};
};

}  // namespace ghost::b2
