#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "b2/exit_status.h"

namespace ghost::b2 {

/// When a child counts as broken and how soon it is started again (docs/spec/b2.md §11).
struct SupervisionRules {
  Duration hello_patience = std::chrono::seconds(10);  ///< from its start to its HELLO
  Duration ping_every = std::chrono::seconds(5);       ///< watchdog; Duration::max() for none
  Duration ping_patience = std::chrono::seconds(10);   ///< from PING to PONG
  Duration lost_patience = std::chrono::seconds(1);    ///< from the end of its connection to its own end
  Duration stop_patience = std::chrono::seconds(5);    ///< from SIGTERM to SIGKILL
  Duration back_off_first = std::chrono::milliseconds(100);
  Duration back_off_most = std::chrono::seconds(30);   ///< the back-off doubles up to this, from the third failure on
  Duration drain_patience = std::chrono::seconds(60);  ///< of a process that was relieved, for its open calls
  Duration well_after = std::chrono::seconds(60);      ///< ready for so long: the back-off starts anew
  std::size_t failures_allowed = 5;                    ///< the one that makes so many within failures_within is the last
  Duration failures_within = std::chrono::seconds(60);
};

/// Decides over one child process: when it is started, watched, ended, and started again. Pure: events and the time come in, and
/// each call leaves in take_actions() what is to be done, in order.
class Supervisor {
 public:
  enum class State : std::uint8_t {
    stopped,      ///< not running, and not meant to
    starting,     ///< runs; no HELLO yet
    ready,        ///< said HELLO
    ending,       ///< told to end, or about to be found ended
    backing_off,  ///< ended by itself; starts again at next_start()
    failed        ///< ended too often; waits for restart()
  };
  enum class Action : std::uint8_t {
    spawn,      ///< start the process, then on_spawn_failed() if there is none
    ping,       ///< send PING, then on_pong() when it is answered
    terminate,  ///< SIGTERM
    kill        ///< SIGKILL
  };

  explicit Supervisor(const SupervisionRules& rules = {}) : rules_(rules) {}

  /// Has the child run, and kept running. Nothing when it is meant to run already.
  void start(TimePoint now);
  /// Ends it: SIGTERM, and SIGKILL when that does not help.
  void stop(TimePoint now);
  /// Ends it if it runs and starts it again at once; forgets its failures.
  void restart(TimePoint now);

  void on_spawn_failed(const Error& why, TimePoint now);
  void on_hello(TimePoint now);
  void on_pong(TimePoint now);
  /// Its connection ended while the process, as far as is known, still runs.
  void on_lost(const Error& why, TimePoint now);
  /// The process is gone.
  void on_exit(const ExitStatus& status, TimePoint now);
  /// Another process has taken the place of the one that was ready, and is ready, too.
  void on_relieved(TimePoint now);
  /// Whatever is due at `now`.
  void on_time(TimePoint now);

  std::vector<Action> take_actions();
  TimePoint next_wakeup() const;

  State state() const { return state_; }
  /// Whether a process exists.
  bool running() const { return running_; }
  /// By stop() or restart(), and so its end is no failure.
  bool asked_to_end() const { return running_ && asked_to_end_; }
  /// In a while it runs again without anyone's doing.
  bool comes_back() const { return state_ != State::failed && wanted_; }
  TimePoint next_start() const { return state_ == State::backing_off ? deadline_ : TimePoint::max(); }
  TimePoint started_at() const { return started_; }  ///< of the process that runs, or ran last
  std::uint32_t restarts() const { return spawns_ == 0 ? 0 : spawns_ - 1; }
  /// "killed by signal 11 (SIGSEGV)"; "" while it never ended.
  const std::string& last_exit() const { return last_exit_; }

 private:
  void spawn(TimePoint now);
  void terminate(TimePoint now);
  void kill_because(std::string why);
  void fail(TimePoint now);
  void ended(TimePoint now);

  SupervisionRules rules_;
  State state_ = State::stopped;
  bool wanted_ = false;        ///< meant to run
  bool running_ = false;
  bool asked_to_end_ = false;
  bool killed_ = false;        ///< SIGKILL was sent
  std::string kill_reason_;    ///< why the supervisor ends it, when that is not because it was asked to
  TimePoint deadline_ = TimePoint::max();  ///< of the state
  TimePoint next_ping_ = TimePoint::max();
  TimePoint started_{};
  TimePoint ready_since_{};
  bool was_ready_ = false;
  bool ping_open_ = false;
  Duration back_off_{};
  std::uint32_t falls_ = 0;  ///< failures since it did well
  std::deque<TimePoint> failures_;
  std::uint32_t spawns_ = 0;
  std::string last_exit_;
  std::vector<Action> actions_;
};

/// "ready", "backing off", …: for people.
std::string_view name(Supervisor::State state);

}  // namespace ghost::b2
