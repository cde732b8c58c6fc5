#include "b2/topic_bus.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "b2/topic_subject.h"
#include "base/text.h"

namespace ghost::b2 {

namespace {

/// What a message costs where it waits or is kept: its bytes, and about what it takes to hold it.
constexpr std::size_t kMessageOverhead = 128;
std::size_t topic_cost(std::string_view subject, std::size_t data_bytes) { return subject.size() + data_bytes + kMessageOverhead; }
std::size_t topic_cost(const v1::TopicEvent& event) { return topic_cost(event.message->subject, event.message->data.size()); }

std::string counted(std::uint64_t count, const char* thing) { return std::to_string(count) + " " + thing + (count == 1 ? "" : "s"); }

/// "'archive.disc' number 41" for a message.
std::string named(const v1::TopicMessage& message) { return "'" + printable(message.subject) + "' number " + std::to_string(message.sequence); }

}  // namespace

Status TopicBus::check_request(const v1::SubscribeRequest& request) const {
  if (request.patterns.empty()) return Error{Errc::malformed, "a subscription needs a pattern; '>' stands for all subjects"};
  if (request.patterns.size() > limits_.patterns) return Error{Errc::exhausted, "a subscription has at most " + std::to_string(limits_.patterns) + " patterns"};
  if (request.positions.size() > limits_.positions) return Error{Errc::exhausted, "a subscription begins at no more than " + std::to_string(limits_.positions) + " positions"};
  for (const std::string& pattern : request.patterns) {
    if (const Status fine = check_pattern(pattern); !fine) return fine;
  }
  for (const v1::TopicPosition& position : request.positions) {
    if (const Status fine = check_subject(position.subject); !fine) return fine;
  }
  if (request.group.size() > kMaxSubject) return Error{Errc::malformed, "a group's name has at most " + std::to_string(kMaxSubject) + " bytes"};
  const bool from = request.from != 0 || !request.positions.empty();
  if (from && request.last) return Error{Errc::malformed, "ask for the last messages or for those from a number on, not for both"};
  if (!request.group.empty() && (from || request.last)) {
    return Error{Errc::malformed, "what was published before goes to single subscriptions, not to a group: each of its members would get it"};
  }
  if (request.policy > v1::TopicPolicy::disconnect || request.policy < v1::TopicPolicy::drop_oldest) {
    return Error{Errc::unsupported, "the policy " + std::to_string(static_cast<int>(request.policy)) + " is not known here"};
  }
  if (subscribers_.size() >= limits_.subscriptions) {
    return Error{Errc::exhausted, std::to_string(subscribers_.size()) + " subscriptions are open on this node, as many as are allowed"};
  }
  return {};
}

Result<TopicBus::Subscribed> TopicBus::subscribe(const v1::SubscribeRequest& request, std::function<bool(std::string_view)> may_read) {
  if (const Status fine = check_request(request); !fine) return fine.error();
  Subscribed made;
  made.id = ++last_id_;
  made.ack.epoch = epoch_;
  Subscriber& subscriber = subscribers_[made.id];
  subscriber.id = made.id;
  subscriber.patterns = request.patterns;
  subscriber.group = request.group;
  subscriber.policy = request.policy;
  subscriber.may_read = std::move(may_read);
  ++generation_;
  give_kept(subscriber, request, made.ack);
  return made;
}

/// The first sequence number of `subject` that is asked for; 0 for none.
std::uint64_t TopicBus::begin_of(const v1::SubscribeRequest& request, const Subject& subject) const {
  const bool of_another_life = request.epoch != 0 && request.epoch != epoch_;
  const auto position = std::find_if(request.positions.begin(), request.positions.end(), [&](const auto& one) { return one.subject == subject.name; });
  const std::uint64_t from = position == request.positions.end() ? request.from : position->from;
  return from != 0 && of_another_life ? 1 : from;
}

/// Queues what is kept of before, in the order it was published in; what does not fit or is not kept is counted.
void TopicBus::give_kept(Subscriber& subscriber, const v1::SubscribeRequest& request, v1::SubscribeAck& ack) {
  if (!request.last && request.from == 0 && request.positions.empty()) return;
  std::vector<std::pair<std::uint64_t, Event>> found;
  for (const Subject& subject : subjects_) {
    if (subject.sequence == 0 || !reads(subscriber, subject.name)) continue;
    if (request.last) {
      if (!subject.kept.empty()) found.push_back(subject.kept.back());
      continue;
    }
    const std::uint64_t from = begin_of(request, subject);
    if (from == 0 || from > subject.sequence) continue;
    const std::uint64_t first_kept = subject.sequence - subject.kept.size() + 1;
    if (from < first_kept) ack.missed += first_kept - from;
    const std::size_t skipped = from > first_kept ? static_cast<std::size_t>(from - first_kept) : 0;
    found.insert(found.end(), subject.kept.begin() + static_cast<std::ptrdiff_t>(skipped), subject.kept.end());
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t fit = 0, bytes = 0;
  while (fit < found.size() && fit < limits_.queue_messages) {
    bytes += topic_cost(*found[found.size() - 1 - fit].second);
    if (bytes > limits_.queue_bytes && fit != 0) break;
    ++fit;
  }
  ack.missed += found.size() - fit;
  ack.kept = static_cast<std::uint32_t>(fit);
  for (std::size_t i = found.size() - fit; i < found.size(); ++i) append(subscriber, found[i].second);
}

void TopicBus::unsubscribe(Subscription id) {
  if (subscribers_.erase(id) == 0) return;
  ++generation_;
  holding_.erase(id);
  look_at_held_ = true;
}

TopicBus::Event TopicBus::next(Subscription id) {
  const auto found = subscribers_.find(id);
  if (found == subscribers_.end()) return nullptr;
  Subscriber& subscriber = found->second;
  std::uint64_t& dropped = subscriber.queue.empty() ? subscriber.dropped_behind : subscriber.queue.front().dropped_before;
  bool& uncounted = subscriber.queue.empty() ? subscriber.uncounted_behind : subscriber.queue.front().uncounted_before;
  if (dropped != 0 || uncounted) {
    v1::TopicEvent event;
    v1::TopicDropped& told = event.dropped.emplace();
    told.count = std::exchange(dropped, 0);
    told.uncounted = std::exchange(uncounted, false);
    subscriber.dropped_total += told.count;
    told.total = subscriber.dropped_total;
    return std::make_shared<const v1::TopicEvent>(std::move(event));
  }
  if (subscriber.queue.empty()) return nullptr;
  Event event = std::move(subscriber.queue.front().event);
  subscriber.queue.pop_front();
  subscriber.bytes -= topic_cost(*event);
  if (subscriber.policy == v1::TopicPolicy::block) {
    subscriber.holding_since = TimePoint::max();
    holding_.erase(id);
    look_at_held_ = true;
  }
  return event;
}

bool TopicBus::reads(const Subscriber& subscriber, std::string_view subject) const {
  const bool fits = std::any_of(subscriber.patterns.begin(), subscriber.patterns.end(), [&](const std::string& pattern) { return matches(pattern, subject); });
  return fits && subscriber.may_read(subject);
}

/// The subject, made if need be, as the one used last. Forgets the one that was used longest ago when there are too many.
TopicBus::Subject& TopicBus::subject_named(const std::string& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    subjects_.splice(subjects_.end(), subjects_, found->second);
    return subjects_.back();
  }
  if (subjects_.size() >= limits_.subjects) {
    Subject& oldest = subjects_.front();
    while (!oldest.kept.empty()) forget_first(oldest);
    floor_ = std::max(floor_, oldest.sequence);
    by_name_.erase(oldest.name);
    subjects_.pop_front();
  }
  Subject& subject = subjects_.emplace_back();
  subject.name = name;
  subject.sequence = floor_;  // a number is never used twice, not even by a subject that was forgotten between
  by_name_[name] = std::prev(subjects_.end());
  return subject;
}

const std::vector<TopicBus::Subscriber*>& TopicBus::readers_of(Subject& subject) {
  if (subject.generation == generation_) return subject.readers;
  subject.readers.clear();
  for (auto& [id, subscriber] : subscribers_) {
    if (reads(subscriber, subject.name)) subject.readers.push_back(&subscriber);
  }
  subject.generation = generation_;
  return subject.readers;
}

bool TopicBus::has_room(const Subscriber& subscriber, std::size_t cost) const {
  if (subscriber.queue.empty()) return true;
  return subscriber.queue.size() < limits_.queue_messages && subscriber.bytes + cost <= limits_.queue_bytes;
}

/// Which member of a group gets a message: one with room, with the shortest queue, whose turn is longest past. Without room: one that
/// blocks, since then nothing is lost.
TopicBus::Subscriber& TopicBus::chosen_of(const std::vector<Subscriber*>& group, std::size_t cost) const {
  const auto rank = [&](const Subscriber* one) {
    const bool room = has_room(*one, cost);
    return std::tuple(!room, !room && one->policy != v1::TopicPolicy::block, one->queue.size(), one->served, one->id);
  };
  return **std::min_element(group.begin(), group.end(), [&](const Subscriber* a, const Subscriber* b) { return rank(a) < rank(b); });
}

/// Who gets the next message of `subject`: each reader, and one of each group whose turn is not on another node. Of one that was
/// imported no group: the node it comes from chooses for them.
std::vector<TopicBus::Subscriber*> TopicBus::receivers_of(Subject& subject, std::size_t cost, bool imported) {
  std::vector<Subscriber*> receivers;
  std::map<std::string_view, std::vector<Subscriber*>> groups;
  for (Subscriber* reader : readers_of(subject)) {
    if (reader->group.empty()) receivers.push_back(reader);
    else if (!imported) groups[reader->group].push_back(reader);
  }
  for (const auto& [name, members] : groups) {
    if (!goes_elsewhere || !goes_elsewhere(subject.name, members.front()->group)) receivers.push_back(&chosen_of(members, cost));
  }
  return receivers;
}

/// Whether a message has to wait for one of its receivers, which is noted at each.
bool TopicBus::hold_for(const std::vector<Subscriber*>& receivers, std::size_t cost, TimePoint now) {
  bool hold = false;
  for (Subscriber* receiver : receivers) {
    if (receiver->policy != v1::TopicPolicy::block || has_room(*receiver, cost)) continue;
    hold = true;
    if (receiver->holding_since == TimePoint::max()) receiver->holding_since = now;
    holding_.insert(receiver->id);
  }
  return hold;
}

Result<std::optional<TopicBus::Accepted>> TopicBus::publish(Ticket ticket, std::string subject, Bytes data, TimePoint now) {
  if (const Status fine = check_subject(subject); !fine) return fine.error();
  if (data.size() > limits_.message_bytes) {
    return Error{Errc::exhausted, "a message of " + std::to_string(data.size()) + " bytes under '" + subject + "': a topic takes at most " +
                                      std::to_string(limits_.message_bytes) + "; publish where it can be fetched instead"};
  }
  return publish(Held{ticket, std::move(subject), std::move(data)}, now);
}

Result<std::optional<TopicBus::Accepted>> TopicBus::publish(Held message, TimePoint now) {
  const std::size_t cost = topic_cost(message.subject, message.data.size());
  Subject& state = subject_named(message.subject);
  const bool behind = std::any_of(held_.begin(), held_.end(), [&](const Held& held) { return held.subject == message.subject; });
  const std::vector<Subscriber*> receivers = receivers_of(state, cost, message.origin.has_value());
  if (!behind && !hold_for(receivers, cost, now)) return std::optional(accept(state, receivers, std::move(message.data), std::move(message.origin)));
  if (held_.size() >= limits_.held_messages || held_bytes_ + cost > limits_.held_bytes) {
    return Error{Errc::exhausted, counted(held_.size(), "message") + " wait already for subscriptions that block; '" + message.subject + "' was not published"};
  }
  held_bytes_ += cost;
  held_.push_back(std::move(message));
  return std::optional<Accepted>();
}

Status TopicBus::import_message(v1::TopicMessage message, TimePoint now) {
  if (const Status fine = check_subject(message.subject); !fine) return fine;
  if (message.data.size() > limits_.message_bytes) return Error{Errc::exhausted, "a message longer than topics take"};
  const auto taken = publish(Held{0, std::move(message.subject), std::move(message.data), std::move(message.origin)}, now);
  if (!taken) return taken.error();
  return {};
}

bool TopicBus::import_to_group(const std::string& group, v1::TopicMessage message) {
  const std::size_t cost = topic_cost(message.subject, message.data.size());
  std::vector<Subscriber*> members;
  for (auto& [id, subscriber] : subscribers_) {
    if (subscriber.group == group && reads(subscriber, message.subject)) members.push_back(&subscriber);
  }
  if (members.empty() || message.data.size() > limits_.message_bytes) return false;
  auto made = std::make_shared<v1::TopicEvent>();
  made->message = std::move(message);
  const Event event = std::move(made);
  Subscriber& chosen = chosen_of(members, cost);
  chosen.served = ++order_;
  std::vector<std::pair<Subscription, Error>> overrun;
  if (!has_room(chosen, cost) && chosen.policy == v1::TopicPolicy::block) ++chosen.dropped_behind;  // nobody here can be held for it
  else if (!end_if_overrun(chosen, event, overrun)) deliver(chosen, event);
  for (auto& [id, why] : overrun) end(id, std::move(why));
  return true;
}

void TopicBus::lost(const std::string& subject, std::uint64_t count) {
  if (!check_subject(subject) || count == 0) return;
  const bool behind = std::any_of(held_.begin(), held_.end(), [&](const Held& held) { return held.subject == subject; });
  if (!behind) return count_lost(subject_named(subject), count);
  held_bytes_ += topic_cost(subject, 0);
  held_.push_back(Held{0, subject, {}, {}, count});
}

/// They took their numbers with them; and since what is kept has no holes, nothing of before them is kept.
void TopicBus::count_lost(Subject& subject, std::uint64_t count) {
  for (Subscriber* reader : readers_of(subject)) {
    if (reader->group.empty()) tell_lost(*reader, count, false);
  }
  while (!subject.kept.empty()) forget_first(subject);
  subject.sequence += count;
}

void TopicBus::lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count) {
  for (auto& [id, subscriber] : subscribers_) {
    if (subscriber.group == group && reads(subscriber, subject)) tell_lost(subscriber, count, false);
  }
}

