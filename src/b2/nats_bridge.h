#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "b2/identity.h"
#include "b2/nats_ledger.h"
#include "b2/topic_bridge.h"
#include "b2/v1/bridge.b2.h"
#include "b2/v1/nats.b2.h"
#include "base/time.h"

namespace ghost::b2 {

/// The subjects a house uses on NATS (docs/spec/b2.md §15).
class NatsSubjects {
 public:
  explicit NatsSubjects(const NodeId& house) : prefix_("b2." + house.hex().substr(0, 16) + ".") {}

  std::string all() const { return prefix_ + "all"; }
  std::string topic(std::string_view subject) const { return prefix_ + "t." + std::string(subject); }
  std::string group(std::string_view group, std::string_view subject) const { return prefix_ + "g." + queue(group) + "." + std::string(subject); }
  /// What one life of a node hears alone: `token` is one token, or ">" for all.
  std::string inbox(BytesView node, std::uint64_t epoch, std::string_view token) const;
  /// The queue group on NATS of a group of subscriptions: its name can be any text.
  static std::string queue(std::string_view group);

 private:
  std::string prefix_;
};

/// What the bridge asks of those around it.
class NatsBridgePort {
 public:
  virtual ~NatsBridgePort() = default;
  /// @param reply  where the broker says that nobody is there; "" for not at all. `envelope` lacks the time only
  virtual void send(std::string subject, std::string reply, v1::NatsEnvelope envelope) = 0;
  virtual void listen(const std::string& subject, const std::string& queue) = 0;
  virtual void unlisten(const std::string& subject, const std::string& queue) = 0;
  virtual void deliver(const Identity& from, v1::TopicMessage message) = 0;
  virtual bool deliver_to_group(const Identity& from, const std::string& group, v1::TopicMessage message) = 0;
  virtual void lost(const std::string& subject, std::uint64_t count) = 0;
  virtual void lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count) = 0;
  virtual void uncounted(const std::string& who) = 0;
  /// Whether this node, as the house knows it, may publish there: what it may not is not sent.
  virtual bool may_publish(std::string_view subject) const = 0;
  /// What calls say to each other: of a node that is known, in that life.
  virtual void call_heard(const Identity& from, v1::NatsEnvelope envelope) = 0;
  virtual void call_unheard(std::string_view token) = 0;
  /// A life of a node is over, or out of reach; `why` goes on after its name.
  virtual void gone(const NodeId& node, std::uint64_t epoch, const std::string& why) = 0;
};

/// Joins the topics of this node to those of its house by NATS (docs/spec/b2.md §15): who is there, what each wants, the ready barrier, and
/// what did not come. Pure: time comes in, messages leave through the port. What receive() gets was verified.
class NatsBridge : public TopicBridge {
 public:
  struct Self {
    NodeId house, node;
    std::uint64_t epoch = 0;
    std::string name, program;
    Bytes certificate;
  };
  struct Timing {
    Duration hello = std::chrono::seconds(2);
    Duration silent = std::chrono::seconds(7);      ///< then a node is taken for away,
    Duration forgotten = std::chrono::minutes(10);  ///< then it is forgotten
    Duration tide = std::chrono::milliseconds(500);
    Duration ask_again = std::chrono::milliseconds(500);
    Duration settle = std::chrono::milliseconds(500);  ///< after connecting, until those who are there have answered
    Duration barrier = std::chrono::seconds(3);
    Duration taken = std::chrono::seconds(5);  ///< for a member to say that it took a group's message
  };
  /// Bytes of an envelope beside what it carries, and a subject, at most.
  static constexpr std::size_t kAround = 1024;

  struct Remote {
    Identity identity;
    NodeId node;
    std::uint64_t epoch = 0;
    std::string name, program;
    std::vector<std::string> addresses;
    std::vector<v1::ServiceEntry> services;
    std::vector<v1::NatsInterest> interests;
    TimePoint heard, booted;
    std::uint64_t booted_ms = 0;  ///< by its own clock, since 1970
    bool alive = true;
    std::uint64_t confirmed = 0;  ///< generation of our interests that it knows
    std::uint64_t tide = 0;       ///< of its tides, up to which all is accounted for
    std::uint32_t parts = 0;      ///< of its answer that came
    std::uint64_t parts_of = 0;
    TimePoint asked = TimePoint::min();
    ImportLedger ledger;
    std::map<std::string, std::uint64_t> group_ids;  ///< of the last message a group got from it
    std::map<std::pair<std::string, std::string>, std::uint64_t> group_losses;
  };

  /// Port and clock outlive the bridge.
  NatsBridge(NatsBridgePort& port, const Clock& clock, Self self) : NatsBridge(port, clock, std::move(self), Timing()) {}
  NatsBridge(NatsBridgePort& port, const Clock& clock, Self self, Timing timing);

  /// What hello tells beside the interests.
  void set_offer(std::vector<std::string> addresses, std::vector<v1::ServiceEntry> services);
  void set_certificate(Bytes certificate);
  /// These are no nodes of the house any more.
  void forget(const std::function<bool(const Identity&)>& is_revoked);
  /// @param max_payload  bytes of a message that the broker takes; 0 where it does not tell
  void connected(std::size_t max_payload = 0);
  void disconnected(std::string why);
  /// What one message may carry, as the broker was when it was connected to last.
  std::size_t most() const { return max_payload_ - kAround; }
  /// The node is shutting down.
  void leave();

