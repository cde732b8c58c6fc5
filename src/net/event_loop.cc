#include "net/event_loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ghost::net {

namespace {
/// A timer at least so far away is left to the Alarm; a nearer one, which will soon be followed by others, to the wait itself.
constexpr Duration kFar = std::chrono::milliseconds(20);
}  // namespace

EventSource::~EventSource() {
  loop_.forget(*this);
}

Alarm::Alarm(EventLoop& loop, UniqueFd timer) : EventSource(loop, std::move(timer)) { loop_.watch(*this, EPOLLIN); }

bool Alarm::set(TimePoint when) {
  if (set_to_ <= when) return true;
  const auto since_boot = when.time_since_epoch();  // steady_clock is CLOCK_MONOTONIC
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec at{};
  at.it_value = {static_cast<time_t>(seconds.count()), static_cast<long>((since_boot - seconds).count())};
  if (::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &at, nullptr) != 0) return false;
  set_to_ = when;
  return true;
}

void Alarm::on_events(std::uint32_t) {
  std::uint64_t rings;
  if (::read(fd_.get(), &rings, sizeof rings) == sizeof rings) set_to_ = TimePoint::max();
}

EventLoop::EventLoop(UniqueFd epoll, UniqueFd wake, UniqueFd timer, const SpinPolicy& spin)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      spin_(spin),
      now_(TimePoint::clock::now()),
      wheel_(now_),
      read_buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kReadBuffer)),
      alarm_(*this, std::move(timer)) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // edges: the counter need not be read back
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

/// What is planned may own sources and timers of this loop, so it goes while the loop is whole; and may plan more while
/// it goes.
EventLoop::~EventLoop() {
  for (;;) {
    auto posted = posted_.with([](auto& queue) { return std::exchange(queue, {}); });
    auto work = std::exchange(work_, {});
    if (posted.empty() && work.empty() && wheel_.size() == 0) break;
    posted.clear();
    work.clear();
    wheel_.clear();
  }
}

Timer EventLoop::wake_at(TimePoint when, std::function<void(TimePoint now)> ring) {
  // Between two turns the wheel's time is that of the last one: what is past by now must not wait for its next
  // millisecond.
  const TimerWheel::Id id = wheel_.add(when <= now() ? TimePoint::min() : when, std::move(ring));
  return Timer([wheel = &wheel_, id] { wheel->cancel(id); });
}

void EventLoop::post(std::function<void()> work) {
  const bool first = posted_.with([&](auto& queue) {
    queue.push_back(std::move(work));
    return queue.size() == 1;
  });
  if (!first) return;
  has_posts_.store(true, std::memory_order_release);
  wake();
}

void EventLoop::run() {
  while (!stop_.load()) turn(TimePoint::max());
  stop_.store(false);
}

