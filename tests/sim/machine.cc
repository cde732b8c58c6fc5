#include "machine.h"

#include <utility>

namespace ghost::b2::test {

net::Timer Machine::wake_at(TimePoint when, std::function<void(TimePoint)> ring) {
  if (when == TimePoint::max()) return net::Timer();
  const Key key{when, ++last_};
  timers_[key] = std::move(ring);
  arm();
  return net::Timer([this, key, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) timers_.erase(key);
  });
}

void Machine::arm() {
  if (timers_.empty() || stands_) return;
  const TimePoint first = timers_.begin()->first.first;
  if (first >= armed_) return;
  armed_ = first;
  timer_ = network_.reactor().wake_at(first - jumped_, [this](TimePoint) {
    armed_ = TimePoint::max();
    if (!stands_) ring_due();
  });
}

void Machine::ring_due() {
  const std::weak_ptr<char> alive = alive_;
  while (!timers_.empty() && timers_.begin()->first.first <= now()) {
    const auto due = timers_.extract(timers_.begin());
    due.mapped()(now());
    if (alive.expired()) return;
    if (stands_) return;
  }
  arm();
}

void Machine::post(std::function<void()> work) {
  network_.reactor().post([this, work = std::move(work), alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) when_running(work);
  });
}

void Machine::at_turn_end(std::function<void()> work) {
  network_.reactor().at_turn_end([this, work = std::move(work), alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) when_running(work);
  });
}

void Machine::when_running(std::function<void()> work) {
  if (!stands_) return work();
  waiting_.push_back(std::move(work));
}

void Machine::go_on() {
  if (!std::exchange(stands_, false)) return;
  const std::weak_ptr<char> alive = alive_;
  for (const auto& work : std::exchange(waiting_, {})) {
    when_running(work);
    if (alive.expired()) return;
  }
  armed_ = TimePoint::max();
  arm();
}

void Machine::jump(Duration span) {
  jumped_ += span;
  armed_ = TimePoint::max();
  arm();
}

}  // namespace ghost::b2::test
