#include "call_history.h"

#include <algorithm>

namespace ghost::b2::test {

CallHistory::AttemptId CallHistory::begin(CallId call, CallKind kind, TimePoint now, Duration timeout) {
  Attempt& attempt = attempts_.emplace_back();
  attempt.call = call;
  attempt.kind = kind;
  attempt.began = now;
  attempt.timeout = timeout;
  return attempts_.size() - 1;
}

void CallHistory::end(AttemptId id, const Status& status, std::uint64_t answered_by, TimePoint now) {
  Attempt& attempt = attempts_[id];
  ++attempt.ends;
  attempt.outcome = status ? std::uint16_t{0} : static_cast<std::uint16_t>(status.error().code);
  attempt.why = status ? "" : status.error().message;
  attempt.answered_by = answered_by;
  attempt.ended = now;
}

std::uint64_t CallHistory::execute(AttemptId attempt) {
  if (attempt >= attempts_.size()) return 0;  // asked by nobody that is known
  executions_.push_back({attempt});
  return executions_.size();
}

void CallHistory::decide(std::uint64_t execution, std::uint16_t outcome) {
  if (execution == 0 || execution > executions_.size()) return;
  executions_[execution - 1].told = true;
  executions_[execution - 1].decided = outcome;
}

std::size_t CallHistory::ended_with(std::uint16_t outcome) const {
  return static_cast<std::size_t>(std::count_if(attempts_.begin(), attempts_.end(), [&](const Attempt& attempt) { return !attempt.caller_died && attempt.ends != 0 && attempt.outcome == outcome; }));
}

std::string CallHistory::named(AttemptId id) const {
  static constexpr const char* kKinds[] = {"act", "look", "keyed", "count", "collect", "mirror"};
  const Attempt& attempt = attempts_[id];
  return std::string(kKinds[static_cast<std::size_t>(attempt.kind)]) + " call " + std::to_string(attempt.call) + " (attempt " + std::to_string(id) + "): ";
}

std::vector<std::string> CallHistory::check_ends() const {
  std::vector<std::string> wrong;
  for (AttemptId id = 0; id < attempts_.size(); ++id) {
    if (attempts_[id].ends != 1) wrong.push_back(named(id) + "ended " + std::to_string(attempts_[id].ends) + " times");
  }
  return wrong;
}

std::vector<std::string> CallHistory::check(bool clocks_jump) const {
  std::vector<std::string> wrong = check_ends();
  std::map<AttemptId, std::vector<std::uint64_t>> of_attempt;
  std::map<CallId, std::size_t> of_call;
  for (std::size_t i = 0; i < executions_.size(); ++i) {
    of_attempt[executions_[i].attempt].push_back(i + 1);
    ++of_call[attempts_[executions_[i].attempt].call];
  }
  static const std::vector<std::uint64_t> none;
  for (AttemptId id = 0; id < attempts_.size(); ++id) {
    const Attempt& attempt = attempts_[id];
    const auto done = of_attempt.find(id);
    const auto& executions = done == of_attempt.end() ? none : done->second;
    if (executions.size() > 1) wrong.push_back(named(id) + "executed " + std::to_string(executions.size()) + " times for one request");
    if (attempt.ends == 1 && !attempt.caller_died) check_outcome(id, executions, clocks_jump, wrong);
    if (attempt.kind != CallKind::look && of_call[attempt.call] > 1) wrong.push_back(named(id) + "executed " + std::to_string(of_call[attempt.call]) + " times in all");
  }
  return wrong;
}

/// Whether its deadline had passed when it ended; of a call with a key, that of any time it was sent: they are one.
bool CallHistory::deadline_passed(AttemptId id) const {
  const Attempt& ended = attempts_[id];
  const auto passed = [&](const Attempt& attempt) { return attempt.timeout != Duration::max() && ended.ended - attempt.began >= attempt.timeout; };
  if (ended.kind != CallKind::keyed) return passed(ended);
  return std::any_of(attempts_.begin(), attempts_.end(), [&](const Attempt& attempt) { return attempt.call == ended.call && passed(attempt); });
}

/// Whether what the caller was told is true.
void CallHistory::check_outcome(AttemptId id, const std::vector<std::uint64_t>& done, bool clocks_jump, std::vector<std::string>& wrong) const {
  const Attempt& attempt = attempts_[id];
  const auto outcome = static_cast<Errc>(attempt.outcome);
  const std::string told = attempt.outcome == 0 ? "success" : std::string(name(outcome)) + " (" + attempt.why + ")";
  if (attempt.outcome == 0) {
    const bool known = attempt.answered_by != 0 && attempt.answered_by <= executions_.size();
    if (!known) {
      wrong.push_back(named(id) + "told success, and nothing was done");
    } else if (const Execution& by = executions_[attempt.answered_by - 1]; attempts_[by.attempt].call != attempt.call) {
      wrong.push_back(named(id) + "got the answer of call " + std::to_string(attempts_[by.attempt].call));
    } else if (!by.told || by.decided != 0) {
      wrong.push_back(named(id) + "told success, and its handler did not say so");
    } else if (attempt.kind != CallKind::keyed && by.attempt != id) {
      wrong.push_back(named(id) + "got the answer of another request");
    }
    return;
  }
  if (outcome == Errc::conflict && attempt.kind != CallKind::keyed) {
    const bool failed = std::any_of(done.begin(), done.end(), [&](std::uint64_t execution) { return executions_[execution - 1].decided == attempt.outcome; });
    if (!failed) wrong.push_back(named(id) + "told " + told + ", and no handler said so");
  }
  if (outcome == Errc::busy && attempt.kind != CallKind::look && attempt.kind != CallKind::keyed && !done.empty()) {
    wrong.push_back(named(id) + "told that it was not done, " + told + ", and it was");
  }
  if (outcome == Errc::timed_out) {
    if (attempt.timeout == Duration::max()) wrong.push_back(named(id) + "told " + told + " without a deadline");
    // The callee's clock begins when the call arrives, in whole milliseconds.
    else if (!clocks_jump && !deadline_passed(id)) wrong.push_back(named(id) + "told " + told + " before its deadline");
  }
  if (outcome == Errc::cancelled && !attempt.cancelled) wrong.push_back(named(id) + "told " + told + ", and nobody cancelled it");
}

}  // namespace ghost::b2::test
