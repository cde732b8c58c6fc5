#include "b2/discovery.h"

#include <algorithm>

namespace ghost::b2 {

namespace {

using std::chrono::milliseconds;

constexpr Duration kSecond = std::chrono::seconds(1);
// In seconds. Who has just started does not know how many others have, too.
constexpr double kStartSpread = 0.25;  ///< until the first beacon, at most
constexpr double kPause = 0.3;         ///< between two answers to the group, at least
constexpr double kAnswerSpread = 0.2;  ///< until an answer, at most, where few nodes are known
constexpr std::size_t kMostAlone = 4;      ///< that one beacon is copied to
constexpr std::size_t kMostAnswers = 8192;  ///< kept

std::string address_of(const std::string& host, std::uint16_t port) {
  const bool ip6 = host.find(':') != std::string::npos;
  return (ip6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_same_program(const Announcement& a, const Announcement& b) { return a.node == b.node && a.port == b.port; }

}  // namespace

Duration Discovery::around(double seconds_from, double seconds_to) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds_from + random_.unit() * (seconds_to - seconds_from)));
}

/// Stretches so that the beacons of all nodes of the link come to `regular_share` a second.
Duration Discovery::interval(const Link& link) const {
  const double seconds = nodes_on(link) * static_cast<double>(link.what.families()) / rules_.regular_share;
  return std::clamp(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)), rules_.interval, rules_.longest_interval);
}

Duration Discovery::interval(std::uint32_t interface) const {
  const auto found = links_.find(interface);
  return found == links_.end() ? rules_.interval : interval(found->second);
}

void Discovery::set_self(const std::optional<Announcement>& self, TimePoint now) {
  if (self == self_) return;
  self_ = self;
  if (self) table_.set_house(self->house, now);
  for (auto& [interface, link] : links_) {
    link.news = true;
    if (self_) want(link, now, now);
    else link.urgent_at = link.regular_at = TimePoint::max();
  }
}

void Discovery::set_links(const std::vector<DiscoveryLink>& links, TimePoint now) {
  for (auto at = links_.begin(); at != links_.end();) {
    const bool stays = std::ranges::any_of(links, [&](const DiscoveryLink& link) { return link.interface == at->first; });
    if (!stays) table_.forget_link(at->first);
    at = stays ? std::next(at) : links_.erase(at);
  }
  for (const DiscoveryLink& wanted : links) {
    Link& link = links_[wanted.interface];
    if (link.what == wanted) continue;
    link.what = wanted;
    announce(link, now);
  }
}

/// Asks, too. Not at once: whatever brought the link up may have brought it up for all.
void Discovery::announce(Link& link, TimePoint now) {
  link.asks = link.news = true;
  if (self_) want(link, now + around(0, kStartSpread), now);
}

void Discovery::repeat(std::uint32_t interface, TimePoint now) {
  const auto found = links_.find(interface);
  if (found == links_.end() || !self_) return;
  found->second.asks = found->second.news = true;
  want(found->second, now + around(0.3, 0.7), now);
}

void Discovery::want(Link& link, TimePoint at, TimePoint now) {
  if (link.urgent_at == TimePoint::max()) link.urgent_since = now;
  link.urgent_at = std::min(link.urgent_at, at);
}

void Discovery::carried(Link& link, std::size_t count, TimePoint now) {
  for (std::size_t i = 0; i < count; ++i) link.recent.push_back(now);
  while (link.recent.size() > 2 * rules_.urgent_limit) link.recent.pop_front();
}

/// Whether fewer than `limit` datagrams were on the link within the last second, or what waits has done so for too long.
bool Discovery::is_quiet(Link& link, std::size_t limit, TimePoint waits_since, TimePoint now) {
  while (!link.recent.empty() && link.recent.front() <= now - kSecond) link.recent.pop_front();
  if (link.recent.size() + link.what.families() <= limit || now - waits_since >= rules_.patience) return true;
  ++counters_.deferred;
  ++link.counters.deferred;
  return false;
}

void Discovery::serve(Link& link, TimePoint now) {
  if (link.urgent_at <= now) {
    if (is_quiet(link, rules_.urgent_limit, link.urgent_since, now)) return send_beacon(link, now);
    link.urgent_at = now + around(0.1, 1);
  }
  if (link.regular_at <= now) {
    if (is_quiet(link, rules_.regular_limit, link.regular_since, now)) return send_beacon(link, now);
    link.regular_at = now + around(0.2, 1);
  }
}

void Discovery::send_beacon(Link& link, TimePoint now) {
  DiscoveryMessage message;
  message.kind = link.asks ? DiscoveryKind::query : DiscoveryKind::beacon;
  message.about = *self_;
  const Duration interval = this->interval(link);
  message.hold_ms = static_cast<std::uint32_t>(std::chrono::duration<double, std::milli>(interval).count() * rules_.missed);
  for (const Link::Alone& alone : link.alone) {
    DiscoveryMessage copy = message;
    copy.kind = DiscoveryKind::beacon;
    copy.nonce = alone.nonce;
    unsent_.push_back({link.what.interface, alone.to, copy});
    ++counters_.alone_sent;
    message.flags |= DiscoveryMessage::kCopied;
    message.nonce = alone.nonce;
  }
  ++(link.asks ? counters_.queries_sent : counters_.beacons_sent);
  ++link.counters.sent;
  carried(link, link.what.families() + link.alone.size(), now);
  unsent_.push_back({link.what.interface, "", message});
  // What is news is said once more soon, in case it was lost.
  const double next = std::chrono::duration<double>(link.news ? kSecond : interval).count();
  link.regular_at = link.regular_since = now + around(0.8 * next, 1.2 * next);
  link.urgent_at = TimePoint::max();
  link.news = false;
  link.asks = false;
  link.alone.clear();
  link.sent_at = now;
}

