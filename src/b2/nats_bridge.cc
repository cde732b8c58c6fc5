#include "b2/nats_bridge.h"

#include <algorithm>
#include <utility>

#include "b2/topic_subject.h"
#include "base/sha256.h"

namespace ghost::b2 {

namespace {

constexpr std::size_t kPositionsAPart = 200;
constexpr std::size_t kMostInterests = 256;      ///< told one by one; a node with more is told to want everything
constexpr std::size_t kMostRemotes = 1024;
constexpr std::size_t kMostPending = 8192;       ///< messages for groups that nobody has said to have taken yet
constexpr std::size_t kMostRemembered = 4096;    ///< routes, turns, subjects a group lost messages of
constexpr std::size_t kMostPositions = 65536;    ///< subjects of one other node
constexpr unsigned kTriesForGroup = 8;
constexpr Duration kAgainForGroup = std::chrono::milliseconds(100);
constexpr Duration kStopped = std::chrono::seconds(3);  ///< a wake-up so late: this process was stopped, not the others

std::string number_token(char kind, std::uint64_t number) { return kind + std::to_string(number); }

Bytes id_bytes(const NodeId& id) { return Bytes(id.bytes.begin(), id.bytes.end()); }

/// What subscribers get of a topic's message; its subject and data are taken out of `topic`.
v1::TopicMessage message_of(const NatsBridge::Remote& remote, v1::NatsTopic& topic) {
  v1::TopicMessage message;
  message.subject = std::move(topic.subject);
  message.data = std::move(topic.data);
  v1::TopicOrigin& origin = message.origin.emplace();
  origin.node = id_bytes(remote.node);
  origin.epoch = remote.epoch;
  origin.run = topic.run;
  origin.sequence = topic.sequence;
  return message;
}

std::uint64_t milliseconds_of(Duration time) { return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()); }

/// Numbers that a node could have come to: sums of them stay far from 2^64.
bool sensible(std::uint64_t run, std::uint64_t sequence) { return run < std::uint64_t{1} << 53 && sequence < std::uint64_t{1} << 53; }

/// Whether one of a node's interests stands for the subject.
bool wants(const std::vector<v1::NatsInterest>& interests, std::string_view subject, std::string_view group) {
  return std::any_of(interests.begin(), interests.end(), [&](const v1::NatsInterest& one) { return one.group == group && matches(one.pattern, subject); });
}

/// A stranger's patterns: those that are none are left out.
std::vector<v1::NatsInterest> checked_interests(std::vector<v1::NatsInterest> interests) {
  std::erase_if(interests, [](const v1::NatsInterest& one) { return !check_pattern(one.pattern) || one.group.size() > kMaxSubject; });
  if (interests.size() > 2 * kMostInterests) interests.resize(2 * kMostInterests);
  return interests;
}

}  // namespace

std::string NatsSubjects::inbox(BytesView node, std::uint64_t epoch, std::string_view token) const {
  return prefix_ + "to." + to_hex(node.first(std::min<std::size_t>(node.size(), 8))) + "." + std::to_string(epoch) + "." + std::string(token);
}

std::string NatsSubjects::queue(std::string_view group) { return to_hex(sha256(as_bytes(group))).substr(0, 16); }

NatsBridge::NatsBridge(NatsBridgePort& port, const Clock& clock, Self self, Timing timing)
    : port_(port), self_(std::move(self)), timing_(timing), subjects_(self_.house), clock_(clock), began_(clock.now()), advanced_(began_) {}

v1::NatsEnvelope NatsBridge::envelope() const {
  v1::NatsEnvelope made;
  made.node = id_bytes(self_.node);
  made.epoch = self_.epoch;
  return made;
}

v1::NatsEnvelope NatsBridge::envelope_to(const Remote& remote) const {
  v1::NatsEnvelope made = envelope();
  made.to = id_bytes(remote.node);
  made.to_epoch = remote.epoch;
  return made;
}

void NatsBridge::set_offer(std::vector<std::string> addresses, std::vector<v1::ServiceEntry> services) {
  addresses_ = std::move(addresses);
  services_ = std::move(services);
  if (connected_) hello_at_ = clock_.now();
}

