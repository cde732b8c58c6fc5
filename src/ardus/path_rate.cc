#include "ardus/path_rate.h"

#include <algorithm>

#include "ardus/loss_events.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr double kLeastPathRate = 100'000, kLeastBackground = 500'000;
constexpr Duration kShortestTrip = 100us;

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }
}  // namespace

void PathRate::cut(double factor) { rate_ = std::max(kLeastPathRate, factor * rate_); }

void PathRate::note_received(const PathReport& path) {
  if (path.received == 0) return;  // it has counted nothing yet
  const double received = path.received * 1e3;
  least_received_ = least_received_ > 0 ? std::min(least_received_, received) : received;
}

// --- TFMCC: docs/spec/ardus.md §5.10 ---

void TfmccRate::report(ReceiverNumber from, const PathReport& path, Duration round_trip, TimePoint now) {
  round_trip = std::max(round_trip, kShortestTrip);
  note_received(path);
  if (path.loss_events == 0) return;
  const double share = tcp_rate(kPacketOnWire, round_trip, static_cast<double>(path.loss_events) / 0xffffffffu);
  if (slow_start_ || share < rate_) {
    rate_ = std::max(kLeastPathRate, std::min(rate_, share));
    slow_start_ = false;
    limiting_ = from;
  } else if (from == limiting_) {
    grow(share, round_trip, now - heard_);
  }
  if (from != limiting_) return;
  limiting_trip_ = round_trip;
  heard_ = now;
}

/// By a packet for each round trip, in each round trip, at most.
void TfmccRate::grow(double most, Duration round_trip, Duration since) {
  if (!busy_) return;
  const double trips = std::min(seconds_of(since), 1.0) / seconds_of(round_trip);
  rate_ = std::min(most, rate_ + trips * kPacketOnWire / seconds_of(round_trip));
}

void TfmccRate::step(bool busy, Duration longest, std::uint64_t ceiling, TimePoint now) {
  busy_ = busy;
  longest = std::max(longest, kShortestTrip);
  if (slow_start_) {
    if (busy && least_received_ > 0) rate_ = std::max(rate_, 2 * std::min(rate_, least_received_));
  } else if (limiting_.value == 0) {
    grow(static_cast<double>(ceiling), longest, now - heard_);
    heard_ = now;
  } else if (now - heard_ > std::max<Duration>(10 * limiting_trip_, 1s)) {
    limiting_ = {};
    heard_ = now;  // growth begins here
  }
  least_received_ = 0;
  rate_ = std::clamp(rate_, kLeastPathRate, std::max(kLeastPathRate, static_cast<double>(ceiling)));
}

// --- background: docs/spec/ardus.md §5.11 ---

namespace {
constexpr double kTarget = 0.025, kLeastTarget = 0.002;  // seconds in queues
constexpr double kOfFull = 0.25;
constexpr double kSlowStartEnd = 0.75, kCalm = 0.1;      // of the target
constexpr unsigned kCalmSteps = 32, kMostGain = 5;       // growth doubles after so many, so many times at most
constexpr double kMostGrowth = 0.02, kMostGrowthCalm = 0.06;  // of the rate, until the effect can be known
constexpr double kGrowthAnyway = 100'000;
constexpr double kAhead = 0.1;                           // of what comes through, while a queue is seen
constexpr double kForget = 0.9;                          // of the longest queue, a step
constexpr Duration kLeastTrip = 20ms;                    // growth is a packet for each of them at most
}  // namespace

/// Seconds in queues: the least of the last two samples over the least of ten minutes.
double BackgroundRate::Way::take(std::uint32_t one_way, TimePoint now) {
  if (samples == 0) first = one_way;
  const auto sample = static_cast<std::int32_t>(one_way - first);
  if (minutes == 0 || now - minute >= 1min) {
    base[minutes++ % base.size()] = sample;
    minute = now;
  }
  std::int32_t& least = base[(minutes - 1) % base.size()];
  least = std::min(least, sample);
  last[samples++ % last.size()] = sample;
  const std::int32_t empty = *std::min_element(base.begin(), base.begin() + static_cast<std::ptrdiff_t>(std::min(minutes, base.size())));
  const std::int32_t recent = *std::min_element(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(std::min(samples, last.size())));
  return static_cast<double>(std::int64_t{recent} - empty) * 1e-6;
}

void BackgroundRate::report(ReceiverNumber from, const PathReport& path, Duration, TimePoint now) {
  Way& way = ways_[from.value];
  const bool known = way.samples > 0;
  note_received(path);
  delays_.emplace_back(way.take(path.one_way, now), from);
  if (known && path.events != way.events) ++lost_;
  way.events = path.events;
}

void BackgroundRate::step(bool busy, Duration longest, std::uint64_t ceiling, TimePoint now) {
  if (delays_.empty()) {
    rate_ = std::max(rate_, kLeastBackground);
    return;
  }
  std::ranges::sort(delays_);
  const auto [queue, from] = delays_[(delays_.size() * 95 + 99) / 100 - 1];
  const bool lost = lost_ * 20 > delays_.size();
  const double received = std::exchange(least_received_, 0);
  delays_.clear();
  lost_ = 0;
  limiting_ = from;
  peak_ = std::max(peak_ * kForget, queue);
  if (lost) full_ = full_ > 0 ? full_ + (peak_ - full_) / 4 : peak_;
  const double target = full_ > 0 ? std::clamp(kOfFull * full_, kLeastTarget, kTarget) : kTarget;
  const Duration trip = std::max(longest, kLeastTrip), since = stepped_ == TimePoint{} ? trip : now - stepped_;
  stepped_ = now;
  const Duration loop = longest + 2 * since;  // what is told before speaks of the rate before
  const double over = queue / target;
  calm_ = !lost && over < kCalm ? calm_ + 1 : 0;
  if (lost || over > 1) {
    // What comes through while there is little to send says nothing of the way.
    const double most = busy && received > 0 ? received : rate_;
    if (std::exchange(slow_start_, false)) rate_ = std::min(rate_, most);
    if (now - cut_at_ < loop) return;
    cut_at_ = now;
    rate_ = std::min(rate_, most);
    cut(lost ? 0.5 : std::max(0.5, 1.5 - over / 2));
  } else if (!busy) {
    return;
  } else if (slow_start_) {
    slow_start_ = over < kSlowStartEnd;
    if (slow_start_) rate_ = std::max(rate_, 2 * std::min(rate_, received));
  } else {
    const double gain = (1 - over) * static_cast<double>(1u << std::min(calm_ / kCalmSteps, kMostGain));
    const double loops = std::min(seconds_of(since) / seconds_of(loop), 1.0), most = calm_ > 0 ? kMostGrowthCalm : kMostGrowth;
    rate_ += std::min(std::max(most * rate_, kGrowthAnyway) * loops, gain * kPacketOnWire / seconds_of(trip) * std::min(seconds_of(since) / seconds_of(trip), 4.0));
    if (over > kCalm && received > 0) rate_ = std::min(rate_, received * (1 + kAhead * (1 - over)));
  }
  rate_ = std::clamp(rate_, kLeastBackground, std::max(kLeastBackground, static_cast<double>(ceiling)));
}

}  // namespace ghost::ardus
