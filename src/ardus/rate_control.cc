#include "ardus/rate_control.h"

#include <algorithm>

namespace ghost::ardus {

namespace {
constexpr double kTolerated = 0.001;   // loss that is no reason to slow down
constexpr double kUsualOnALink = 0.03; // so much of a wireless link's own is no reason to end doubling
constexpr double kCut = 0.7;
constexpr double kFeel = 1.04;         // growth a step once doubling is over
constexpr double kSameLoss = 0.75;     // loss that fell to less than this share of what it was, fell with the rate
constexpr std::uint64_t kLeast = 500'000;
}  // namespace

void RateControl::set_ceiling(std::uint64_t ceiling, bool fixed) {
  ceiling_ = std::max(ceiling, kLeast);
  fixed_ = fixed;
  if (rate_ == 0 && !fixed) rate_ = std::max(ceiling_ / 8, kLeast);
  rate_ = fixed ? ceiling_ : std::min(rate_, ceiling_);
}

void RateControl::cut() {
  rate_before_cut_ = rate_;
  rate_ = std::max(kLeast, static_cast<std::uint64_t>(static_cast<double>(rate_) * kCut));
  probing_ = false;
}

void RateControl::step(double loss, bool behind) {
  if (fixed_) return;
  if (loss_before_cut_ > 0) {
    floor_loss_ = loss > loss_before_cut_ * kSameLoss ? loss : 0;
    loss_before_cut_ = 0;
    if (floor_loss_ > 0) {  // the cut was for nothing
      probing_ = true;
      rate_ = std::min(ceiling_, rate_before_cut_);
      return;
    }
  }
  if (probing_ && loss < kUsualOnALink) floor_loss_ = std::max(floor_loss_, loss);
  const double ours = loss - floor_loss_ * 1.5;
  if (behind || ours >= kTolerated) {
    if (!behind) loss_before_cut_ = loss;
    cut();
    return;
  }
  rate_ = std::min(ceiling_, static_cast<std::uint64_t>(static_cast<double>(rate_) * (probing_ ? 2 : kFeel)));
}

void RateControl::silence() {
  if (fixed_) return;
  cut();
}

}  // namespace ghost::ardus