void NatsBridge::set_certificate(Bytes certificate) {
  self_.certificate = std::move(certificate);
  if (connected_) hello_at_ = clock_.now();
}

void NatsBridge::forget(const std::function<bool(const Identity&)>& is_revoked) {
  std::vector<RemoteKey> over;
  for (const auto& [key, remote] : remotes_) {
    if (is_revoked(remote.identity)) over.push_back(key);
  }
  for (const RemoteKey& key : over) {
    port_.gone(key.first, key.second, "was revoked");
    remotes_.erase(key);
  }
  routes_.clear();
  check_barriers();
}

void NatsBridge::connected(std::size_t max_payload) {
  const TimePoint now = clock_.now();
  if (max_payload > 2 * kAround) max_payload_ = max_payload;
  if (ever_connected_) ++counts_.reconnects;
  if (!ever_connected_) {
    port_.listen(subjects_.all(), "");
    port_.listen(subjects_.inbox(id_bytes(self_.node), self_.epoch, ">"), "");
    for (const auto& [key, interest] : interests_) {
      port_.listen(key.first.empty() ? subjects_.topic(key.second) : subjects_.group(key.first, key.second), key.first.empty() ? "" : NatsSubjects::queue(key.first));
    }
  }
  ever_connected_ = connected_ = true;
  settled_ = now + timing_.settle;
  say_hello();
  ask(nullptr, true);
  ask_at_ = now + timing_.settle / 2;  // an answer may have been lost while the servers made themselves known to each other
}

void NatsBridge::disconnected(std::string why) {
  connected_ = false;
  problem_ = std::move(why);
}

void NatsBridge::leave() {
  if (!connected_) return;
  send_tide();
  v1::NatsEnvelope bye = envelope();
  bye.bye.emplace().tide = tide_;
  port_.send(subjects_.all(), "", std::move(bye));
}

std::vector<v1::NatsInterest> NatsBridge::interests() const {
  std::vector<v1::NatsInterest> all;
  std::set<std::string> groups;
  bool plain = false;
  for (const auto& [key, interest] : interests_) {
    v1::NatsInterest& one = all.emplace_back();
    one.group = key.first;
    one.pattern = key.second;
    if (key.first.empty()) plain = true;
    else groups.insert(key.first);
  }
  if (all.size() <= kMostInterests) return all;
  all.clear();
  const auto everything = [&](const std::string& group) {
    v1::NatsInterest& one = all.emplace_back();
    one.group = group;
    one.pattern = ">";
  };
  if (plain) everything("");
  for (const std::string& group : groups) {
    if (all.size() < kMostInterests) everything(group);
  }
  return all;
}

void NatsBridge::say_hello() {
  v1::NatsEnvelope made = envelope();
  v1::NatsHello& hello = made.hello.emplace();
  hello.certificate = self_.certificate;
  hello.name = self_.name;
  hello.program = self_.program;
  hello.up_ms = milliseconds_of(clock_.now() - began_);
  hello.tide = tide_;
  hello.interests = interests();
  hello.addresses = addresses_;
  hello.services = services_;
  port_.send(subjects_.all(), "", std::move(made));
  hello_at_ = clock_.now() + timing_.hello;
}

/// Tells one node, or all, what is wanted here, and asks how far they are.
void NatsBridge::ask(Remote* remote, bool who) {
  if (!connected_) return;
  const TimePoint now = clock_.now();
  v1::NatsEnvelope made = remote ? envelope_to(*remote) : envelope();
  v1::NatsAsk& question = made.ask.emplace();
  question.generation = generation_;
  question.interests = interests();
  question.who = who;
  if (remote) remote->asked = now;
  else asked_all_ = now;
  const std::string to = remote ? subjects_.inbox(made.to, remote->epoch, "m") : subjects_.all();
  port_.send(to, "", std::move(made));
}

void NatsBridge::stranger_heard() {
  if (!connected_ || clock_.now() < asked_all_ + timing_.ask_again) return;
  say_hello();
  ask(nullptr, true);
}

// ── what is wanted here ─────────────────────────────────────────────────────────────────────────────────────────────────────────

