#include "b2/refusal_log.h"

#include <utility>

namespace ghost::b2 {

namespace {

/// After so long a peer has its whole allowance again, and need not be remembered.
constexpr Duration kForgotten = std::chrono::minutes(4);

/// A node is itself wherever it comes from; of others only the machine is known, since each connection has a port of its own.
std::string key_of(const Identity& who) {
  if (!who.node.is_none()) return who.node.hex();
  const std::size_t colon = who.where.rfind(':');
  return colon == std::string::npos ? who.where : who.where.substr(0, colon);
}

}  // namespace

RefusalLog::Peer& RefusalLog::peer(const Identity& who, TimePoint now) {
  const std::string key = key_of(who);
  const auto known = peers_.find(key);
  if (known != peers_.end()) return known->second;
  if (peers_.size() >= kMostPeers) std::erase_if(peers_, [now](const auto& one) { return now - one.second.seen > kForgotten; });
  return peers_.size() >= kMostPeers ? others_ : peers_[key];
}

std::optional<std::uint64_t> RefusalLog::take(const Identity& who, TimePoint now) {
  Peer& one = peer(who, now);
  one.seen = now;
  if (one.lines.take(now)) return std::exchange(one.unsaid, 0);
  ++one.unsaid;
  return std::nullopt;
}

}  // namespace ghost::b2
