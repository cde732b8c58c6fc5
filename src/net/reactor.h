#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "base/time.h"

namespace ghost::net {

/// A wake-up that is due once; destroying it takes it back. Empty after it rang.
class Timer {
 public:
  Timer() = default;
  /// @param take_back  run at destruction; must do nothing once the timer rang
  explicit Timer(std::function<void()> take_back) : take_back_(std::move(take_back)) {}
  Timer(Timer&& other) noexcept : take_back_(std::exchange(other.take_back_, nullptr)) {}
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      reset();
      take_back_ = std::exchange(other.take_back_, nullptr);
    }
    return *this;
  }
  ~Timer() { reset(); }

  void reset() {
    if (auto take_back = std::exchange(take_back_, nullptr)) take_back();
  }

 private:
  std::function<void()> take_back_;
};

/// One thread's events, in turns: sockets that are ready, timers that are due, work posted from other threads. Everything but
/// post() belongs to that thread. The epoll reactor and the simulated world both implement it.
class Reactor : public Clock {
 public:
  /// Calls `ring` in the first turn at or after `when` (to the millisecond; never early). TimePoint::max() never rings.
  [[nodiscard]] virtual Timer wake_at(TimePoint when, std::function<void(TimePoint now)> ring) = 0;

  /// Runs `work` in a later turn. From any thread; the only call that may be.
  virtual void post(std::function<void()> work) = 0;

  /// Runs `work` once at the end of this turn, after everything that is ready was handled: where gathered output leaves.
  virtual void at_turn_end(std::function<void()> work) = 0;
};

}  // namespace ghost::net