void Discovery::on_datagram(const DiscoveryIn& in, BytesView bytes, TimePoint now, std::uint64_t wall_ms) {
  const auto found = links_.find(in.interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  const auto message = DiscoveryMessage::decode(bytes);
  if (!message) {
    ++counters_.malformed;
    return;
  }
  const Announcement& about = message->about;
  const bool own = self_ ? is_same_program(about, *self_) && about.epoch == self_->epoch : about.node.is_none() && nonce_ != 0 && message->nonce == nonce_;
  if (own) return note_own(link, in, now);
  if (in.group) carried(link, message->copied() ? 2 : 1, now);
  ++link.counters.heard;
  ++(message->kind == DiscoveryKind::bye ? counters_.byes_heard : message->kind == DiscoveryKind::query ? counters_.queries_heard : counters_.beacons_heard);
  if (self_ && is_same_program(about, *self_)) {
    ++counters_.doubles;
    double_at_ = in.from;
    return;
  }
  if (message->kind == DiscoveryKind::bye) return table_.leaving({about.node, about.port}, now);
  if (!about.node.is_none()) {
    table_.heard(*message, {address_of(in.host, about.port), in.interface, now}, now, wall_ms);
    if (nonce_ != 0 && answers_.size() < kMostAnswers) answers_.push_back({{about.node, about.port}, in.interface, in.ip6, in.group});
  }
  if (message->kind == DiscoveryKind::query && in.group && self_) on_query(link, in, *message, now);
}

void Discovery::note_own(Link& link, const DiscoveryIn& in, TimePoint now) {
  (in.ip6 ? link.counters.own_ip6 : link.counters.own_ip4) = now;
}

/// Answers to the group, so that one answer does for all who ask; never longer than the question, and not twice in a moment.
void Discovery::on_query(Link& link, const DiscoveryIn& in, const DiscoveryMessage& query, TimePoint now) {
  const double spread = nodes_on(link) / rules_.spread;
  TimePoint soonest = now;
  if (query.alone() && link.alone.size() < kMostAlone && alone_rate_.take(now)) {
    link.alone.push_back({in.from, query.nonce});
  } else if (link.sent_at != TimePoint::min()) {
    const Duration pause = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::max(kPause, spread)));
    soonest = std::max(now, link.sent_at + pause);
  }
  // What waits already is an answer, too. Were it brought forward by each who asks, all nodes would send in one instant.
  if (link.urgent_at == TimePoint::max()) want(link, soonest + around(0, std::max(kAnswerSpread, spread)), now);
}

DiscoveryMessage Discovery::ask(TimePoint now) {
  DiscoveryMessage query;
  query.kind = DiscoveryKind::query;
  query.flags = DiscoveryMessage::kAlone;
  while (nonce_ == 0 || query.nonce == 0) query.nonce = nonce_ = static_cast<std::uint32_t>(random_());
  for (auto& [interface, link] : links_) {
    unsent_.push_back({interface, "", query});
    carried(link, link.what.families(), now);
    ++link.counters.sent;
    ++counters_.queries_sent;
  }
  return query;
}

void Discovery::leave(TimePoint now) {
  if (!self_) return;
  DiscoveryMessage bye;
  bye.kind = DiscoveryKind::bye;
  bye.about = *self_;
  for (auto& [interface, link] : links_) {
    if (!is_quiet(link, rules_.urgent_limit, now, now)) continue;
    unsent_.push_back({interface, "", bye});
    ++counters_.byes_sent;
    ++link.counters.sent;
  }
  self_.reset();
  for (auto& [interface, link] : links_) link.urgent_at = link.regular_at = TimePoint::max();
}

void Discovery::on_time(TimePoint now) {
  if (self_) {
    for (auto& [interface, link] : links_) serve(link, now);
  }
  Duration longest = rules_.interval;
  for (const auto& [interface, link] : links_) longest = std::max(longest, interval(link));
  table_.expire(now, std::chrono::duration_cast<Duration>(longest * rules_.missed));
}

std::vector<DiscoveryOut> Discovery::take_outgoing(std::uint64_t wall_ms) {
  std::vector<DiscoveryOut> out;
  for (Unsent& unsent : unsent_) {
    unsent.message.time_ms = wall_ms;
    out.push_back({unsent.interface, std::move(unsent.alone), unsent.message.encode()});
  }
  unsent_.clear();
  return out;
}

TimePoint Discovery::next_wakeup() const {
  TimePoint next = table_.next_wakeup();
  for (const auto& [interface, link] : links_) next = std::min({next, link.urgent_at, link.regular_at});
  return next;
}

const Discovery::LinkCounters* Discovery::link(std::uint32_t interface) const {
  const auto found = links_.find(interface);
  return found == links_.end() ? nullptr : &found->second.counters;
}

}  // namespace ghost::b2
