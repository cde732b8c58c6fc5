#pragma once
#include <chrono>

namespace ghost {

/// Monotonic time. Cores get it as an argument and never ask for it; tests make it up.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// Seconds since 1970, for what people and certificates read.
using WallTime = std::chrono::system_clock::time_point;

}  // namespace ghost
