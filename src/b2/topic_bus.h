#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "b2/v1/topics.b2.h"
#include "base/time.h"

namespace ghost::b2 {

/// What a TopicBus holds at most (docs/spec/b2.md §12).
struct TopicLimits {
  std::size_t queue_messages = 1024;  ///< that wait for one subscription,
  std::size_t queue_bytes = 4 * 1024 * 1024;
  std::size_t message_bytes = 1024 * 1024;
  std::size_t patterns = 64;         ///< of a subscription
  std::size_t positions = 256;       ///< of a subscription's beginning
  std::size_t subscriptions = 4096;
  std::size_t subjects = 4096;       ///< whose sequence number and messages are kept
  std::size_t kept_messages = 256;   ///< of one subject,
  std::size_t kept_bytes = 32 * 1024 * 1024;  ///< of all subjects
  std::size_t held_messages = 1024;  ///< that wait for subscriptions that block
  std::size_t held_bytes = 4 * 1024 * 1024;
  Duration block_patience = std::chrono::seconds(10);  ///< a subscription that holds a publisher and takes nothing so long, ends
};

/// Topics of one node: which message goes to whom, in which order, and what became of those that could not. Pure: subscribers take
/// their events when they can, and what else changed is told by take_news(), to be asked for after every other call.
///
/// Nothing is lost in silence: of the messages under its subjects, a subscription gets each, in order, or an event that counts those
/// that stood in its place, or its end.
class TopicBus {
 public:
  using Subscription = std::uint64_t;
  using Ticket = std::uint64_t;  ///< the caller's name for a message it publishes
  /// Events are shared between the queues they stand in and what is kept of their subject: the last of them frees it.
  using Event = std::shared_ptr<const v1::TopicEvent>;

  struct Accepted {
    std::uint64_t sequence = 0;
    std::uint32_t delivered = 0;
  };
  struct Subscribed {
    Subscription id = 0;
    v1::SubscribeAck ack;
  };
  /// What came of calls made before.
  struct News {
    std::vector<Subscription> readable;                       ///< next() has something again
    std::vector<std::pair<Subscription, Error>> ended;        ///< they are gone
    std::vector<std::pair<Ticket, Accepted>> accepted;        ///< messages that had to wait
    bool empty() const { return readable.empty() && ended.empty() && accepted.empty(); }
  };

  explicit TopicBus(std::uint64_t epoch, TopicLimits limits = {}) : epoch_(epoch), limits_(limits) {}

  /// @param may_read  asked for each subject that fits the patterns; those it denies do not exist for this subscription
  Result<Subscribed> subscribe(const v1::SubscribeRequest& request, std::function<bool(std::string_view subject)> may_read);
  void unsubscribe(Subscription id);
  /// The subscriber's next message, or a count of those dropped before it; null while nothing waits.
  Event next(Subscription id);

  /// Gives the message to all queues. Nothing when a subscription that blocks has no room: take_news() will tell of `ticket`.
  Result<std::optional<Accepted>> publish(Ticket ticket, std::string subject, Bytes data, TimePoint now);
  /// The publisher no longer waits: its message will not be published.
  void withdraw(Ticket ticket);

  /// Whether a request would be taken.
  Status check_request(const v1::SubscribeRequest& request) const;

  /// A message that another node published, for all but groups. It may wait for subscriptions that block, as publish() has it.
  Status import_message(v1::TopicMessage message, TimePoint now);
  /// One of another node for one member of `group`; false when none reads the subject. Takes no number and is not kept.
  bool import_to_group(const std::string& group, v1::TopicMessage message);
  /// `count` messages of another node under `subject` did not come: told to its readers as dropped. Groups are told apart.
  void lost(const std::string& subject, std::uint64_t count);
  void lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count);
  /// An unknown number of messages may be missing from here on: told to all subscriptions.
  void uncounted();

  /// What a bridge to other nodes adds; both may be empty. Whether the message that would be published next under `subject` goes to a
  /// member of `group` on another node; and what was published here.
  std::function<bool(std::string_view subject, const std::string& group)> goes_elsewhere;
  std::function<void(const v1::TopicMessage& message)> on_published;

  News take_news(TimePoint now);
  /// When take_news() can have news that no other call brought; TimePoint::max() for never.
  TimePoint next_wakeup() const;

