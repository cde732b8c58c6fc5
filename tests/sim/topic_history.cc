#include "topic_history.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"

namespace ghost::b2::test {

std::uint64_t TopicHistory::publish(const std::string& subject) {
  publications_.push_back({subject, ++order_});
  return publications_.size();
}

void TopicHistory::published(std::uint64_t number, std::uint16_t outcome, const v1::PublishResponse& response) {
  Publication& one = publications_[number - 1];
  one.ended = ++order_;
  one.outcome = outcome;
  one.epoch = response.epoch;
  one.sequence = response.sequence;
}

std::size_t TopicHistory::subscribe(const v1::SubscribeRequest& request) {
  subscriptions_.push_back({request, ++order_});
  return subscriptions_.size() - 1;
}

void TopicHistory::heard(std::size_t subscription, const v1::TopicEvent& event) {
  Subscription& one = subscriptions_[subscription];
  ++order_;
  if (event.ack) {
    if (one.acknowledged == 0) one.acknowledged = order_;
    one.ack = *event.ack;
    return;
  }
  Heard heard;
  heard.order = order_;
  if (event.message) {
    heard.subject = event.message->subject;
    heard.sequence = event.message->sequence;
    heard.publication = ByteReader(event.message->data).u64();
    ++messages_;
  } else if (event.dropped) {
    heard.count = event.dropped->count;
    heard.total = event.dropped->total;
    dropped_ += heard.count;
  }
  one.heard.push_back(std::move(heard));
}

void TopicHistory::ended(std::size_t subscription, std::uint16_t outcome) {
  subscriptions_[subscription].ended = ++order_;
  subscriptions_[subscription].outcome = outcome;
}

std::string TopicHistory::named(std::size_t subscription) const {
  const Subscription& one = subscriptions_[subscription];
  return "subscription " + std::to_string(subscription) + " to " + one.request.patterns[0] + (one.request.group.empty() ? "" : " in group " + one.request.group) + ": ";
}

std::vector<std::string> TopicHistory::check() const {
  Wrong wrong;
  check_numbers(wrong);
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    check_order(i, wrong);
    if (subscriptions_[i].single() && subscriptions_[i].request.group.empty()) check_single(i, wrong);
  }
  check_groups(wrong);
  return wrong;
}

/// A number names one message, a message has one number, and what was refused was not published.
void TopicHistory::check_numbers(Wrong& wrong) const {
  std::map<Key, std::uint64_t> message_of;
  std::map<std::uint64_t, Key> number_of;
  const auto note = [&](std::uint64_t publication, const Key& key) {
    const std::string number = std::get<1>(key) + " " + std::to_string(std::get<2>(key));
    if (publication == 0 || publication > publications_.size() || publications_[publication - 1].subject != std::get<1>(key)) {
      wrong.push_back("message " + number + ": its data is none that was published there");
      return;
    }
    const auto [message, fresh] = message_of.try_emplace(key, publication);
    if (!fresh && message->second != publication) wrong.push_back("message " + number + ": is two messages");
    const auto [other, first] = number_of.try_emplace(publication, key);
    if (!first && other->second != key) wrong.push_back("publication " + std::to_string(publication) + ": published twice, as " + number + " too");
    const Publication& one = publications_[publication - 1];
    if (one.ended != 0 && one.outcome == static_cast<std::uint16_t>(Errc::busy)) wrong.push_back("publication " + std::to_string(publication) + ": told that it was not published, and it was");
  };
  for (std::size_t i = 0; i < publications_.size(); ++i) {
    const Publication& one = publications_[i];
    if (one.ended != 0 && one.outcome == 0) note(i + 1, {one.epoch, one.subject, one.sequence});
  }
  for (const Subscription& one : subscriptions_) {
    for (const Heard& heard : one.heard) {
      if (!heard.subject.empty()) note(heard.publication, {one.ack.epoch, heard.subject, heard.sequence});
    }
  }
}

std::uint64_t TopicHistory::highest(std::uint64_t epoch, const std::string& subject) const {
  std::uint64_t most = 0;
  for (const Publication& one : publications_) {
    if (one.ended != 0 && one.outcome == 0 && one.epoch == epoch && one.subject == subject) most = std::max(most, one.sequence);
  }
  return most;
}

/// Numbers rise, drops add up, and no more messages are missing than were told so far.
void TopicHistory::check_order(std::size_t subscription, Wrong& wrong) const {
  const Subscription& one = subscriptions_[subscription];
  const bool never_drops = one.request.policy == v1::TopicPolicy::block || one.request.policy == v1::TopicPolicy::disconnect;
  std::map<std::string, std::uint64_t> last;
  std::uint64_t dropped = 0, missing = 0;
  if (one.acknowledged == 0 && !one.heard.empty()) wrong.push_back(named(subscription) + "heard something before it was acknowledged");
  for (const Heard& heard : one.heard) {
    if (heard.subject.empty()) {
      dropped += heard.count;
      if (heard.count == 0 || heard.total != dropped) wrong.push_back(named(subscription) + "drops do not add up");
      if (never_drops) wrong.push_back(named(subscription) + "dropped what its policy never drops");
      continue;
    }
    const auto [before, first] = last.try_emplace(heard.subject, heard.sequence);
    if (first) continue;
    if (heard.sequence <= before->second) wrong.push_back(named(subscription) + heard.subject + " " + std::to_string(heard.sequence) + " after " + std::to_string(before->second));
    else missing += heard.sequence - before->second - 1;
    before->second = heard.sequence;
  }
  if (one.request.group.empty() && missing > dropped) wrong.push_back(named(subscription) + std::to_string(missing) + " messages are missing, " + std::to_string(dropped) + " were told");
}

