#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ghost::b2::test {

/// What a call promises.
enum class CallKind : std::uint8_t { act, look, keyed, count, collect, mirror };

/// Everything that was asked, done and told in one run, and whether it fits together (docs/spec/b2.md §5). Nothing here knows how
/// the calls were carried.
class CallHistory {
 public:
  using CallId = std::uint64_t;
  using AttemptId = std::size_t;

  struct Attempt {
    CallId call = 0;
    CallKind kind{};
    TimePoint began{};                    ///< on the caller's clock
    Duration timeout = Duration::max();
    bool cancelled = false;               ///< by the caller
    int ends = 0;
    bool caller_died = false;             ///< nobody was there to be told
    std::uint16_t outcome = 0;            ///< 0 or an Errc
    std::string why;
    std::uint64_t answered_by = 0;        ///< the execution that the answer says it is of
    TimePoint ended{};
  };
  struct Execution {
    AttemptId attempt = 0;
    bool told = false;
    std::uint16_t decided = 0;  ///< 0 or an Errc
  };

  CallId new_call() { return ++calls_; }
  AttemptId begin(CallId call, CallKind kind, TimePoint now, Duration timeout);
  void cancel(AttemptId attempt) { attempts_[attempt].cancelled = true; }
  /// @param answered_by  of a success: what the answer says
  void end(AttemptId attempt, const Status& status, std::uint64_t answered_by, TimePoint now);
  void caller_died(AttemptId attempt) { attempts_[attempt].caller_died = true; }
  CallId call_of(AttemptId attempt) const { return attempts_[attempt].call; }

  /// The work of a call begins: its number, from 1.
  std::uint64_t execute(AttemptId attempt);
  /// What its handler decided to answer.
  void decide(std::uint64_t execution, std::uint16_t outcome);

  /// @param clocks_jump  deadlines may then be told early by the other side
  std::vector<std::string> check(bool clocks_jump) const;
  /// Only whether each attempt has ended, once.
  std::vector<std::string> check_ends() const;
  std::size_t attempts() const { return attempts_.size(); }
  std::size_t executions() const { return executions_.size(); }
  std::size_t ended_with(std::uint16_t outcome) const;

 private:
  std::string named(AttemptId id) const;
  bool deadline_passed(AttemptId id) const;
  void check_outcome(AttemptId id, const std::vector<std::uint64_t>& done, bool clocks_jump, std::vector<std::string>& wrong) const;

  CallId calls_ = 0;
  std::vector<Attempt> attempts_;
  std::vector<Execution> executions_;
};

}  // namespace ghost::b2::test