void EventLoop::stop() {
  const int before = errno;  // this may be a signal handler
  stop_.store(true);
  wake();
  errno = before;
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::turn(TimePoint deadline) {
  end_turn();  // what was planned between two turns
  TimePoint wakeup = wheel_.next_wakeup();
  if (wakeup != TimePoint::max() && wakeup > now_ + kFar && alarm_.set(wakeup)) wakeup = TimePoint::max();
  const int count = wait(std::min(deadline, wakeup));
  in_turn_ = true;
  event_count_ = std::max(count, 0);  // EINTR is a turn without events
  event_at_ = -1;
  handle_later();
  handle_events();
  wheel_.advance(now_);
  handle_posts();
  end_turn();
  in_turn_ = false;
}

int EventLoop::wait(TimePoint until) {
  if (until == TimePoint::max() && !spin_.enabled() && later_.empty()) {
    const int count = park(now_, until);  // the common case: one look at the clock in a turn
    now_ = TimePoint::clock::now();
    return count;
  }
  const TimePoint start = TimePoint::clock::now();
  now_ = start;
  if (!later_.empty() || until <= start) return poll();
  const Duration budget = spin_.budget();
  if (budget > Duration::zero()) {
    const TimePoint end = until - start > budget ? start + budget : until;
    SpinPolicy::Look look = SpinPolicy::Look::first;
    do {
      const int count = poll();
      now_ = TimePoint::clock::now();
      if (count > 0) {
        spin_.found(now_, now_ - start, look);
        return count;
      }
      look = SpinPolicy::Look::later;
    } while (now_ < end);
  }
  const Duration in_vain = now_ - start;
  const int count = park(now_, until);
  now_ = TimePoint::clock::now();
  if (spin_.enabled()) spin_.parked(now_, now_ - start, in_vain);
  return count;
}

int EventLoop::park(TimePoint now, TimePoint until) {
  if (until <= now) return poll();
  if (until == TimePoint::max()) return ::epoll_wait(epoll_.get(), events_, kBatch, -1);
  const Duration left = until - now;
  if (ns_wait_) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
    const int count = ::epoll_pwait2(epoll_.get(), events_, kBatch, &timeout, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    ns_wait_ = false;
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return ::epoll_wait(epoll_.get(), events_, kBatch, static_cast<int>(std::min<std::int64_t>(ms, 3'600'000)));
}

void EventLoop::handle_events() {
  for (event_at_ = 0; event_at_ < event_count_; ++event_at_) {
    current_ = static_cast<EventSource*>(events_[event_at_].data.ptr);
    if (current_ != nullptr) current_->on_events(events_[event_at_].events);
  }
  current_ = nullptr;
  event_count_ = 0;
}

void EventLoop::handle_later() {
  later_now_.swap(later_);
  for (std::size_t i = 0; i < later_now_.size(); ++i) {
    EventSource* source = later_now_[i];
    if (source == nullptr) continue;
    later_now_[i] = nullptr;
    source->later_at_ = EventSource::kNowhere;
    source->on_later();
  }
  later_now_.clear();
}

/// The flag is set before the wake-up that ends a wait, so a turn that does not see it yet is followed by one that
/// does.
void EventLoop::handle_posts() {
  if (!has_posts_.load(std::memory_order_acquire)) return;
  has_posts_.store(false, std::memory_order_relaxed);
  posted_.with([&](auto& queue) { posted_now_.swap(queue); });
  for (auto& work : posted_now_) {
    work();
    work = nullptr;
  }
  posted_now_.clear();
}

void EventLoop::end_turn() {
  for (std::size_t i = 0; i < work_.size(); ++i) std::exchange(work_[i], nullptr)();
  work_.clear();
  for (std::size_t i = 0; i < ending_.size(); ++i) {
    EventSource* source = ending_[i];
    if (source == nullptr) continue;
    source->end_at_ = EventSource::kNowhere;
    source->on_turn_end();
  }
  ending_.clear();
}

int EventLoop::watch(EventSource& source, std::uint32_t interest) {
  if (interest == source.interest_) return 0;
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &source;
  const int change = interest == 0 ? EPOLL_CTL_DEL : source.interest_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), change, source.fd_.get(), &event) != 0) return errno;
  source.interest_ = interest;
  return 0;
}

void EventLoop::plan_end(EventSource& source) {
  if (source.end_at_ != EventSource::kNowhere) return;
  source.end_at_ = ending_.size();
  ending_.push_back(&source);
}

void EventLoop::plan_later(EventSource& source) {
  if (source.later_at_ != EventSource::kNowhere) return;
  source.later_at_ = later_.size();
  later_.push_back(&source);
}

void EventLoop::forget(EventSource& source) {
  watch(source, 0);
  if (source.end_at_ != EventSource::kNowhere) ending_[source.end_at_] = nullptr;
  source.end_at_ = EventSource::kNowhere;
  if (const std::size_t at = std::exchange(source.later_at_, EventSource::kNowhere); at != EventSource::kNowhere) {
    if (at < later_.size() && later_[at] == &source) later_[at] = nullptr;
    if (at < later_now_.size() && later_now_[at] == &source) later_now_[at] = nullptr;
  }
  if (current_ == &source) current_ = nullptr;
  for (int i = event_at_ + 1; i < event_count_; ++i) {
    if (events_[i].data.ptr == &source) events_[i].data.ptr = nullptr;
  }
}

}  // namespace ghost::net
