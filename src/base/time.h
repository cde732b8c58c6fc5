#pragma once
#include <chrono>

namespace ghost {

/// Monotonic time. Cores get it as an argument and never ask for it; tests make it up.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// Where a core that is called from its user, not from an event, learns the time.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time of the turn under way: the same for everything that happens in it.
  virtual TimePoint now() const = 0;
  /// The time right now, for measuring how long work took.
  virtual TimePoint precise_now() const { return now(); }
};

/// Seconds since 1970, for what people and certificates read.
using WallTime = std::chrono::system_clock::time_point;

}  // namespace ghost
