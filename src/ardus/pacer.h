#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace ghost::ardus {

/// When the next datagram may leave: `rate` bits a second in bursts of at most half a millisecond or 64 KiB, at most 1 ms made up
/// for when the caller was late.
class Pacer {
 public:
  void set_rate(std::uint64_t bits_per_second) { rate_ = std::max<std::uint64_t>(bits_per_second, 1); }
  std::uint64_t rate() const { return rate_; }

  bool ready(TimePoint now) const { return next_ <= now + burst(); }
  /// When ready() is true again with room for a whole burst.
  TimePoint next() const { return next_; }
  void sent(std::uint64_t wire_bytes, TimePoint now) {
    next_ = std::max(next_, now - std::chrono::milliseconds(1)) + time_of(wire_bytes);
  }
  Duration time_of(std::uint64_t wire_bytes) const {
    return Duration(static_cast<Duration::rep>(static_cast<double>(wire_bytes) * 8e9 / static_cast<double>(rate_)));
  }

 private:
  Duration burst() const { return std::min<Duration>(std::chrono::microseconds(500), time_of(64 * 1024)); }

  std::uint64_t rate_ = 1'000'000;
  TimePoint next_{};
};

}  // namespace ghost::ardus