std::uint64_t NatsBridge::joining(const std::vector<std::string>& patterns, const std::string& group, Ready ready) {
  const std::uint64_t id = ++last_joined_;
  Joined& joined = joined_[id];
  joined.deadline = clock_.now() + timing_.barrier;
  joined.ready = std::move(ready);
  bool fresh = false;
  for (const std::string& pattern : std::set<std::string>(patterns.begin(), patterns.end())) {
    Interest& interest = interests_[{group, pattern}];
    if (interest.users++ == 0) {
      if (!std::exchange(fresh, true)) ++generation_;
      interest.generation = generation_;
      if (ever_connected_) port_.listen(group.empty() ? subjects_.topic(pattern) : subjects_.group(group, pattern), group.empty() ? "" : NatsSubjects::queue(group));
    }
    joined.interests.emplace_back(group, pattern);
    joined.generation = std::max(joined.generation, interest.generation);
  }
  if (fresh && !remotes_.empty()) {
    ask(nullptr, false);
    ask_at_ = clock_.now() + timing_.ask_again;
  }
  check_barriers();
  return id;
}

void NatsBridge::left(std::uint64_t id) {
  const auto found = joined_.find(id);
  if (found == joined_.end()) return;
  const std::vector<InterestKey> interests = std::move(found->second.interests);
  joined_.erase(found);
  give_back(interests);
}

void NatsBridge::give_back(const std::vector<InterestKey>& interests) {
  bool gone = false;
  for (const InterestKey& key : interests) {
    const auto found = interests_.find(key);
    if (--found->second.users != 0) continue;
    interests_.erase(found);
    gone = true;
    const auto& [group, pattern] = key;
    if (ever_connected_) port_.unlisten(group.empty() ? subjects_.topic(pattern) : subjects_.group(group, pattern), group.empty() ? "" : NatsSubjects::queue(group));
  }
  if (!gone) return;
  for (auto& [key, remote] : remotes_) remote.ledger.forget_unless([&](const std::string& subject) { return wanted_here(subject); });
}

bool NatsBridge::wanted_here(std::string_view subject) const {
  return std::any_of(interests_.begin(), interests_.end(), [&](const auto& one) { return one.first.first.empty() && matches(one.first.second, subject); });
}

/// Whether all that `remote` publishes under the subject was to come here.
bool NatsBridge::counted(const Remote& remote, std::string_view subject) const {
  return std::any_of(interests_.begin(), interests_.end(), [&](const auto& one) {
    const auto& [key, interest] = one;
    return key.first.empty() && (interest.generation <= remote.confirmed || remote.booted > interest.acked) && matches(key.second, subject);
  });
}

std::vector<std::string> NatsBridge::unconfirmed(std::uint64_t generation) const {
  std::vector<std::string> names;
  if (!connected_) names.push_back("NATS: " + problem_);
  for (const auto& [key, remote] : remotes_) {
    if (remote.confirmed < generation) names.push_back(remote.name + (remote.alive ? " (does not answer)" : " (away)"));
  }
  return names;
}

/// Calls those whose interest everybody has confirmed, or who have waited long enough.
void NatsBridge::check_barriers() {
  const TimePoint now = clock_.now();
  std::uint64_t known = connected_ && now >= settled_ ? generation_ : 0;  // the generation that all who are there know
  if (known != 0) {
    for (const auto& [key, remote] : remotes_) {
      if (remote.alive) known = std::min(known, remote.confirmed);
    }
  }
  std::vector<std::pair<Ready, std::vector<std::string>>> due;
  for (auto& [id, joined] : joined_) {
    if (!joined.ready || (joined.generation > known && now < joined.deadline)) continue;
    for (const InterestKey& key : joined.interests) {
      Interest& interest = interests_.at(key);
      interest.acked = std::min(interest.acked, now);
    }
    due.emplace_back(std::exchange(joined.ready, nullptr), unconfirmed(joined.generation));
  }
  for (auto& [ready, names] : due) ready(std::move(names));
}

// ── what is published here ──────────────────────────────────────────────────────────────────────────────────────────────────────

