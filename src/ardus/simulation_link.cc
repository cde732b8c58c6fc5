#include "ardus/simulation_link.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ghost::ardus {

namespace {

/// Geometrically distributed, at least 0: failures before the first success.
std::uint64_t geometric(SeededRandom& random, double success) {
  if (success >= 1) return 0;
  return static_cast<std::uint64_t>(std::min(1e15, std::floor(std::log(1 - random.unit()) / std::log(1 - success))));
}

}  // namespace

SimulatedLoss::SimulatedLoss(double loss, double burst, std::uint64_t seed) : loss_(loss), burst_(std::max(1.0, burst)), random_(seed) { draw(); }

void SimulatedLoss::draw() {
  if (loss_ <= 0) {
    good_ = std::numeric_limits<std::uint64_t>::max();
    return;
  }
  if (burst_ <= 1) {
    good_ = geometric(random_, loss_);
    bad_ = 1;
    return;
  }
  const double mean_good = std::max(1.0, burst_ * (1 - loss_) / loss_);
  good_ = 1 + geometric(random_, 1 / mean_good);
  bad_ = 1 + geometric(random_, 1 / burst_);
}

bool SimulatedLoss::lose() {
  if (good_ > 0) {
    --good_;
    return false;
  }
  if (--bad_ == 0) draw();
  return true;
}

TimePoint SimulatedQueue::pass(std::uint64_t wire_bytes, TimePoint now) {
  const auto time_of = [this](std::uint64_t bytes) { return Duration(static_cast<Duration::rep>(static_cast<double>(bytes) * 8e9 / static_cast<double>(rate_))); };
  free_ = std::max(free_, now);
  if (free_ - now > time_of(bytes_)) return TimePoint::max();
  free_ += time_of(wire_bytes);
  return free_;
}

unsigned RenoFlow::take() {
  const auto may = static_cast<std::uint64_t>(window_), out = next_ - first_out_;
  const std::uint64_t now = out < may ? may - out : 0;
  next_ += now;
  return static_cast<unsigned>(now);
}

/// What left three or more segments before it and has not come is lost: the way keeps their order.
void RenoFlow::acknowledged(std::uint64_t number, Duration round_trip, TimePoint now) {
  heard_ = now;
  backoff_ = 0;
  trip_ = trip_ == Duration::zero() ? round_trip : (trip_ * 7 + round_trip) / 8;
  if (number < first_out_) return;
  if (number > first_out_ && first_out_ >= recover_) {
    threshold_ = window_ = std::max(2.0, window_ / 2);
    recover_ = next_;
  }
  first_out_ = number + 1;
  if (number < recover_) return;
  window_ += window_ < threshold_ ? 1 : 1 / window_;
}

TimePoint RenoFlow::timeout() const {
  return heard_ + std::max<Duration>(std::chrono::milliseconds(200), 2 * trip_) * (1 << std::min(backoff_, 6u));
}

void RenoFlow::on_timeout(TimePoint now) {
  heard_ = now;
  ++backoff_;
  threshold_ = std::max(2.0, window_ / 2);
  window_ = 1;
  recover_ = first_out_ = next_;
}

}  // namespace ghost::ardus
