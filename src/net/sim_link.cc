#include "net/sim_link.h"

#include <algorithm>

namespace ghost::net::sim {

namespace {
constexpr Duration kShortestTimeout = std::chrono::milliseconds(200);  // Linux' TCP_RTO_MIN
constexpr int kMostRetransmissions = 10;

Duration draw(Duration most, Random& random) {
  if (most <= Duration::zero()) return Duration::zero();
  return Duration(static_cast<Duration::rep>(random.up_to(static_cast<std::uint64_t>(most.count()))));
}

Duration retransmission_timeout(Duration there, Duration back) {
  constexpr Duration most = std::chrono::minutes(2);  // Linux' TCP_RTO_MAX
  return std::clamp(2 * (std::min(there, most) + std::min(back, most)), kShortestTimeout, most);
}

Duration time_on_wire(std::size_t size, std::uint64_t rate) {
  __extension__ using Wide = unsigned __int128;
  constexpr Wide longest = std::chrono::nanoseconds(std::chrono::hours(24 * 365)).count();
  const Wide ns = (static_cast<Wide>(size) * 8'000'000'000u + rate - 1) / rate;
  return Duration(static_cast<Duration::rep>(std::min(ns, longest)));
}
}  // namespace

TimePoint later(TimePoint at, Duration span) {
  if (span <= Duration::zero()) return at;
  return span >= TimePoint::max() - at ? TimePoint::max() : at + span;
}

Profile::Profile(const LinkConditions& given) : conditions(given) {
  LinkConditions& c = conditions;
  for (Duration* span : {&c.delay, &c.jitter, &c.reorder_by}) *span = std::max(*span, Duration::zero());
  for (double* share : {&c.loss, &c.duplicate, &c.reorder}) *share = std::clamp(*share, 0.0, 1.0);
  bursty = c.burst > 1 && c.loss > 0 && c.loss < 1;
  if (!bursty) return;
  // In the long run a share enter/(enter+leave) is lost. Where the burst is too short for the loss asked for, the loss
  // wins.
  c.burst = std::max(c.burst, c.loss / (1 - c.loss));
  leave_burst = 1 / c.burst;
  enter_burst = c.loss / (c.burst * (1 - c.loss));
}

bool Link::lose(Random& random) {
  if (!profile_->bursty) return random.chance(profile_->conditions.loss);
  bad_ = bad_ ? !random.chance(profile_->leave_burst) : random.chance(profile_->enter_burst);
  return bad_;
}

TimePoint Link::leave_at(TimePoint now, std::size_t size) {
  const std::uint64_t rate = profile_->conditions.rate;
  if (rate == 0) return now;
  return free_at_ = later(std::max(free_at_, now), time_on_wire(size, rate));
}

Link::Arrivals Link::datagram(TimePoint now, std::size_t size, Random& random) {
  const LinkConditions& c = profile_->conditions;
  Arrivals arrivals;
  if (c.rate != 0 && free_at_ > now && free_at_ - now + time_on_wire(size, c.rate) > time_on_wire(c.queue, c.rate)) {
    return arrivals;
  }
  const TimePoint leaves = leave_at(now, size);
  if (lose(random)) return arrivals;
  const int copies = random.chance(c.duplicate) ? 2 : 1;
  while (arrivals.count < copies) {
    TimePoint at = later(later(leaves, c.delay), draw(c.jitter, random));
    if (random.chance(c.reorder)) at = later(at, c.reorder_by);
    arrivals.at[arrivals.count++] = at;
  }
  return arrivals;
}

TimePoint Link::stream(TimePoint now, std::size_t size, Duration back, Random& random) {
  const LinkConditions& c = profile_->conditions;
  const TimePoint at = later(later(leave_at(now, size), c.delay), draw(c.jitter, random));
  if (c.loss <= 0) return at;
  // Each segment is repaired on its own; the bytes wait for the last of them.
  Duration wait{};
  for (std::size_t sent = 0; sent == 0 || sent < size; sent += kSegment) {
    Duration timeout = retransmission_timeout(c.delay, back);
    Duration waited{};
    for (int i = 0; i < kMostRetransmissions && random.chance(c.loss); ++i, timeout *= 2) waited += timeout;
    wait = std::max(wait, waited);
  }
  return later(at, wait);
}

void LinkTable::set_default(const LinkConditions& conditions) {
  default_ = Profile(conditions);
  ++version_;
}

void LinkTable::set(HostIndex from, HostIndex to, const LinkConditions& conditions) {
  ++version_;
  Pair& pair = pairs_[key(from, to)];
  if (pair.own) {
    *pair.own = Profile(conditions);
    return;
  }
  pair.own = &profiles_.emplace_back(conditions);
  pair.link = &links_.emplace_back(*pair.own);
}

Link& LinkTable::between(HostIndex from, HostIndex to) {
  const auto found = pairs_.find(key(from, to));
  if (found != pairs_.end()) return *found->second.link;
  if (from == to) return shared_inside_;
  if (!default_.remembers()) return shared_default_;
  Link& link = links_.emplace_back(default_);
  pairs_.emplace(key(from, to), Pair{&link, nullptr});
  return link;
}

}  // namespace ghost::net::sim
