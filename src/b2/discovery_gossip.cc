#include "b2/discovery_gossip.h"

namespace ghost::b2 {

namespace {
constexpr Duration kFirstSeedRetry = std::chrono::seconds(1);
}

GossipPlan::GossipPlan(std::vector<std::string> seeds, SeededRandom& random) : random_(random) {
  for (std::string& seed : seeds) seeds_.push_back({std::move(seed), {}, 0, false});
}

Duration GossipPlan::round() { return std::chrono::duration_cast<Duration>(kRound * (0.8 + 0.4 * random_.unit())); }

std::vector<std::string> GossipPlan::take(PeerTable& peers, TimePoint now) {
  std::vector<std::string> calls;
  for (Seed& seed : seeds_) {
    if (seed.calling || seed.next > now) continue;
    seed.calling = true;
    calls.push_back(seed.address);
  }
  if (next_round_ > now) return calls;
  const bool first = next_round_ == TimePoint{};
  next_round_ = now + round();
  // Where all are heard, or nobody knows more than what is heard, there is nothing to tell.
  if (first || (seeds_.empty() && !peers.has_told())) return calls;
  for (const PeerTable::Dial& partner : peers.partners(kPartners)) calls.push_back(partner.address);
  return calls;
}

void GossipPlan::answered(const std::string& address, bool well, TimePoint now) {
  for (Seed& seed : seeds_) {
    if (seed.address != address) continue;
    seed.calling = false;
    seed.failures = well ? 0 : seed.failures + 1;
    const Duration pause = kFirstSeedRetry * (std::int64_t{1} << std::min(seed.failures, 6u));
    seed.next = now + (well ? round() : std::min<Duration>(pause / 2, kRound));
  }
}

TimePoint GossipPlan::next_wakeup() const {
  TimePoint next = next_round_;
  for (const Seed& seed : seeds_) {
    if (!seed.calling) next = std::min(next, seed.next);
  }
  return next;
}

}  // namespace ghost::b2