void TopicBus::uncounted() {
  for (auto& [id, subscriber] : subscribers_) tell_lost(subscriber, 0, true);
}

void TopicBus::tell_lost(Subscriber& subscriber, std::uint64_t count, bool uncounted) {
  if (subscriber.queue.empty() && subscriber.dropped_behind == 0 && !subscriber.uncounted_behind) news_.readable.push_back(subscriber.id);
  subscriber.dropped_behind += count;
  subscriber.uncounted_behind |= uncounted;
}

void TopicBus::withdraw(Ticket ticket) {
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.ticket == ticket; });
  if (found == held_.end()) return;
  held_bytes_ -= topic_cost(found->subject, found->data.size());
  held_.erase(found);
  look_at_held_ = true;  // what came behind it may have room
}

/// Whether the message finds a subscription full that is to end then; notes why.
bool TopicBus::end_if_overrun(Subscriber& subscriber, const Event& event, std::vector<std::pair<Subscription, Error>>& overrun) const {
  if (subscriber.policy != v1::TopicPolicy::disconnect || has_room(subscriber, topic_cost(*event))) return false;
  overrun.emplace_back(subscriber.id, Error{Errc::exhausted, "the subscription took too little: " + counted(subscriber.queue.size(), "message") +
                                                                 " waited, as many as are allowed, when " + named(*event->message) +
                                                                 " came; subscribe again from the number after the last one received"});
  return true;
}

