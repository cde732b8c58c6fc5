#include "b2/nats_ledger.h"

#include <algorithm>
#include <utility>

#include "b2/topic_subject.h"

namespace ghost::b2 {

v1::NatsPosition ExportLedger::next(const std::string& subject, bool wanted) {
  ++order_;
  const auto found = by_name_.find(subject);
  if (found != by_name_.end()) {
    subjects_.splice(subjects_.end(), subjects_, found->second);
  } else {
    if (subjects_.size() >= most_) {
      by_name_.erase(subjects_.front().subject);
      subjects_.pop_front();
    }
    v1::NatsPosition& made = subjects_.emplace_back();
    made.subject = subject;
    made.run = order_;
    by_name_[subject] = std::prev(subjects_.end());
  }
  v1::NatsPosition& position = subjects_.back();
  ++position.sequence;
  if (wanted) changed_[subject] = position;
  return position;
}

std::vector<v1::NatsPosition> ExportLedger::take_changed() {
  std::vector<v1::NatsPosition> all;
  for (auto& [subject, position] : std::exchange(changed_, {})) all.push_back(std::move(position));
  return all;
}

std::vector<v1::NatsPosition> ExportLedger::positions(const std::vector<std::string>& patterns) const {
  std::vector<v1::NatsPosition> all;
  for (const v1::NatsPosition& position : subjects_) {
    const bool fits = std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return matches(pattern, position.subject); });
    if (fits) all.push_back(position);
  }
  return all;
}

ImportLedger::Verdict ImportLedger::message(const v1::NatsPosition& position) {
  const std::uint64_t passed = reach(position);
  return passed == 0 ? Verdict() : Verdict{true, passed - 1};
}

std::uint64_t ImportLedger::reach(const v1::NatsPosition& position) {
  At& at = at_[position.subject];
  if (position.run < at.run || (position.run == at.run && position.sequence <= at.sequence)) return 0;
  const std::uint64_t before = position.run == at.run ? at.sequence : 0;
  at = {position.run, position.sequence};
  return position.sequence - before;
}

}  // namespace ghost::b2
