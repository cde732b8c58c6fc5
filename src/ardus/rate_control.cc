#include "ardus/rate_control.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ghost::ardus {

namespace {
constexpr double kCut = 0.7;
constexpr double kRaise = 1.25;        // a try for more; and growth once a limit was met
constexpr double kBelow = 0.98;        // of what came through: lets a queue run empty
constexpr double kMore = 0.04;         // loss that grew by so much beyond its noise grew with the rate
constexpr double kSuspicious = 0.005;  // so much beyond the links' own is worth a try at a lower rate
constexpr double kTooMuchToRaise = 0.1;
constexpr double kFarTooMuch = 0.5;
constexpr double kAsMuch = 0.85;
constexpr double kRateBound = 0.8;     // who sends less than this share of the rate is not held back by it
constexpr int kTrySamples = 2, kShortPause = 8, kLongPause = 64, kDrainSteps = 4, kCutsInVain = 2;
constexpr double kPieces = 48, kSure = 2, kSmoothed = 0.4;
constexpr double kLeast = 500'000;
}  // namespace

void RateControl::set_ceiling(std::uint64_t ceiling, bool fixed) {
  const bool first = rate_ == 0;
  ceiling_ = std::max(ceiling, static_cast<std::uint64_t>(kLeast));
  if (before_slow_) {  // what comes through to the slow ones stays what it is
    before_slow_ = {fixed ? ceiling_ : std::min(before_slow_->rate, ceiling_), fixed};
    return set_rate(static_cast<double>(rate_));
  }
  fixed_ = fixed;
  if (fixed) {
    rate_ = ceiling_;
  } else {
    set_rate(first ? static_cast<double>(ceiling_) / 8 : static_cast<double>(rate_));
  }
  if (first) pause_ = wait_ = kShortPause;
}

void RateControl::set_rate(double rate) { rate_ = static_cast<std::uint64_t>(std::clamp(rate, kLeast, static_cast<double>(ceiling_))); }

/// How far a sample is from the true loss by chance, as a standard deviation: it is of some 768 packets, and where a switch, or a host's own
/// interface, drops pieces of 16, of 48 of those.
double RateControl::chance(double loss) { return std::sqrt(loss * (1 - loss) / kPieces); }

double RateControl::noise(double loss, int samples) const { return std::max({kMore, 2 * spread_, kSure * chance(loss) / std::sqrt(samples)}); }

void RateControl::step(const RateSample& sample) {
  if (fixed_) return;
  Point at{static_cast<double>(rate_), std::clamp(sample.loss, 0.0, 1.0)};
  if (sample.sent > 0) at.rate = std::min(at.rate, static_cast<double>(sample.sent));
  if (draining_ > 0) --draining_;
  if (sample.behind) {
    if (draining_ > 0) return;
    draining_ = kDrainSteps;
    growth_ = kRaise;
    pause_ = kShortPause;
    return hold_at(kCut * at.rate);
  }
  switch (state_) {
    case State::rising: return rise(at);
    case State::holding: return hold(at);
    case State::raised: return judge_raised(at);
    case State::lowered: return judge_lowered(at);
  }
}

void RateControl::rise(const Point& at) {
  if (before_ && at.loss - before_->loss > noise(at.loss, 1)) return found(at.delivered(), at.rate);
  if (!before_ && at.loss > kTooMuchToRaise) return lower(at);
  if (before_) own_ = (before_->loss + at.loss) / 2;
  before_ = at;
  loss_ = own_;
  if (rate_ == ceiling_) return hold_at(static_cast<double>(rate_));
  if (at.rate >= kRateBound * static_cast<double>(rate_)) set_rate(static_cast<double>(rate_) * growth_);
}

void RateControl::hold(const Point& at) {
  if (std::exchange(measured_, false) && at.loss - own_ <= kMore) own_ = loss_ = at.loss;  // of more packets than the trains had
  if (at.loss - own_ > kTooMuchToRaise + 2 * std::max(spread_, chance(own_))) return lower(at);
  spread_ += (std::abs(at.loss - loss_) - spread_) / 8;
  loss_ += (at.loss - loss_) / 4;
  own_ -= std::max(0.0, own_ - loss_) / 16;
  if (loss_ - own_ > std::max({kSuspicious, spread_, kSmoothed * chance(loss_)})) return lower({at.rate, loss_});
  const bool bound = at.rate >= kRateBound * static_cast<double>(rate_);
  if (--wait_ > 0 || rate_ == ceiling_ || !bound) return;
  before_ = Point{at.rate, loss_};
  back_to_ = static_cast<double>(rate_);
  set_rate(back_to_ * kRaise);
  state_ = State::raised;
  samples_ = 0;
}

