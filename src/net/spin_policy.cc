#include "net/spin_policy.h"

#include <algorithm>

namespace ghost::net {

void SpinPolicy::waited(TimePoint now, Duration waited, Duration in_vain) {
  mean_ += (std::min(waited, kLongest * spin_) - mean_) / kWeight;
  if (last_ != TimePoint::min()) {
    const double earned = static_cast<double>((now - last_).count()) * share_;
    const double most = static_cast<double>((kSaved * spin_).count());
    credit_ += Duration(static_cast<Duration::rep>(std::min(earned, most)));
  }
  credit_ = std::min(credit_, kSaved * spin_) - in_vain;
  last_ = now;
}

}  // namespace ghost::net
