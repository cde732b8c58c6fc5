#include "net/spin_policy.h"

#include <algorithm>

namespace ghost::net {

void SpinPolicy::found(TimePoint now, Duration waited, Look look) {
  if (look == Look::later) next_skip_ = std::max(next_skip_ / 2, 1u);
  count(now, waited);
}

void SpinPolicy::parked(TimePoint now, Duration waited, Duration in_vain) {
  count(now, waited);
  credit_ -= in_vain;
  if (in_vain > Duration::zero()) {
    skip_ = next_skip_;
    next_skip_ = std::min(2 * next_skip_, kMostSkipped);
  } else if (skip_ > 0) {
    --skip_;
  }
}

void SpinPolicy::count(TimePoint now, Duration waited) {
  mean_ += (std::min(waited, kLongest * spin_) - mean_) / kWeight;
  if (last_ != TimePoint::min()) {
    const double earned = static_cast<double>((now - last_).count()) * share_;
    const double most = static_cast<double>((kSaved * spin_).count());
    credit_ = std::min(credit_ + Duration(static_cast<Duration::rep>(std::min(earned, most))), kSaved * spin_);
  }
  last_ = now;
}

}  // namespace ghost::net