  std::uint64_t epoch() const { return epoch_; }
  std::size_t subscriptions() const { return subscribers_.size(); }
  std::size_t held() const { return held_.size(); }
  std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Queued {
    Event event;
    std::uint64_t dropped_before = 0;  ///< messages that stood between the one before and this
    bool uncounted_before = false;     ///< and others, whose number is not known
  };
  struct Subscriber {
    Subscription id = 0;
    std::vector<std::string> patterns;
    std::string group;
    v1::TopicPolicy policy = v1::TopicPolicy::drop_oldest;
    std::function<bool(std::string_view)> may_read;
    std::deque<Queued> queue;
    std::size_t bytes = 0;
    std::uint64_t dropped_behind = 0;  ///< messages that stood after the last of the queue
    bool uncounted_behind = false;
    std::uint64_t dropped_total = 0;
    std::uint64_t served = 0;          ///< order of the last message it was chosen for in its group
    TimePoint holding_since = TimePoint::max();  ///< holds a publisher, and has taken nothing since
  };
  struct Subject {
    std::string name;
    std::uint64_t sequence = 0;  ///< of its last message
    std::deque<std::pair<std::uint64_t, Event>> kept;  ///< by order of publication in the bus
    std::vector<Subscriber*> readers;  ///< found in `generation`
    std::uint64_t generation = 0;
  };
  struct Held {
    Ticket ticket;
    std::string subject;
    Bytes data;
    std::optional<v1::TopicOrigin> origin = {};
    std::uint64_t lost = 0;  ///< not a message, but a count of those that did not come
  };

  void give_kept(Subscriber& subscriber, const v1::SubscribeRequest& request, v1::SubscribeAck& ack);
  std::uint64_t begin_of(const v1::SubscribeRequest& request, const Subject& subject) const;
  bool reads(const Subscriber& subscriber, std::string_view subject) const;
  Subject& subject_named(const std::string& name);
  const std::vector<Subscriber*>& readers_of(Subject& subject);
  bool has_room(const Subscriber& subscriber, std::size_t cost) const;
  Subscriber& chosen_of(const std::vector<Subscriber*>& group, std::size_t cost) const;
  std::vector<Subscriber*> receivers_of(Subject& subject, std::size_t cost, bool imported);
  Result<std::optional<Accepted>> publish(Held message, TimePoint now);
  bool hold_for(const std::vector<Subscriber*>& receivers, std::size_t cost, TimePoint now);
  Accepted accept(Subject& subject, const std::vector<Subscriber*>& receivers, Bytes data, std::optional<v1::TopicOrigin> origin);
  bool end_if_overrun(Subscriber& subscriber, const Event& event, std::vector<std::pair<Subscription, Error>>& overrun) const;
  bool deliver(Subscriber& subscriber, const Event& event);
  void tell_lost(Subscriber& subscriber, std::uint64_t count, bool uncounted);
  void count_lost(Subject& subject, std::uint64_t count);
  void append(Subscriber& subscriber, const Event& event);
  void drop_first(Subscriber& subscriber);
  void keep(Subject& subject, const Event& event);
  void forget_first(Subject& subject);
  void end(Subscription id, Error why);
  void end_the_impatient(TimePoint now);
  void publish_held(TimePoint now);

  std::uint64_t epoch_;
  TopicLimits limits_;
  std::map<Subscription, Subscriber> subscribers_;
  Subscription last_id_ = 0;
  std::uint64_t generation_ = 1;  ///< of the subscriptions: readers found in another are looked for again
  std::list<Subject> subjects_;   ///< the one published under last is the last
  std::unordered_map<std::string, std::list<Subject>::iterator> by_name_;
  std::uint64_t floor_ = 0;       ///< the highest sequence number of a subject that was forgotten
  std::uint64_t order_ = 0;       ///< of publication, over all subjects
  std::map<std::uint64_t, Subject*> kept_;  ///< by order
  std::size_t kept_bytes_ = 0;
  std::list<Held> held_;          ///< in the order they came
  std::size_t held_bytes_ = 0;
  std::set<Subscription> holding_;  ///< those that hold a publisher
  bool look_at_held_ = false;
  News news_;
};

}  // namespace ghost::b2