TopicBus::Accepted TopicBus::accept(Subject& subject, const std::vector<Subscriber*>& receivers, Bytes data, std::optional<v1::TopicOrigin> origin) {
  auto made = std::make_shared<v1::TopicEvent>();
  v1::TopicMessage& message = made->message.emplace();
  message.subject = subject.name;
  message.sequence = ++subject.sequence;
  message.data = std::move(data);
  message.origin = std::move(origin);
  const Event event = std::move(made);
  ++order_;
  Accepted accepted{subject.sequence, 0};
  std::vector<std::pair<Subscription, Error>> overrun;
  for (Subscriber* receiver : receivers) {
    receiver->served = order_;
    if (!end_if_overrun(*receiver, event, overrun) && deliver(*receiver, event)) ++accepted.delivered;
  }
  for (auto& [id, why] : overrun) end(id, std::move(why));
  keep(subject, event);
  if (on_published && !event->message->origin) on_published(*event->message);
  return accepted;
}

/// Queues a message, or drops it or those before it; false when it is dropped itself.
bool TopicBus::deliver(Subscriber& subscriber, const Event& event) {
  const std::size_t cost = topic_cost(*event);
  if (!has_room(subscriber, cost) && subscriber.policy == v1::TopicPolicy::drop_newest) {
    ++subscriber.dropped_behind;
    return false;
  }
  assert(subscriber.policy == v1::TopicPolicy::drop_oldest || has_room(subscriber, cost));
  while (!has_room(subscriber, cost)) drop_first(subscriber);
  append(subscriber, event);
  return true;
}