const NatsBridge::Route& NatsBridge::route_of(const std::string& subject) const {
  if (const auto found = routes_.find(subject); found != routes_.end()) return found->second;
  if (routes_.size() >= kMostRemembered) routes_.clear();
  Route& route = routes_[subject];
  for (const auto& [key, remote] : remotes_) {
    const bool wanted = wants(remote.interests, subject, "");
    route.wanted |= wanted;
    route.plain |= wanted && remote.alive;
    std::set<std::string_view> groups;
    for (const v1::NatsInterest& one : remote.interests) {
      if (remote.alive && !one.group.empty() && matches(one.pattern, subject)) groups.insert(one.group);
    }
    for (const std::string_view group : groups) ++route.groups[std::string(group)];
  }
  return route;
}

bool NatsBridge::has_local_member(std::string_view subject, const std::string& group) const {
  for (auto at = interests_.lower_bound({group, ""}); at != interests_.end() && at->first.first == group; ++at) {
    if (at->second.acked != TimePoint::max() && matches(at->first.second, subject)) return true;
  }
  return false;
}

bool NatsBridge::goes_elsewhere(std::string_view subject, const std::string& group) const {
  const Route& route = route_of(std::string(subject));
  const auto found = route.groups.find(group);
  if (found == route.groups.end()) return false;
  if (!has_local_member(subject, group)) return true;
  const auto turn = group_turns_.find(group);
  return connected_ && (turn == group_turns_.end() ? 0 : turn->second) % (found->second + 1) != 0;
}

Status NatsBridge::fits(std::string_view subject, std::size_t bytes) const {
  if (bytes <= most()) return {};
  const Route& route = route_of(std::string(subject));
  if (!route.plain && route.groups.empty()) return {};
  return Error{Errc::exhausted, "a message of " + std::to_string(bytes) + " bytes under '" + std::string(subject) + "', which other nodes subscribe to: by NATS go " +
                                    std::to_string(most()) + " at most (max_payload of the broker, less " + std::to_string(kAround) +
                                    "); it was not published. Publish where it can be fetched instead, or raise max_payload"};
}

void NatsBridge::published(const v1::TopicMessage& message) {
  if (!port_.may_publish(message.subject)) return;
  const Route& route = route_of(message.subject);
  const v1::NatsPosition position = ledger_.next(message.subject, route.wanted);
  if (route.wanted) plan_tide();
  if (!route.plain && route.groups.empty()) return;
  v1::NatsTopic topic;
  topic.subject = message.subject;
  topic.run = position.run;
  topic.sequence = position.sequence;
  topic.data = message.data;
  const std::map<std::string, std::size_t> groups = route.groups;
  for (const auto& [group, nodes] : groups) {
    if (goes_elsewhere(message.subject, group)) send_to_group({group, topic.subject, topic.data, TimePoint(), topic.run, topic.sequence, 0});
    if (group_turns_.size() >= kMostRemembered) group_turns_.clear();
    ++group_turns_[group];
  }
  if (!route.plain) return;
  v1::NatsEnvelope made = envelope();
  made.topic = std::move(topic);
  ++counts_.sent;
  port_.send(subjects_.topic(message.subject), "", std::move(made));
}

void NatsBridge::send_to_group(Pending message) {
  if (pending_.size() + again_.size() >= kMostPending) return lose_of_group(message.group, message.subject);
  const std::uint64_t id = ++last_id_;
  v1::NatsEnvelope made = envelope();
  v1::NatsTopic& topic = made.topic.emplace();
  topic.subject = message.subject;
  topic.run = message.run;
  topic.sequence = message.sequence;
  topic.data = message.data;
  topic.group = message.group;
  topic.id = id;
  const std::string to = subjects_.group(message.group, message.subject);
  const std::string inbox = subjects_.inbox(made.node, self_.epoch, number_token('g', id));
  ++message.tries;
  message.deadline = clock_.now() + timing_.taken;
  pending_[id] = std::move(message);
  ++counts_.sent;
  port_.send(to, inbox, std::move(made));
}

