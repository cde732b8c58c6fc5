#include "ardus/layout_trial.h"

namespace ghost::ardus {

namespace {
constexpr unsigned kShortAlone = 4;  // where a tenth is lost, that happens by chance once in 10,000 times
}  // namespace

bool LayoutTrial::joined(std::uint32_t largest, std::string_view from, bool begun) {
  if (largest == largest_ && from == from_) return false;
  const TimePoint since = begun ? TimePoint{} : since_;  // else who joins anew again and again would be waited for without end
  *this = LayoutTrial();
  largest_ = largest;
  from_ = from;
  since_ = since;
  return true;
}

bool LayoutTrial::begin(TimePoint now) {
  if (since_ != TimePoint{}) return false;
  since_ = now;
  return true;
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
