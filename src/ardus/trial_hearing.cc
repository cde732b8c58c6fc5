#include "ardus/trial_hearing.h"

#include <algorithm>

namespace ghost::ardus {

namespace {
constexpr double kChecksASecond = 50, kChecksAtOnce = 50;  // a sender's own are 20 a second, some more in the first tenth
}  // namespace

bool TrialHearing::is_worth_a_check(const Trial& trial, TimePoint now) {
  if (told_long_) return false;
  const bool newer = !last_ || static_cast<std::int16_t>(trial.round - *last_) > 0;  // rounds wrap
  if (!newer && !(trial.is_long && !long_ && trial.round == *last_)) return false;
  checks_ = counted_ == TimePoint{} ? kChecksAtOnce : std::min(kChecksAtOnce, checks_ + kChecksASecond * std::chrono::duration<double>(now - counted_).count());
  counted_ = now;
  if (checks_ < 1) return false;
  checks_ -= 1;
  return true;
}

bool TrialHearing::heard(const Trial& trial) {
  last_ = trial.round;
  long_ = long_ || trial.is_long;
  if (telling_) return false;  // the next round's is told
  telling_ = true;
  telling_long_ = long_;
  return true;
}

void TrialHearing::answered(bool taken) {
  told_long_ = told_long_ || (taken && telling_long_);
  telling_ = false;
}

}  // namespace ghost::ardus
