#include "ardus/layout_trial.h"

namespace ghost::ardus {

namespace {
constexpr unsigned kShortAlone = 4;                           // where a tenth is lost, that happens by chance once in 10,000 times
constexpr Duration kTrialPatience = std::chrono::seconds(3);  // with one that hears nothing at all
}  // namespace

void LayoutTrial::joined(std::uint32_t largest) {
  if (largest == largest_) return;
  *this = LayoutTrial();  // another interface, or another way
  largest_ = largest;
}

void LayoutTrial::heard(std::uint16_t round, bool is_long) {
  long_ = long_ || is_long;
  if (short_alone_ > 0 && round == last_round_) return;
  ++short_alone_;
  last_round_ = round;
}

LayoutTrial::Verdict LayoutTrial::verdict(TimePoint now) const {
  if (failed_ || largest_ < kLongestDatagram) return Verdict::small;
  if (long_) return Verdict::jumbo;
  const bool over = since_ != TimePoint{} && now - since_ >= kTrialPatience;
  return over || short_alone_ >= kShortAlone ? Verdict::small : Verdict::open;
}

}  // namespace ghost::ardus
