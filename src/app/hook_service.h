#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"

namespace ghost::app {

/// A command of the operator's, run when something has happened. What is told of it stands in the environment alone, so nobody else's
/// words are ever read by the shell.
struct Hook {
  std::string command;  ///< for /bin/sh -c, as the operator wrote it
  std::vector<std::pair<std::string, std::string>> variables;
};

struct HookResult {
  std::string command;
  int status = 0;          ///< as a shell tells it: the exit code, or 128 and the signal's number
  bool timed_out = false;  ///< its process group was ended
  Duration took{};
  std::string problem;     ///< why it could not be started; ""
  bool well() const { return status == 0 && !timed_out && problem.empty(); }
};
/// "ended well after 1.2 s", "ended with 3", "was ended: it took longer than 1 min".
std::string in_words(const HookResult& result);

/// Runs hooks one after the other, each in a process group of its own, with an empty stdin, and its stdout where stderr goes.
class Hooks {
 public:
  static constexpr std::size_t kMostWaiting = 100;
  /// @param limit  for each; then its process group gets SIGTERM, and SIGKILL two seconds later
  /// @param told   of each that ended, on the Hooks' own thread
  Hooks(Duration limit, std::function<void(const HookResult&)> told);
  /// The one under way is ended; those that wait are not run.
  ~Hooks();

  /// False when too many wait already.
  bool run(Hook hook);
  /// Waits until all have ended.
  void finish();

 private:
  void work();
  HookResult run_one(const Hook& hook);

  Duration limit_;
  std::function<void(const HookResult&)> told_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Hook> waiting_;
  bool running_ = false, stopping_ = false;
  UniqueFd stop_;  ///< eventfd: readable once we are told to stop
  std::thread worker_;
};

}  // namespace ghost::app
