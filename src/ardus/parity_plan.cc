#include "ardus/parity_plan.h"

#include <algorithm>
#include <cmath>

namespace ghost::ardus {

namespace {
constexpr double kNeededBy = 2;        // receivers expected to lack the next symbol, for it to be sent unasked
constexpr double kNeededByAtEnd = 0.5;
constexpr double kAskedShare = 0.7;    // of blocks, that should still be asked for
constexpr double kStep = 0.06, kLargestStep = 8, kFarOff = 1.8;  // symbols
}  // namespace

double ParityPlan::expected_short(std::size_t k, std::size_t parity, std::size_t receivers, double loss) {
  if (loss <= 0) return 0;
  if (loss >= 1) return static_cast<double>(receivers);
  // P(more than `parity` of k + parity are lost), summed from the other side.
  const double n = static_cast<double>(k + parity);
  double term = std::pow(1 - loss, n), enough = term;
  for (std::size_t lost = 1; lost <= parity; ++lost) {
    term *= (n - static_cast<double>(lost) + 1) / static_cast<double>(lost) * loss / (1 - loss);
    enough += term;
  }
  return static_cast<double>(receivers) * std::max(0.0, 1 - enough);
}

std::uint16_t ParityPlan::symbols(std::size_t k, std::size_t receivers, bool last) const {
  const double needed = last ? kNeededByAtEnd : kNeededBy;
  std::size_t parity = 0;
  while (parity < 64 && expected_short(k, parity, receivers, loss_) >= needed) ++parity;
  return static_cast<std::uint16_t>(std::clamp(std::lround(static_cast<double>(parity) + correction_), 0l, 96l));
}

void ParityPlan::sample(double loss) {
  const double weight = 1.0 / std::min(++samples_, 32u);
  loss_ += weight * (std::clamp(loss, 0.0, 1.0) - loss_);
}

void ParityPlan::result(double used, std::size_t blocks, std::size_t asked, std::size_t extra) {
  if (blocks == 0) return;
  const double mean = static_cast<double>(extra) / static_cast<double>(blocks);
  if (mean > kFarOff) {
    // Windows planned before the news of this one came tell the same again: half-way to where this one would have been right.
    correction_ += std::max(0.0, std::min(used + mean - 1 - correction_, kLargestStep)) / 2;
  } else {
    correction_ += kStep * (static_cast<double>(asked) * (1 - kAskedShare) - static_cast<double>(blocks - asked) * kAskedShare);
  }
  correction_ = std::clamp(correction_, -4.0, 64.0);
}

}  // namespace ghost::ardus