void RateControl::lower(const Point& from) {
  before_ = from;
  back_to_ = static_cast<double>(rate_);
  set_rate(kCut * from.rate);
  state_ = State::lowered;
  samples_ = 0;
}

/// Sums up what is tried; true when it is enough to judge by.
bool RateControl::averaged(const Point& at) {
  if (samples_ == 0) sum_ = {};
  sum_.rate += at.rate;
  sum_.loss += at.loss;
  if (++samples_ < kTrySamples) return false;
  sum_.rate /= samples_;
  sum_.loss /= samples_;
  return true;
}

void RateControl::judge_raised(const Point& at) {
  const bool hurts = at.loss - before_->loss > std::max(kTooMuchToRaise, noise(at.loss, 1));
  if (!hurts && !averaged(at)) return;
  if (hurts || sum_.loss - before_->loss > noise(sum_.loss, samples_)) {
    pause_ = std::min(2 * pause_, kLongPause);
    return hold_at(back_to_);
  }
  pause_ = kShortPause;
  growth_ = kRaise;
  before_ = sum_;
  state_ = State::rising;
}

void RateControl::judge_lowered(const Point& at) {
  if (!averaged(at)) return;
  // Where far too much is sent, less of it is no less through; where a little too much, little is lost of less.
  const bool as_much = sum_.delivered() > kAsMuch * before_->delivered();
  const bool helps = (as_much || sum_.loss < before_->loss / 2) && before_->loss - sum_.loss > std::max(spread_, chance(before_->loss) / std::sqrt(samples_));
  if (helps) {
    own_ = std::min(own_, sum_.loss);
    return found(sum_.loss > own_ + kMore ? sum_.delivered() : before_->delivered(), before_->rate);
  }
  own_ = before_->loss;
  loss_ = own_;
  set_rate(back_to_);
  state_ = State::rising;
}

/// So much comes through, and no more.
void RateControl::found(double delivered, double most) {
  growth_ = kRaise;
  loss_ = own_;
  hold_at(std::min(most, kBelow * delivered / (1 - std::min(own_, 0.9))));
}

void RateControl::hold_at(double rate) {
  set_rate(rate);
  wait_ = pause_;
  before_.reset();
  state_ = State::holding;
}

void RateControl::step_idle(const RateSample& sample) {
  if (fixed_) return;
  const double loss = std::clamp(sample.loss, 0.0, 1.0);
  if (loss - own_ <= kFarTooMuch) {
    in_vain_ = 0;
    return cut_at_.reset();
  }
  // Less was sent, and as much of it lost: once that may be what a queue still held of the time before.
  in_vain_ = cut_at_ && loss > kAsMuch * *cut_at_ ? in_vain_ + 1 : 0;
  if (in_vain_ == kCutsInVain) {
    own_ = loss;
    in_vain_ = 0;
    return cut_at_.reset();
  }
  cut_at_ = loss;
  found(static_cast<double>(rate_) * (1 - loss), static_cast<double>(rate_));
}

void RateControl::opened(const Opening::Outcome& outcome) {
  if (fixed_) return;
  if (outcome.limited) {
    own_ = outcome.own;
    measured_ = true;
    return found(outcome.carried * (1 - own_), static_cast<double>(rate_));
  }
  if (outcome.level) growth_ = kRaise;
  set_rate(std::min(static_cast<double>(rate_), growth_ * outcome.carried));
}

void RateControl::follow_slow(double carried) {
  before_slow_ = {rate_, fixed_};
  fixed_ = false;
  own_ = 0;
  found(carried, static_cast<double>(rate_));
}

void RateControl::follow_all() {
  if (!before_slow_) return;
  fixed_ = before_slow_->fixed;
  hold_at(static_cast<double>(before_slow_->rate));
  before_slow_.reset();
}

void RateControl::silence() {
  if (fixed_) return;
  growth_ = kRaise;
  hold_at(kCut * static_cast<double>(rate_));
}

}  // namespace ghost::ardus
