#pragma once
#include <map>
#include <memory>
#include <optional>

#include "b2/endpoint.h"
#include "b2/topic_bridge.h"
#include "b2/topic_bus.h"
#include "b2/topic_rights.h"
#include "net/network.h"

namespace ghost::b2 {

/// b2.v1.Topics (docs/spec/b2.md §12): the topics of one node, for all who call it. On the reactor's thread only.
class TopicsService : public v1::TopicsService {
 public:
  /// @param endpoint  whose boot epoch the sequence numbers are of, and whose name refusals tell, where they are counted; outlives the service
  TopicsService(net::Reactor& reactor, Endpoint& endpoint) : TopicsService(reactor, endpoint, TopicLimits(), TopicRights()) {}
  TopicsService(net::Reactor& reactor, Endpoint& endpoint, TopicLimits limits, TopicRights rights);
  ~TopicsService() override;

  void answer_publish(v1::PublishRequest request, UnaryCall<v1::PublishResponse> call) override;
  void subscribe(v1::SubscribeRequest request, ServerStream<v1::TopicEvent> stream) override;

  /// Ends all subscriptions and refuses what still waits or comes: the node is shutting down.
  void close();
  /// Of the configuration; for calls from here on.
  void set_rows(std::vector<TopicRight> rows) { rights_.set_rows(std::move(rows)); }

  /// Joins these topics to those of other nodes: `bridge` hears of what is published and subscribed to from here on. Null to end that.
  void set_bridge(TopicBridge* bridge);
  /// What came from another node; refused when `from` may not publish there.
  Status take_from_afar(const Identity& from, v1::TopicMessage message);
  /// False when no member of the group reads it here.
  bool take_for_group(const Identity& from, const std::string& group, v1::TopicMessage message);
  void lost(const std::string& subject, std::uint64_t count);
  void lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count);
  void uncounted();
  const TopicRights& rights() const { return rights_; }

 private:
  using Waiting = std::shared_ptr<UnaryCall<v1::PublishResponse>>;
  struct Reader {
    ServerStream<v1::TopicEvent> stream;
    bool full = false;  ///< waits until its connection takes more
    std::uint64_t joined = 0;  ///< its name at the bridge
    std::vector<std::string> patterns = {};
    std::string group = {};
  };
  /// A subscription that other nodes are being told of.
  struct Joining {
    v1::SubscribeRequest request;
    ServerStream<v1::TopicEvent> stream;
    std::uint64_t joined = 0;
    std::optional<std::vector<std::string>> ready = {};
    bool open = true;
  };

  void withdraw(TopicBus::Ticket ticket);
  void join(v1::SubscribeRequest request, ServerStream<v1::TopicEvent> stream);
  void begin(const v1::SubscribeRequest& request, ServerStream<v1::TopicEvent> stream, std::uint64_t joined, std::vector<std::string> unconfirmed);
  void left_bridge(std::uint64_t joined);
  void leave(TopicBus::Subscription id);
  void drain(TopicBus::Subscription id);
  void settle();
  void plan();
  v1::PublishResponse told(const TopicBus::Accepted& accepted) const;
  Error closed_error() const;

  net::Reactor& reactor_;
  Endpoint& endpoint_;
  TopicRights rights_;
  TopicBus bus_;
  TopicBus::Ticket last_ticket_ = 0;
  std::map<TopicBus::Ticket, Waiting> publishers_;
  std::map<TopicBus::Subscription, std::shared_ptr<Reader>> readers_;
  TopicBridge* bridge_ = nullptr;
  std::map<std::uint64_t, std::shared_ptr<Joining>> joining_;
  bool settling_ = false;
  bool closed_ = false;
  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< calls outlive the service where their connections do
};

}  // namespace ghost::b2
