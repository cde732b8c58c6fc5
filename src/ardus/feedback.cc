#include "ardus/feedback.h"

#include <algorithm>
#include <cmath>

namespace ghost::ardus {

Duration backoff(double unit, Duration longest, std::uint32_t group) {
  if (longest <= Duration::zero()) return Duration::zero();
  const double lambda = std::log(std::max(1.0, static_cast<double>(group))) + 1;
  // x is even in [lambda/(T(e^lambda-1)), the same + lambda/T); the delay is T/lambda * ln(x * (e^lambda-1) * T/lambda).
  const double scale = std::exp(lambda) - 1;
  const double share = std::log(unit * scale + 1) / lambda;
  return Duration(static_cast<Duration::rep>(static_cast<double>(longest.count()) * std::min(share, 1.0)));
}

std::uint64_t feedback_hash(std::uint64_t sequence, ReceiverNumber receiver) {
  std::uint64_t z = (sequence << 32 ^ receiver.value) + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Duration census_slot(std::uint64_t sequence, ReceiverNumber receiver, Duration slots) {
  if (slots <= Duration::zero()) return Duration::zero();
  return Duration(static_cast<Duration::rep>(feedback_hash(~sequence, receiver) % static_cast<std::uint64_t>(slots.count())));
}

}  // namespace ghost::ardus
