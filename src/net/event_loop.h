#pragma once
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/guarded.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "net/reactor.h"
#include "net/spin_policy.h"
#include "net/timer_wheel.h"

namespace ghost::net {

class EventLoop;

/// A descriptor in an EventLoop. Private to net/. It may be destroyed at any time on the loop's thread, also from its
/// own callbacks and while the kernel has already reported events for it.
class EventSource {
 public:
  EventSource(EventLoop& loop, UniqueFd fd) : loop_(loop), fd_(std::move(fd)) {}
  virtual ~EventSource();
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

 protected:
  EventLoop& loop_;
  UniqueFd fd_;

 private:
  friend class EventLoop;
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  virtual void on_events(std::uint32_t events) = 0;  ///< of epoll(7)
  /// The turn ends, after EventLoop::plan_end(). Must not call into anything but the kernel.
  virtual void on_turn_end() {}
  /// A later turn has come, after EventLoop::plan_later().
  virtual void on_later() {}

  std::uint32_t interest_ = 0;       ///< what epoll reports; 0 while it does not know the descriptor
  std::size_t end_at_ = kNowhere;    ///< place in ending_
  std::size_t later_at_ = kNowhere;  ///< place in later_
};

/// Wakes an EventLoop for timers that are far away. Telling the kernel once is cheaper than telling it with every wait. Private
/// to net/.
class Alarm final : private EventSource {
 public:
  /// @param timer  a timerfd on CLOCK_MONOTONIC, nonblocking
  Alarm(EventLoop& loop, UniqueFd timer);
  /// Sees to it that epoll reports something by `when`, or earlier; false when the kernel refuses.
  bool set(TimePoint when);

 private:
  void on_events(std::uint32_t events) override;

  TimePoint set_to_ = TimePoint::max();
};

/// The turns of epoll: waits (polling first where that pays), then what was put off, events, timers, posts, and the
/// turn's end.
class EventLoop : public Reactor {
 public:
  static constexpr std::size_t kReadBuffer = 256 * 1024;

  /// @param epoll, wake, timer  an epoll, an eventfd and a timerfd, nonblocking
  EventLoop(UniqueFd epoll, UniqueFd wake, UniqueFd timer, const SpinPolicy& spin);
  ~EventLoop() override;

  TimePoint now() const override { return in_turn_ ? now_ : TimePoint::clock::now(); }
  Timer wake_at(TimePoint when, std::function<void(TimePoint now)> ring) override;
  void post(std::function<void()> work) override;
  void at_turn_end(std::function<void()> work) override { work_.push_back(std::move(work)); }

  /// `span` from now(), or never when that is past the end of time.
  TimePoint from_now(Duration span) const {
    const TimePoint start = now();
    return span < TimePoint::max() - start ? start + span : TimePoint::max();
  }

  void run();
  void turn(TimePoint deadline);
  void stop();

  /// Sets what is reported for the source; 0 takes it out of epoll, so that not even EPOLLHUP comes. Answers an errno,
  /// or 0.
  int watch(EventSource& source, std::uint32_t interest);
  /// Calls on_turn_end() once at the end of this turn.
  void plan_end(EventSource& source);
  /// Calls on_later() once in the next turn, which does not wait.
  void plan_later(EventSource& source);
  /// Takes the source out of everything.
  void forget(EventSource& source);

  /// Whether `source` is the one whose events are being handled, and still lives: asked after a callback that may
  /// destroy it.
  bool is_current(const EventSource* source) const { return current_ == source; }

  /// One buffer for all that is received: valid until the next source is called.
  std::span<std::uint8_t> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }

 private:
  static constexpr int kBatch = 64;  ///< events taken at once: timers and posts wait for so many

  int wait(TimePoint until);
  int park(TimePoint now, TimePoint until);
  int poll() { return ::epoll_wait(epoll_.get(), events_, kBatch, 0); }
  void handle_later();
  void handle_events();
  void handle_posts();
  void end_turn();
  void wake();

  UniqueFd epoll_;
  UniqueFd wake_;
  SpinPolicy spin_;
  TimePoint now_;
  bool in_turn_ = false;
  bool ns_wait_ = true;  ///< the kernel has epoll_pwait2 (5.11)
  TimerWheel wheel_;

  epoll_event events_[kBatch];
  int event_count_ = 0;
  int event_at_ = 0;
  EventSource* current_ = nullptr;

  std::vector<EventSource*> ending_, later_, later_now_;  ///< null where the source is gone
  std::vector<std::function<void()>> work_;
  std::vector<std::function<void()>> posted_now_;
  Guarded<std::vector<std::function<void()>>> posted_;
  std::atomic<bool> has_posts_{false};
  std::atomic<bool> stop_{false};
  std::unique_ptr<std::uint8_t[]> read_buffer_;  ///< not filled: a page of it takes memory once something was read that far
  Alarm alarm_;  ///< last, since it is a source
};

}  // namespace ghost::net