void NatsBridge::no_responders(std::string_view token) {
  if (!token.starts_with('g')) return port_.call_unheard(token);
  std::uint64_t id = 0;
  for (const char digit : token.substr(1)) id = id * 10 + static_cast<std::uint64_t>(digit - '0');
  if (auto found = pending_.extract(id)) not_taken(std::move(found.mapped()));
}

void NatsBridge::hear_taken(const v1::NatsTaken& taken) {
  auto found = pending_.extract(taken.id);
  if (found && !taken.taken) not_taken(std::move(found.mapped()));
}

/// Nobody there has it: a member here gets it, if there is one; otherwise it is sent again, a few times, since members come and go.
void NatsBridge::not_taken(Pending pending) {
  v1::TopicMessage message;
  message.subject = pending.subject;
  message.data = pending.data;
  Identity self;
  self.node = self_.node;
  self.kind = Identity::Kind::owner;
  if (port_.deliver_to_group(self, pending.group, std::move(message))) return;
  if (pending.tries >= kTriesForGroup) return lose_of_group(pending.group, pending.subject);
  pending.deadline = clock_.now() + kAgainForGroup;
  again_.push_back(std::move(pending));
}

void NatsBridge::lose_of_group(const std::string& group, const std::string& subject) {
  if (group_losses_.size() >= kMostRemembered && !group_losses_.contains({group, subject})) return port_.uncounted("");
  ++group_losses_[{group, subject}];
  group_losses_changed_.insert({group, subject});
  plan_tide();
  ++counts_.lost;
  port_.lost_of_group(group, subject, 1);
}

void NatsBridge::plan_tide() {
  if (tide_at_ == TimePoint::max()) tide_at_ = clock_.now() + timing_.tide;
}

/// How far the subjects are that others want, and what groups lost.
void NatsBridge::send_tide() {
  tide_at_ = TimePoint::max();
  std::vector<v1::NatsPosition> changed = ledger_.take_changed();
  std::size_t at = 0;
  while (at < changed.size() || !group_losses_changed_.empty()) {
    v1::NatsEnvelope made = envelope();
    v1::NatsTide& tide = made.tide.emplace();
    tide.tide = ++tide_;
    for (; at < changed.size() && tide.positions.size() < kPositionsAPart; ++at) tide.positions.push_back(std::move(changed[at]));
    while (!group_losses_changed_.empty() && tide.losses.size() < kPositionsAPart) {
      const auto key = *group_losses_changed_.begin();
      group_losses_changed_.erase(group_losses_changed_.begin());
      v1::NatsGroupLoss& loss = tide.losses.emplace_back();
      loss.group = key.first;
      loss.subject = key.second;
      loss.total = group_losses_[key];
    }
    port_.send(subjects_.all(), "", std::move(made));
  }
}

// ── what comes from others ──────────────────────────────────────────────────────────────────────────────────────────────────────

void NatsBridge::receive(const Identity& from, v1::NatsEnvelope envelope) {
  if (from.node == self_.node && envelope.epoch == self_.epoch) return;
  if (!envelope.to.empty() && (envelope.to != id_bytes(self_.node) || envelope.to_epoch != self_.epoch)) return;
  if (envelope.hello) {
    v1::NatsHello hello = std::move(*envelope.hello);
    hear_hello(from, envelope, std::move(hello));
    return check_barriers();
  }
  const auto found = remotes_.find({from.node, envelope.epoch});
  if (found == remotes_.end()) return stranger_heard();
  if (envelope.bye) return hear_bye(found->second, *envelope.bye);
  hear(from, found->second, std::move(envelope));
}

void NatsBridge::hear(const Identity& from, Remote& remote, v1::NatsEnvelope envelope) {
  remote.heard = clock_.now();
  if (!std::exchange(remote.alive, true)) routes_.clear();
  if (envelope.call || envelope.result || envelope.cancel) return port_.call_heard(from, std::move(envelope));
  if (envelope.topic && envelope.topic->group.empty()) hear_topic(from, remote, std::move(*envelope.topic));
  else if (envelope.topic) hear_group_topic(from, remote, std::move(*envelope.topic));
  if (envelope.tide) hear_tide(remote, *envelope.tide);
  if (envelope.ask) hear_ask(remote, std::move(*envelope.ask));
  if (envelope.positions) hear_positions(remote, *envelope.positions);
  if (envelope.taken) hear_taken(*envelope.taken);
}