void TopicBus::append(Subscriber& subscriber, const Event& event) {
  if (subscriber.queue.empty() && subscriber.dropped_behind == 0 && !subscriber.uncounted_behind) news_.readable.push_back(subscriber.id);
  subscriber.queue.push_back({event, std::exchange(subscriber.dropped_behind, 0), std::exchange(subscriber.uncounted_behind, false)});
  subscriber.bytes += topic_cost(*event);
}

void TopicBus::drop_first(Subscriber& subscriber) {
  const Queued first = std::move(subscriber.queue.front());
  subscriber.queue.pop_front();
  subscriber.bytes -= topic_cost(*first.event);
  std::uint64_t& behind = subscriber.queue.empty() ? subscriber.dropped_behind : subscriber.queue.front().dropped_before;
  behind += first.dropped_before + 1;
  (subscriber.queue.empty() ? subscriber.uncounted_behind : subscriber.queue.front().uncounted_before) |= first.uncounted_before;
}

void TopicBus::keep(Subject& subject, const Event& event) {
  subject.kept.emplace_back(order_, event);
  kept_[order_] = &subject;
  kept_bytes_ += topic_cost(*event);
  if (subject.kept.size() > limits_.kept_messages) forget_first(subject);
  while (kept_bytes_ > limits_.kept_bytes) forget_first(*kept_.begin()->second);
}

