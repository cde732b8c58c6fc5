#include "ardus/pace_timer_service.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace ghost::ardus {

PaceTimer::PaceTimer(net::EpollNetwork& network, std::function<void()> ring)
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      ring_(std::move(ring)),
      watch_(network.watch(timer_.get(), POLLIN, [this](short) { on_ready(); })) {}

void PaceTimer::set(TimePoint when) {
  if (when == set_to_) return;
  set_to_ = when;
  arm(when);
}

void PaceTimer::clear() {
  if (set_to_ == TimePoint::max()) return;
  set_to_ = TimePoint::max();
  arm(TimePoint::max());
}

/// TimePoint::max() disarms it.
void PaceTimer::arm(TimePoint when) {
  itimerspec at{};
  if (when != TimePoint::max()) {
    const auto since_boot = std::max(when.time_since_epoch(), Duration(1));  // steady_clock is CLOCK_MONOTONIC; zero would disarm it
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
    at.it_value = {static_cast<time_t>(seconds.count()), static_cast<long>((since_boot - seconds).count())};
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

void PaceTimer::on_ready() {
  std::uint64_t rings = 0;
  if (::read(timer_.get(), &rings, sizeof rings) != sizeof rings) return;  // it was set anew meanwhile
  set_to_ = TimePoint::max();
  ring_();
}

}  // namespace ghost::ardus