  void receive(const Identity& from, v1::NatsEnvelope envelope);
  /// The broker knows nobody who listens where a message was sent to that named the inbox `token` for this.
  void no_responders(std::string_view token);
  /// A message came whose sender is not known: asks everybody who they are.
  void stranger_heard();

  bool goes_elsewhere(std::string_view subject, const std::string& group) const override;
  Status fits(std::string_view subject, std::size_t bytes) const override;
  void published(const v1::TopicMessage& message) override;
  std::uint64_t joining(const std::vector<std::string>& patterns, const std::string& group, Ready ready) override;
  void left(std::uint64_t joined) override;

  /// What is due, and when something will be.
  void advance();
  TimePoint next_wakeup() const;

  const std::map<std::pair<NodeId, std::uint64_t>, Remote>& remotes() const { return remotes_; }
  const NatsSubjects& subjects() const { return subjects_; }
  bool is_connected() const { return connected_; }
  v1::BridgeCounts counts() const { return counts_; }
  v1::BridgeCounts& count() { return counts_; }
  v1::NatsEnvelope envelope() const;
  v1::NatsEnvelope envelope_to(const Remote& remote) const;

 private:
  using RemoteKey = std::pair<NodeId, std::uint64_t>;
  struct Interest {
    std::uint64_t generation = 0;
    std::size_t users = 0;
    TimePoint acked = TimePoint::max();  ///< the first subscription to it began
  };
  using InterestKey = std::pair<std::string, std::string>;  ///< group, pattern
  struct Joined {
    std::vector<InterestKey> interests;
    std::uint64_t generation = 0;
    TimePoint deadline;
    Ready ready;  ///< empty once it was called
  };
  /// Where messages of a subject go, beside this node.
  struct Route {
    bool plain = false, wanted = false;
    std::map<std::string, std::size_t> groups;  ///< and how many nodes have members
  };
  struct Pending {
    std::string group, subject;
    Bytes data;
    TimePoint deadline;
    std::uint64_t run = 0, sequence = 0;
    unsigned tries = 0;
  };

  void say_hello();
  void ask(Remote* remote, bool who);
  void plan_tide();
  std::vector<v1::NatsInterest> interests() const;
  const Route& route_of(const std::string& subject) const;
  bool has_local_member(std::string_view subject, const std::string& group) const;
  bool counted(const Remote& remote, std::string_view subject) const;
  bool wanted_here(std::string_view subject) const;
  void hear_hello(const Identity& from, const v1::NatsEnvelope& envelope, v1::NatsHello hello);
  void hear(const Identity& from, Remote& remote, v1::NatsEnvelope envelope);
  bool replace_former(const Remote& remote);
  void behind(Remote& remote, std::uint64_t tide);
  void hear_bye(const Remote& remote, const v1::NatsBye& bye);
  void hear_topic(const Identity& from, Remote& remote, v1::NatsTopic topic);
  void hear_group_topic(const Identity& from, Remote& remote, v1::NatsTopic topic);
  void hear_tide(Remote& remote, const v1::NatsTide& tide);
  void hear_ask(Remote& remote, v1::NatsAsk ask);
  void hear_positions(Remote& remote, const v1::NatsPositions& positions);
  void hear_taken(const v1::NatsTaken& taken);
  bool tell_missing(const Remote& remote, const std::string& subject, std::uint64_t missing);
  bool account(Remote& remote, const std::vector<v1::NatsPosition>& positions);
  bool passed_by_groups(const Remote& remote, const v1::NatsPositions& answer) const;
  void account(Remote& remote, const std::vector<v1::NatsGroupLoss>& losses);
  void send_to_group(Pending message);
  void not_taken(Pending pending);
  void lose_of_group(const std::string& group, const std::string& subject);
  void send_tide();
  void look_for_the_silent();
  void check_barriers();
  void give_back(const std::vector<InterestKey>& interests);
  std::vector<std::string> unconfirmed(std::uint64_t generation) const;

  NatsBridgePort& port_;
  Self self_;
  Timing timing_;
  NatsSubjects subjects_;
  const Clock& clock_;
  TimePoint began_, advanced_;
  bool connected_ = false, ever_connected_ = false;
  std::size_t max_payload_ = 1024 * 1024;  ///< as NATS comes
  std::string problem_ = "not connected yet";
  TimePoint settled_ = TimePoint::max(), hello_at_ = TimePoint::max(), tide_at_ = TimePoint::max(), ask_at_ = TimePoint::max();
  TimePoint asked_all_ = TimePoint::min();
  std::vector<std::string> addresses_;
  std::vector<v1::ServiceEntry> services_;

  std::map<RemoteKey, Remote> remotes_;
  std::map<InterestKey, Interest> interests_;
  std::uint64_t generation_ = 0;
  std::map<std::uint64_t, Joined> joined_;
  std::uint64_t last_joined_ = 0;

  ExportLedger ledger_;
  std::uint64_t tide_ = 0;
  mutable std::unordered_map<std::string, Route> routes_;
  std::map<std::string, std::uint64_t> group_turns_;
  std::map<std::uint64_t, Pending> pending_;  ///< by id, and so by deadline
  std::uint64_t last_id_ = 0;
  std::deque<Pending> again_;  ///< that nobody took; in the order of their deadlines, when each is sent again
  std::map<std::pair<std::string, std::string>, std::uint64_t> group_losses_;
  std::set<std::pair<std::string, std::string>> group_losses_changed_;
  v1::BridgeCounts counts_;
};

}  // namespace ghost::b2
