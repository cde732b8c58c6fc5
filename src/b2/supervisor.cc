#include "b2/supervisor.h"

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace ghost::b2 {

namespace {

/// A wake-up later than this was held up by the host itself, and so may the child's answers have been.
constexpr Duration kHeldUp = std::chrono::seconds(1);

TimePoint after(TimePoint now, Duration span) { return span == Duration::max() ? TimePoint::max() : now + span; }

}  // namespace

std::string_view name(Supervisor::State state) {
  switch (state) {
    case Supervisor::State::stopped: return "stopped";
    case Supervisor::State::starting: return "starting";
    case Supervisor::State::ready: return "ready";
    case Supervisor::State::ending: return "ending";
    case Supervisor::State::backing_off: return "backing off";
    case Supervisor::State::failed: return "failed";
  }
  return "?";
}

void Supervisor::start(TimePoint now) {
  if (!wanted_) restart(now);
}

void Supervisor::stop(TimePoint now) {
  wanted_ = false;
  if (running_) return terminate(now);
  state_ = State::stopped;
  deadline_ = TimePoint::max();
}

void Supervisor::restart(TimePoint now) {
  wanted_ = true;
  failures_.clear();
  falls_ = 0;
  if (running_) return terminate(now);
  spawn(now);
}

void Supervisor::spawn(TimePoint now) {
  state_ = State::starting;
  running_ = true;
  asked_to_end_ = killed_ = was_ready_ = ping_open_ = false;
  kill_reason_.clear();
  started_ = now;
  deadline_ = after(now, rules_.hello_patience);
  next_ping_ = TimePoint::max();
  ++spawns_;
  actions_.push_back(Action::spawn);
}

void Supervisor::terminate(TimePoint now) {
  asked_to_end_ = true;
  if (killed_) return;  // it ends already
  const bool first = state_ != State::ending;
  state_ = State::ending;
  if (!first) return;
  next_ping_ = TimePoint::max();
  deadline_ = after(now, rules_.stop_patience);
  actions_.push_back(Action::terminate);
}

/// A broken child is not asked to end: it is not expected to listen.
void Supervisor::kill_because(std::string why) {
  kill_reason_ = std::move(why);
  state_ = State::ending;
  killed_ = true;
  next_ping_ = deadline_ = TimePoint::max();
  actions_.push_back(Action::kill);
}

void Supervisor::on_spawn_failed(const Error& why, TimePoint now) {
  if (!running_) return;
  running_ = false;
  last_exit_ = "not started: " + why.message;
  ended(now);
}

void Supervisor::on_hello(TimePoint now) {
  if (state_ != State::starting) return;
  state_ = State::ready;
  was_ready_ = true;
  ready_since_ = now;
  deadline_ = TimePoint::max();
  next_ping_ = after(now, rules_.ping_every);
}

void Supervisor::on_relieved(TimePoint now) {
  if (state_ != State::ready) return;
  started_ = ready_since_ = now;
  ping_open_ = false;
  next_ping_ = after(now, rules_.ping_every);
}

void Supervisor::on_pong(TimePoint now) {
  if (state_ != State::ready || !ping_open_) return;
  ping_open_ = false;
  next_ping_ = after(now, rules_.ping_every);
}

void Supervisor::on_lost(const Error& why, TimePoint now) {
  if (!running_ || state_ == State::ending) return;
  // As a rule the process has crashed, and its end, which tells why, is heard of a moment later.
  state_ = State::ending;
  kill_reason_ = "its connection to the host ended: " + why.message;
  next_ping_ = TimePoint::max();
  deadline_ = after(now, rules_.lost_patience);
}

void Supervisor::on_exit(const ExitStatus& status, TimePoint now) {
  if (!running_) return;
  running_ = false;
  last_exit_ = killed_ && !kill_reason_.empty() ? "killed by the host: " + kill_reason_ : status.text();
  ended(now);
}

void Supervisor::ended(TimePoint now) {
  next_ping_ = deadline_ = TimePoint::max();
  if (!wanted_) {
    state_ = State::stopped;
  } else if (asked_to_end_) {
    spawn(now);
  } else {
    fail(now);
  }
}

void Supervisor::fail(TimePoint now) {
  if (was_ready_ && now - ready_since_ >= rules_.well_after) falls_ = 0;
  failures_.push_back(now);
  while (now - failures_.front() > rules_.failures_within) failures_.pop_front();
  if (failures_.size() >= rules_.failures_allowed) {
    state_ = State::failed;
    return;
  }
  // The second end is as soon mended as the first: what two requests have done, two accidents may be. From the third on it is a habit.
  back_off_ = ++falls_ <= 2 ? rules_.back_off_first : std::min(back_off_ * 2, rules_.back_off_most);
  state_ = State::backing_off;
  deadline_ = now + back_off_;
}

void Supervisor::on_time(TimePoint now) {
  if (now >= next_ping_) {
    if (ping_open_ && now - next_ping_ < kHeldUp) {
      return kill_because("it did not answer PING for " + format_duration(rules_.ping_patience));
    }
    if (!ping_open_) actions_.push_back(Action::ping);
    ping_open_ = true;
    next_ping_ = after(now, rules_.ping_patience);
  }
  if (now < deadline_) return;
  switch (state_) {
    case State::starting: return kill_because("it did not say HELLO within " + format_duration(rules_.hello_patience));
    case State::ending:
      if (kill_reason_.empty()) kill_reason_ = "it did not end within " + format_duration(rules_.stop_patience) + " of SIGTERM";
      return kill_because(std::move(kill_reason_));
    case State::backing_off: return spawn(now);
    case State::stopped:
    case State::ready:
    case State::failed: return;
  }
}

std::vector<Supervisor::Action> Supervisor::take_actions() { return std::exchange(actions_, {}); }

TimePoint Supervisor::next_wakeup() const { return std::min(deadline_, next_ping_); }

}  // namespace ghost::b2