void NatsBridge::hear_hello(const Identity& from, const v1::NatsEnvelope& envelope, v1::NatsHello hello) {
  const TimePoint now = clock_.now();
  const RemoteKey key{from.node, envelope.epoch};
  auto found = remotes_.find(key);
  const bool fresh = found == remotes_.end();
  if (fresh) {
    if (remotes_.size() >= kMostRemotes) return;
    found = remotes_.emplace(key, Remote()).first;
    Remote& made = found->second;
    made.identity = from;
    made.node = from.node;
    made.epoch = envelope.epoch;
    made.name = from.name;
    made.program = hello.program;
    made.booted = now - std::chrono::milliseconds(std::min<std::uint64_t>(hello.up_ms, std::uint64_t{1} << 40));
    made.heard = now;
    made.booted_ms = envelope.sent_ms - std::min(envelope.sent_ms, hello.up_ms);
    if (!replace_former(made)) {
      remotes_.erase(found);
      return;
    }
  }
  Remote& remote = found->second;
  remote.heard = now;
  remote.alive = true;
  remote.interests = checked_interests(std::move(hello.interests));
  remote.addresses = std::move(hello.addresses);
  remote.services = std::move(hello.services);
  routes_.clear();
  if (fresh) ask(&remote, false);
  behind(remote, hello.tide);
}

/// Its program on that node may have ended without a word: then what it published last may be missing. False when `remote` itself is of
/// the past, as a repeated hello would be.
bool NatsBridge::replace_former(const Remote& remote) {
  for (auto at = remotes_.begin(); at != remotes_.end(); ++at) {
    const Remote& other = at->second;
    if (other.node != remote.node || other.epoch == remote.epoch || other.program != remote.program) continue;
    if (other.booted_ms > remote.booted_ms) return false;
    const bool alive = other.alive;
    const std::string name = other.name;
    port_.gone(other.node, other.epoch, "was started anew");
    remotes_.erase(at);
    if (alive) port_.uncounted(name);
    return true;
  }
  return true;
}

void NatsBridge::hear_bye(const Remote& remote, const v1::NatsBye& bye) {
  const bool all_here = bye.tide == remote.tide || interests_.empty();
  const std::string name = remote.name;
  port_.gone(remote.node, remote.epoch, "shut down");
  remotes_.erase({remote.node, remote.epoch});
  routes_.clear();
  if (!all_here) port_.uncounted(name);
  check_barriers();
}

/// `remote` is at that tide: asks for what was not heard.
void NatsBridge::behind(Remote& remote, std::uint64_t tide) {
  if (interests_.empty()) remote.tide = std::max(remote.tide, tide);
  else if (tide > remote.tide && clock_.now() >= remote.asked + timing_.ask_again) ask(&remote, false);
}

void NatsBridge::hear_topic(const Identity& from, Remote& remote, v1::NatsTopic topic) {
  if (!check_subject(topic.subject) || !wanted_here(topic.subject) || !sensible(topic.run, topic.sequence)) return;
  if (remote.ledger.size() >= kMostPositions) return;
  v1::NatsPosition position;
  position.subject = topic.subject;
  position.run = topic.run;
  position.sequence = topic.sequence;
  const auto [fresh, missing] = remote.ledger.message(position);
  if (!fresh) {
    ++counts_.stale;
    return;
  }
  if (tell_missing(remote, topic.subject, missing)) port_.uncounted(remote.name);
  ++counts_.received;
  port_.deliver(from, message_of(remote, topic));
}

void NatsBridge::hear_group_topic(const Identity& from, Remote& remote, v1::NatsTopic topic) {
  if (!check_subject(topic.subject) || topic.group.size() > kMaxSubject) return;
  if (remote.group_ids.size() >= kMostRemembered) remote.group_ids.clear();
  std::uint64_t& last = remote.group_ids[topic.group];
  if (topic.id <= last) {
    ++counts_.stale;
    return;
  }
  last = topic.id;
  v1::NatsEnvelope made = envelope_to(remote);
  v1::NatsTaken& taken = made.taken.emplace();
  taken.id = topic.id;
  taken.taken = port_.deliver_to_group(from, topic.group, message_of(remote, topic));
  if (taken.taken) ++counts_.received;
  const std::string inbox = subjects_.inbox(made.to, remote.epoch, "m");
  port_.send(inbox, "", std::move(made));
}

