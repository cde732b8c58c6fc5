#pragma once
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "acting_service.h"
#include "b2/link_service.h"
#include "b2/topics_service.h"
#include "tapped_stream.h"

namespace ghost::b2::test {

/// One connection of a node.
struct Connection {
  TappedStream* tap = nullptr;  ///< the link's
  std::unique_ptr<Link> link;
  bool ready() const { return link && link->channel().ready(); }
};

/// One life of a program that speaks b2: it serves on its address, or dials, or both.
class Node {
 public:
  struct Plan {
    net::Address address;
    std::uint64_t epoch = 1;
    ChannelLimits limits;
    std::uint64_t budget = 0;
    std::optional<TopicLimits> topics;  ///< what it serves of them
    std::uint32_t scepticism = 1;       ///< of its connections' witnesses
  };

  Node(net::Network& network, Truth& truth, Plan plan);
  ~Node();

  /// Takes connections at its address.
  void serve();
  /// Keeps a connection to `server` open; `ready` rings for each that has said HELLO.
  void keep_connected(const net::Address& server, std::function<void(Channel&)> ready);

  Machine& machine() { return machine_; }
  Endpoint& endpoint() { return endpoint_; }
  Truth& truth() { return truth_; }
  bool dying() const { return dying_; }
  std::list<Connection>& connections() { return connections_; }
  /// One that is ready; null for none.
  Channel* channel();

  /// No goodbye: the connection is closed with all that is open on it.
  void drop(Connection& connection);
  /// As a program that ends in order: no new calls, a little patience for the old ones.
  void drain(Connection& connection);
  void later(Duration span, std::function<void()> work);

  /// What is open though every call has ended.
  std::vector<std::string> open_ends();
  /// Ends all that goes on, and says what of the books is not back at nothing then.
  std::vector<std::string> end();
  const std::vector<std::shared_ptr<FlowWitness>>& witnesses() const { return witnesses_; }

 private:
  void add(Side side, std::unique_ptr<net::ByteStream> stream);
  void dial();
  void tick();
  void closed(std::list<Connection>::iterator at);

  Truth& truth_;
  Plan plan_;
  Machine machine_;
  Endpoint endpoint_;
  ActingService acting_;
  std::optional<TopicsService> topics_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Connecting> connecting_;
  std::optional<net::Address> server_;
  std::function<void(Channel&)> ready_;
  std::list<Connection> connections_;
  std::vector<std::shared_ptr<FlowWitness>> witnesses_;
  std::map<std::uint64_t, net::Timer> timers_;
  std::uint64_t last_timer_ = 0;
  bool dying_ = false;
};

}  // namespace ghost::b2::test
