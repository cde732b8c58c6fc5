#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "b2/identity.h"
#include "base/time.h"
#include "base/token_bucket.h"

namespace ghost::b2 {

/// Which refusals are worth a line of the log: of each peer the first few, then one a minute, so that one who keeps trying neither fills
/// the log nor hides another. Pure.
class RefusalLog {
 public:
  static constexpr double kAtOnce = 3, kEachSecond = 1.0 / 60;
  static constexpr std::size_t kMostPeers = 1024;  ///< told apart at once; the rest share one allowance

  /// How many of that peer's refusals were left out since its last line; nothing when this one is to be left out, too.
  std::optional<std::uint64_t> take(const Identity& who, TimePoint now);

 private:
  struct Peer {
    TokenBucket lines{kAtOnce, kEachSecond};
    std::uint64_t unsaid = 0;
    TimePoint seen{};
  };
  Peer& peer(const Identity& who, TimePoint now);

  std::map<std::string, Peer> peers_;
  Peer others_;
};

}  // namespace ghost::b2