/// Messages of `remote` did not come: tells how many, as far as they were to come. @return whether there may be some that were not told
bool NatsBridge::tell_missing(const Remote& remote, const std::string& subject, std::uint64_t missing) {
  if (missing == 0) return false;
  if (counted(remote, subject)) {
    counts_.lost += missing;
    port_.lost(subject, missing);
    return false;
  }
  return std::any_of(interests_.begin(), interests_.end(), [&](const auto& one) {
    return one.first.first.empty() && one.second.acked != TimePoint::max() && matches(one.first.second, subject);
  });
}

/// Everything up to these positions has come, or is lost. @return whether some of that could not be counted
bool NatsBridge::account(Remote& remote, const std::vector<v1::NatsPosition>& positions) {
  bool uncounted = false;
  for (const v1::NatsPosition& position : positions) {
    if (!check_subject(position.subject) || !wanted_here(position.subject) || remote.ledger.size() >= kMostPositions) continue;
    if (!sensible(position.run, position.sequence)) continue;
    uncounted |= tell_missing(remote, position.subject, remote.ledger.reach(position));
  }
  return uncounted;
}

/// Whether `remote` has published what a group with members here was to have part in, before it knew of them.
bool NatsBridge::passed_by_groups(const Remote& remote, const v1::NatsPositions& answer) const {
  return std::any_of(interests_.begin(), interests_.end(), [&](const auto& one) {
    const auto& [key, interest] = one;
    if (key.first.empty() || interest.acked == TimePoint::max() || interest.generation <= remote.confirmed || interest.generation > answer.generation) return false;
    return std::any_of(answer.positions.begin(), answer.positions.end(),
                       [&](const v1::NatsPosition& position) { return check_subject(position.subject) && matches(key.second, position.subject); });
  });
}

void NatsBridge::account(Remote& remote, const std::vector<v1::NatsGroupLoss>& losses) {
  for (const v1::NatsGroupLoss& loss : losses) {
    if (!check_subject(loss.subject) || loss.group.size() > kMaxSubject || remote.group_losses.size() >= kMostRemembered) continue;
    std::uint64_t& known = remote.group_losses[{loss.group, loss.subject}];
    if (loss.total <= known || !sensible(0, loss.total)) continue;
    const std::uint64_t lost = loss.total - std::exchange(known, loss.total);
    if (remote.confirmed != 0 && has_local_member(loss.subject, loss.group)) port_.lost_of_group(loss.group, loss.subject, lost);
  }
}

void NatsBridge::hear_tide(Remote& remote, const v1::NatsTide& tide) {
  if (tide.tide <= remote.tide) return;
  const bool uncounted = account(remote, tide.positions);
  account(remote, tide.losses);
  if (tide.tide == remote.tide + 1) remote.tide = tide.tide;
  else behind(remote, tide.tide);
  if (uncounted) port_.uncounted(remote.name);
}

void NatsBridge::hear_ask(Remote& remote, v1::NatsAsk question) {
  remote.interests = checked_interests(std::move(question.interests));
  routes_.clear();
  if (question.who) say_hello();
  std::vector<std::string> patterns;
  for (const v1::NatsInterest& one : remote.interests) {
    patterns.push_back(one.pattern);  // of groups, too: what was published before they were known
  }
  std::vector<v1::NatsPosition> positions = ledger_.positions(patterns);
  std::vector<v1::NatsGroupLoss> losses;
  for (const auto& [key, total] : group_losses_) {
    v1::NatsGroupLoss& loss = losses.emplace_back();
    loss.group = key.first;
    loss.subject = key.second;
    loss.total = total;
  }
  std::size_t position = 0, loss = 0;
  std::uint32_t part = 0;
  do {
    v1::NatsEnvelope made = envelope_to(remote);
    v1::NatsPositions& answer = made.positions.emplace();
    answer.generation = question.generation;
    answer.tide = tide_;
    answer.part = part++;
    for (; position < positions.size() && answer.positions.size() < kPositionsAPart; ++position) answer.positions.push_back(std::move(positions[position]));
    for (; loss < losses.size() && answer.losses.size() < kPositionsAPart; ++loss) answer.losses.push_back(std::move(losses[loss]));
    answer.more = position < positions.size() || loss < losses.size();
    const std::string inbox = subjects_.inbox(made.to, remote.epoch, "m");
    port_.send(inbox, "", std::move(made));
  } while (position < positions.size() || loss < losses.size());
}