/// Of one subject everything is known: each message came at its place or was counted there.
void TopicHistory::check_single(std::size_t subscription, Wrong& wrong) const {
  const Subscription& one = subscriptions_[subscription];
  if (one.acknowledged == 0) return;
  const std::string& subject = one.request.patterns[0];
  const bool of_this_life = one.request.epoch == 0 || one.request.epoch == one.ack.epoch;
  std::uint64_t from = one.request.from;
  for (const auto& position : one.request.positions) {
    if (position.subject == subject) from = position.from;
  }
  std::optional<std::uint64_t> next;  // what has to come; not known before the first message where nothing was asked for
  if (from != 0) next = (of_this_life ? from : 1) + one.ack.missed;
  std::uint64_t dropped = 0, messages = 0;
  std::optional<std::uint64_t> base;
  for (const Heard& heard : one.heard) {
    if (heard.subject.empty()) {
      dropped += heard.count;
      continue;
    }
    if (next && heard.sequence != *next + dropped) {
      wrong.push_back(named(subscription) + "heard " + std::to_string(heard.sequence) + ", and " + std::to_string(*next + dropped) + " was due");
    }
    if (!base) base = heard.sequence - std::min(dropped, heard.sequence);
    next = heard.sequence + 1;
    dropped = 0;
    ++messages;
  }
  if (from == 0 && !one.request.last && (one.ack.kept != 0 || one.ack.missed != 0)) wrong.push_back(named(subscription) + "got what was before and had not asked for it");
  const bool lives = one.ended == 0;
  if (lives && messages < one.ack.kept) wrong.push_back(named(subscription) + std::to_string(one.ack.kept) + " kept messages were announced, " + std::to_string(messages) + " came");
  const std::uint64_t reached = next ? *next - 1 + dropped : 0;
  const std::uint64_t most = highest(one.ack.epoch, subject);
  if (lives && next && reached < most) wrong.push_back(named(subscription) + "lost " + subject + " " + std::to_string(reached + 1) + " to " + std::to_string(most) + " in silence");
  for (const Publication& published : publications_) {
    if (published.outcome != 0 || published.ended == 0 || published.epoch != one.ack.epoch || published.subject != subject) continue;
    const bool after_barrier = published.began > one.acknowledged;
    if (after_barrier && base && published.sequence < *base) wrong.push_back(named(subscription) + subject + " " + std::to_string(published.sequence) + " was published after its acknowledgement and did not come");
    if (after_barrier && lives && !next && dropped == 0) wrong.push_back(named(subscription) + subject + " " + std::to_string(published.sequence) + " was published and nothing came at all");
    const bool before_it = published.ended < one.began;
    if (before_it && from == 0 && !one.request.last && base && published.sequence >= *base) wrong.push_back(named(subscription) + "heard of " + subject + " " + std::to_string(published.sequence) + ", which was before it");
    if (one.request.last && before_it && base && published.sequence > *base && one.ack.kept == 1) wrong.push_back(named(subscription) + "its last value was not the last");
  }
}

/// Each message goes to one member, and while all stay, none is lost in silence.
void TopicHistory::check_groups(Wrong& wrong) const {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (!subscriptions_[i].request.group.empty() && subscriptions_[i].acknowledged != 0) groups[subscriptions_[i].request.group].push_back(i);
  }
  for (const auto& [group, members] : groups) {
    std::map<std::uint64_t, int> times;
    std::uint64_t barrier = 0, dropped = 0;
    bool all_stay = true, same = true;
    for (const std::size_t id : members) {
      const Subscription& one = subscriptions_[id];
      barrier = std::max(barrier, one.acknowledged);
      all_stay = all_stay && one.ended == 0;
      same = same && one.single() && one.request.patterns == subscriptions_[members[0]].request.patterns && one.ack.epoch == subscriptions_[members[0]].ack.epoch;
      for (const Heard& heard : one.heard) {
        dropped += heard.count;
        if (!heard.subject.empty()) ++times[heard.publication];
      }
    }
    for (const auto& [publication, count] : times) {
      if (count > 1) wrong.push_back("group " + group + ": publication " + std::to_string(publication) + " came " + std::to_string(count) + " times");
    }
    if (!all_stay || !same) continue;
    std::uint64_t lost = 0;
    for (std::size_t i = 0; i < publications_.size(); ++i) {
      const Publication& published = publications_[i];
      const bool due = published.began > barrier && published.ended != 0 && published.outcome == 0 && published.subject == subscriptions_[members[0]].request.patterns[0] &&
                       published.epoch == subscriptions_[members[0]].ack.epoch;
      if (due && !times.contains(i + 1)) ++lost;
    }
    if (lost > dropped) wrong.push_back("group " + group + ": " + std::to_string(lost) + " messages came to nobody, " + std::to_string(dropped) + " were told as dropped");
  }
}

}  // namespace ghost::b2::test
