#pragma once
#include <functional>
#include <memory>
#include <string>

#include "b2/endpoint.h"
#include "b2/membership.h"
#include "b2/nats_bridge.h"
#include "b2/nats_calls_service.h"
#include "b2/nats_connection_service.h"
#include "b2/topics_service.h"
#include "b2/v1/bridge.b2.h"
#include "base/log.h"
#include "net/network.h"

namespace ghost::b2 {

/// b2.v1.Bridge (docs/spec/b2.md §15), and the bridge itself: this node's topics and services for its house, by NATS. On the reactor's
/// thread only. Made for a member of a house; goes before what Parts name.
class NatsService : public v1::BridgeService, private NatsBridgePort, private TopicBridge {
 public:
  struct Parts {
    net::Reactor& reactor;
    Endpoint& endpoint;
    TopicsService& topics;
    const Logger& log;
  };
  /// @param state  in a house; read here only
  NatsService(Parts parts, NatsServers servers, const NodeState& state);
  ~NatsService() override;

  Result<v1::BridgeListResponse> list(const v1::BridgeListRequest& request, const CallContext& context) override;

  void answer_call_node(v1::BridgeCallRequest request, UnaryCall<v1::BridgeCallResponse> call) override;

  /// The services or addresses of the endpoint have changed.
  void offer_changed();
  /// The node's certificate or its house's list is another.
  void take_identity(const NodeState& state);
  /// Nodes were revoked by a list that `house` has.
  void forget(const HouseTrust& house, const std::function<bool(const Identity&)>& is_revoked);
  /// Says good-bye to the others.
  void leave();
  v1::BridgeListResponse told() const;

 private:
  // What the bridge asks of us.
  void send(std::string subject, std::string reply, v1::NatsEnvelope envelope) override;
  void listen(const std::string& subject, const std::string& queue) override;
  void unlisten(const std::string& subject, const std::string& queue) override;
  void deliver(const Identity& from, v1::TopicMessage message) override;
  bool deliver_to_group(const Identity& from, const std::string& group, v1::TopicMessage message) override;
  void lost(const std::string& subject, std::uint64_t count) override;
  void lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count) override;
  void uncounted(const std::string& who) override;
  bool may_publish(std::string_view subject) const override;
  void call_heard(const Identity& from, v1::NatsEnvelope envelope) override;
  void call_unheard(std::string_view token) override;
  void gone(const NodeId& node, std::uint64_t epoch, const std::string& why) override;
  // What topics ask of it.
  bool goes_elsewhere(std::string_view subject, const std::string& group) const override;
  Status fits(std::string_view subject, std::size_t bytes) const override;
  void published(const v1::TopicMessage& message) override;
  std::uint64_t joining(const std::vector<std::string>& patterns, const std::string& group, Ready ready) override;
  void left(std::uint64_t joined) override;

  NatsConnection::Events events();
  void refused(const Error& why);
  void plan();

  Parts parts_;
  Identity self_;  ///< as others know this node
  std::unique_ptr<NatsConnection> connection_;
  NatsBridge bridge_;
  NatsCalls calls_;
  std::string server_, problem_ = "not connected yet";
  TimePoint refusal_told_ = TimePoint::min();
  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
};

}  // namespace ghost::b2