void NatsBridge::hear_positions(Remote& remote, const v1::NatsPositions& answer) {
  if (answer.generation > generation_) return;
  if (answer.part == 0) {
    remote.parts = 0;
    remote.parts_of = answer.generation;
  }
  if (answer.part != remote.parts || answer.generation != remote.parts_of) return;
  ++remote.parts;
  bool uncounted = passed_by_groups(remote, answer);
  uncounted |= account(remote, answer.positions);
  account(remote, answer.losses);
  if (uncounted) port_.uncounted(remote.name);
  if (answer.more) return;
  remote.confirmed = std::max(remote.confirmed, answer.generation);
  // An answer to a question of before some interest may tell less than a tide that came meanwhile did.
  remote.tide = std::max(remote.tide, answer.tide);
  check_barriers();
}

// ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

void NatsBridge::look_for_the_silent() {
  const TimePoint now = clock_.now();
  std::string silent;
  std::vector<RemoteKey> away;
  for (auto at = remotes_.begin(); at != remotes_.end();) {
    Remote& remote = at->second;
    if (remote.alive && now >= remote.heard + timing_.silent) {
      remote.alive = false;
      away.push_back(at->first);
      routes_.clear();
      silent += (silent.empty() ? "" : ", ") + remote.name;
    }
    at = now >= remote.heard + timing_.forgotten ? remotes_.erase(at) : std::next(at);
  }
  if (!silent.empty()) port_.uncounted(silent);
  for (const RemoteKey& key : away) port_.gone(key.first, key.second, "went silent");
}

void NatsBridge::advance() {
  const TimePoint now = clock_.now();
  if (now > advanced_ + kStopped) {
    for (auto& [key, remote] : remotes_) {
      if (remote.alive) remote.heard = now;
    }
  }
  advanced_ = now;
  if (connected_ && now >= hello_at_) say_hello();
  if (connected_ && now >= tide_at_) send_tide();
  while (!pending_.empty() && now >= pending_.begin()->second.deadline) {
    const Pending late = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    lose_of_group(late.group, late.subject);
  }
  while (!again_.empty() && now >= again_.front().deadline) {
    Pending message = std::move(again_.front());
    again_.pop_front();
    send_to_group(std::move(message));
  }
  look_for_the_silent();
  if (now >= ask_at_) {
    const bool missing = std::any_of(remotes_.begin(), remotes_.end(), [&](const auto& one) { return one.second.alive && one.second.confirmed < generation_; });
    if (now < settled_) say_hello();
    if (now < settled_ || missing) ask(nullptr, now < settled_);
    ask_at_ = missing ? now + timing_.ask_again : TimePoint::max();
  }
  check_barriers();
}

TimePoint NatsBridge::next_wakeup() const {
  TimePoint first = advanced_ + std::chrono::seconds(1);  // a clock of its own, so that a process that was stopped finds out
  if (connected_) first = std::min({first, hello_at_, tide_at_});
  first = std::min(first, ask_at_);
  if (!again_.empty()) first = std::min(first, again_.front().deadline);
  if (!pending_.empty()) first = std::min(first, pending_.begin()->second.deadline);
  for (const auto& [id, joined] : joined_) {
    if (joined.ready) first = std::min({first, joined.deadline, connected_ && settled_ > clock_.now() ? settled_ : TimePoint::max()});
  }
  return first;
}

}  // namespace ghost::b2
