#include "ardus/loss_events.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ghost::ardus {

namespace {
constexpr unsigned kLaterPackets = 3;                       // that show a hole to be a loss and not a detour
constexpr std::size_t kMostHoles = 64;
constexpr std::array<double, 8> kIntervalWeights = {1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2};  // RFC 5348 §5.4

double weighted_mean(const std::deque<double>& intervals, std::size_t from) {
  double sum = 0, weights = 0;
  for (std::size_t i = from; i < intervals.size() && i - from < kIntervalWeights.size(); ++i) {
    sum += kIntervalWeights[i - from] * intervals[i];
    weights += kIntervalWeights[i - from];
  }
  return weights > 0 ? sum / weights : 0;
}
}  // namespace

double tcp_rate(double packet, Duration round_trip, double p) {
  const double r = std::max(std::chrono::duration<double>(round_trip).count(), 1e-6);
  return packet / (r * std::sqrt(2 * p / 3) + 4 * r * 3 * std::sqrt(3 * p / 8) * p * (1 + 32 * p * p));
}

double loss_for_rate(double packet, Duration round_trip, double rate) {
  double low = 1e-9, high = 1;
  for (int i = 0; i < 40; ++i) {
    const double middle = std::sqrt(low * high);
    (tcp_rate(packet, round_trip, middle) > rate ? low : high) = middle;
  }
  return high;
}

void LossEvents::arrived(std::uint64_t number, Duration round_trip, double packet, double received, TimePoint now) {
  if (!started_) {
    started_ = true;
    next_ = event_first_ = number;
  }
  if (number < next_) {  // it came by a detour
    for (Hole& hole : holes_) {
      if (number < hole.first || number >= hole.end) continue;
      const std::uint64_t end = hole.end;
      hole.end = number;
      if (number + 1 < end) holes_.push_back({number + 1, end, hole.later, hole.seen});
      break;
    }
    std::erase_if(holes_, [](const Hole& hole) { return hole.first >= hole.end; });
    return;
  }
  if (number > next_ && holes_.size() < kMostHoles) holes_.push_back({next_, number, 0, now});
  next_ = number + 1;
  for (Hole& hole : holes_) {
    if (++hole.later >= kLaterPackets) lost(hole, round_trip, packet, received);
  }
  std::erase_if(holes_, [](const Hole& hole) { return hole.later >= kLaterPackets; });
}

void LossEvents::lost(const Hole& hole, Duration round_trip, double packet, double received) {
  if (events_ > 0 && hole.seen - event_at_ < round_trip) return;
  event_at_ = hole.seen;
  ++events_;
  // How long the first interval would have been is not known: as if half of what came had been the fair share for long.
  const double interval = events_ == 1 ? 1 / loss_for_rate(packet, round_trip, std::max(received / 2, packet)) : static_cast<double>(hole.first - event_first_);
  event_first_ = hole.first;
  intervals_.push_front(0);                         // the open one, filled in by rate()
  if (intervals_.size() > 1) intervals_[1] = interval; else intervals_.push_back(interval);
  if (intervals_.size() > kIntervalWeights.size() + 1) intervals_.pop_back();
}

double LossEvents::rate() const {
  if (events_ == 0) return 0;
  std::deque<double> all = intervals_;
  all.front() = static_cast<double>(next_ - event_first_);
  return 1 / std::max({1.0, weighted_mean(all, 0), weighted_mean(all, 1)});
}

}  // namespace ghost::ardus
