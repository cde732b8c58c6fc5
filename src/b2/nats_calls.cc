#include "b2/nats_calls.h"

#include <algorithm>
#include <vector>

namespace ghost::b2 {

namespace {

constexpr std::uint32_t kLastStatus = 16;

}  // namespace

NatsCallsTaken::Verdict NatsCallsTaken::take(const NodeId& from, const Bytes& id, TimePoint now) {
  while (!forget_.empty() && forget_.begin()->first <= now) {
    taken_.erase(forget_.begin()->second);
    forget_.erase(forget_.begin());
  }
  if (taken_.contains({from, id})) return Verdict::again;
  if (taken_.size() >= most_) return Verdict::full;
  taken_[{from, id}] = now;
  forget_.emplace(now + keep_, std::pair(from, id));
  return Verdict::fresh;
}

void NatsCallsMade::end(std::map<Bytes, Call>::iterator at, Result<Bytes> outcome) {
  const Done done = std::move(at->second.done);
  calls_.erase(at);
  done(std::move(outcome));
}

void NatsCallsMade::answered(const Key& from, const v1::NatsResult& result) {
  const auto found = calls_.find(result.id);
  if (found == calls_.end() || found->second.to != from) return;
  if (result.status == 0) return end(found, result.response);
  const Errc code = result.status <= kLastStatus ? static_cast<Errc>(result.status) : Errc::unknown;
  end(found, Error{code, found->second.node + ": " + result.message});
}

void NatsCallsMade::unheard(std::string_view token) {
  const auto id = token.starts_with('c') ? from_hex(token.substr(1)) : Result<Bytes>(Bytes());
  const auto found = id ? calls_.find(*id) : calls_.end();
  if (found == calls_.end()) return;
  end(found, Error{Errc::busy, found->second.node + " is not there: " + found->second.what + " was not called"});
}

void NatsCallsMade::gone(const Key& node, const std::string& why) {
  std::vector<Bytes> over;
  for (const auto& [id, call] : calls_) {
    if (call.to == node) over.push_back(id);
  }
  for (const Bytes& id : over) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;
    const Call& call = found->second;
    const std::string told = call.node + " " + why + " while it was asked for " + call.what;
    end(found, call.idempotent ? Error{Errc::busy, told + "; it may be called again"} : Error{Errc::unknown, told + ": whether that was done is not known"});
  }
}

void NatsCallsMade::expire(TimePoint now) {
  std::vector<Bytes> over;
  for (const auto& [id, call] : calls_) {
    if (now >= call.deadline) over.push_back(id);
  }
  for (const Bytes& id : over) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;
    const Call& call = found->second;
    end(found, Error{Errc::timed_out, "no answer of " + call.node + " to " + call.what + " before the deadline" +
                                          (call.idempotent ? "" : ": whether it was done is not known")});
  }
}

TimePoint NatsCallsMade::next_wakeup() const {
  TimePoint first = TimePoint::max();
  for (const auto& [id, call] : calls_) first = std::min(first, call.deadline);
  return first;
}

}  // namespace ghost::b2
