#pragma once
#include <algorithm>

#include "base/time.h"

namespace ghost {

/// Allows `burst` events at once and `rate` a second in the long run.
class TokenBucket {
 public:
  TokenBucket(double burst, double rate) : burst_(burst), rate_(rate), tokens_(burst) {}

  bool take(TimePoint now) {
    if (now > filled_) {
      tokens_ = std::min(burst_, tokens_ + std::chrono::duration<double>(now - filled_).count() * rate_);
      filled_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double burst_, rate_, tokens_;
  TimePoint filled_{};
};

}  // namespace ghost