void TopicBus::forget_first(Subject& subject) {
  kept_.erase(subject.kept.front().first);
  kept_bytes_ -= topic_cost(*subject.kept.front().second);
  subject.kept.pop_front();
}

void TopicBus::end(Subscription id, Error why) {
  news_.ended.emplace_back(id, std::move(why));
  unsubscribe(id);
}

void TopicBus::end_the_impatient(TimePoint now) {
  std::vector<std::pair<Subscription, Error>> over;
  for (const Subscription id : holding_) {
    const Subscriber& subscriber = subscribers_.at(id);
    if (now - subscriber.holding_since < limits_.block_patience) continue;
    over.emplace_back(id, Error{Errc::exhausted, "the subscription held publishers for " +
                                                     std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits_.block_patience).count()) +
                                                     " s and took nothing; " + counted(subscriber.queue.size(), "message") + " waited for it"});
  }
  for (auto& [id, why] : over) end(id, std::move(why));
}

/// Publishes those that waited and have room, each subject's in their order. Whom the others wait for is found anew.
void TopicBus::publish_held(TimePoint now) {
  const std::set<Subscription> held_before = std::exchange(holding_, {});
  std::set<std::string, std::less<>> waiting;
  for (auto at = held_.begin(); at != held_.end();) {
    const std::size_t cost = topic_cost(at->subject, at->data.size());
    Subject& subject = subject_named(at->subject);
    const bool behind = waiting.contains(at->subject);
    const std::vector<Subscriber*> receivers =
        behind || at->lost != 0 ? std::vector<Subscriber*>() : receivers_of(subject, cost, at->origin.has_value());
    if (behind || hold_for(receivers, cost, now)) {
      waiting.insert(at->subject);
      ++at;
      continue;
    }
    if (at->lost != 0) count_lost(subject, at->lost);
    else news_.accepted.emplace_back(at->ticket, accept(subject, receivers, std::move(at->data), std::move(at->origin)));
    held_bytes_ -= cost;
    at = held_.erase(at);
  }
  for (const Subscription id : held_before) {
    if (const auto found = subscribers_.find(id); found != subscribers_.end() && !holding_.contains(id)) found->second.holding_since = TimePoint::max();
  }
}

TopicBus::News TopicBus::take_news(TimePoint now) {
  if (std::exchange(look_at_held_, false)) publish_held(now);
  end_the_impatient(now);
  if (std::exchange(look_at_held_, false)) publish_held(now);
  return std::exchange(news_, {});
}

TimePoint TopicBus::next_wakeup() const {
  TimePoint first = TimePoint::max();
  for (const Subscription id : holding_) first = std::min(first, subscribers_.at(id).holding_since + limits_.block_patience);
  return first;
}

}  // namespace ghost::b2
