#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "b2/access_service.h"
#include "b2/core_service.h"
#include "b2/datagram_service.h"
#include "b2/discovery_service.h"
#include "b2/house_service.h"
#include "b2/http_gateway_service.h"
#include "b2/membership.h"
#include "b2/nats_connection_service.h"
#include "b2/refusal_log.h"
#include "b2/server_service.h"
#include "b2/topics_service.h"
#include "b2/trust_service.h"
#include "b2/workers.h"
#include "base/log.h"
#include "base/token_bucket.h"
#include "net/epoll.h"

namespace ghost::b2 {

class NatsService;

/// What a daemon of ours is made of: the node's key and house, an endpoint with b2.v1.Core and b2.v1.Topics (and b2.v1.House
/// where the house is kept), the server for b2, TLS and HTTP, and a worker pool. The apps add their services to it.
class Node {
 public:
  struct Options {
    std::string program;               ///< "ariascribe"
    std::string version;               ///< "0.1.0"
    std::string node_name;             ///< "" for the one kept in the state, or the machine's
    std::filesystem::path state;       ///< the node's key and house; shared by all daemons of a node
    std::vector<net::Address> listen;  ///< TCP and Unix sockets
    std::vector<std::string> hosts;    ///< names that HTTP's Host may say beside loopback ones
    std::function<std::optional<WebAsset>(std::string_view)> assets;  ///< the console's files, for the host
    bool keeps_house = false;          ///< serves b2.v1.House where the state holds a house: one program of a node does
    bool asks_keeper = true;           ///< asks the house's keeper now and then, and renews the certificate: one program of a node does
    Rights rights;                     ///< [[rights]] of the configuration
    MetricsFor metrics_for = MetricsFor::members;
    bool datagrams = false;            ///< calls in datagrams, too, on the UDP ports of the TCP addresses it listens on
    std::size_t workers = 2;
    NatsServers nats;          ///< joins the house past this machine; none when no URL is there
    Duration grace = std::chrono::seconds(5);  ///< for calls that are open at shut_down()
    /// Whether others are looked for, and told of this node (docs/spec/b2.md §14): where it listens off loopback, never, or always.
    enum class Discover : std::uint8_t { off_loopback, never, always };
    Discover discover = Discover::never;
    std::vector<std::string> seeds = {};  ///< nodes to ask for others, "HOST:PORT"
    std::string token = {};               ///< what opens the console, of the process before; "" makes another
    bool begins_later = false;            ///< another process speaks for this node until begin()
  };

  /// Opens the state and listens. Errors name the address or file and what to do.
  static Result<std::unique_ptr<Node>> start(net::EpollNetwork& network, Options options, const Logger& log);
  ~Node();

  Endpoint& endpoint() { return endpoint_; }
  Server& server() { return *server_; }
  const CoreService& core() const { return *core_; }
  const NodeState& state() const { return trust_->state(); }
  net::EpollNetwork& network() { return network_; }
  const std::string& token() const { return token_; }
  std::vector<std::string> addresses() const;
  /// The node's UDP sockets; without any where it takes no datagrams.
  UdpPort& udp() { return udp_; }
  std::shared_ptr<const net::TlsContext> tls() const { return trust_->tls(); }

  /// Also hears of changes of the services, beside the server's own connections.
  std::function<void(const v1::ServiceEntry&)> on_services_changed;

  /// The children this node hosts, for /metrics; empty where it hosts none.
  std::function<std::vector<HostedCount>()> hosted;
  /// Families of this program's own, appended to /metrics; may be empty. On the loop.
  std::function<std::string()> more_metrics;

  /// With Options::begins_later: this process speaks for the node from here on.
  void begin();
  /// Another process speaks for this node, and has its sockets: no call is taken any more; those that came go on, streams too, for `grace` at
  /// most, then `done`. Subscriptions end, so that who has one takes it there.
  void hand_over(Duration grace, std::function<void()> done);
  /// While it shuts down or hands over: what is open after Options::grace is cut off.
  void hurry() { server_->hurry(options_.grace); }

  /// Takes no more calls, ends subscriptions and other streams, lets calls end within Options::grace, then `done`.
  void shut_down(std::function<void()> done);
  /// After shut_down(): the grace is over, what is still open is cut off.
  void cut_short() { server_->cut_short(); }

 private:
  Node(net::EpollNetwork& network, Options options, const Logger& log);
  Status open();
  void watch_house();
  void tell_unused_rights();
  Status serve_house();
  void serve_datagrams(const net::Address& at);
  void join_by_nats();
  void start_discovery();
  void log_failure(const FailedCall& call);

  net::EpollNetwork& network_;
  Options options_;
  Logger log_;
  Endpoint endpoint_;
  std::string token_;
  std::unique_ptr<TrustService> trust_;
  std::unique_ptr<CoreService> core_;
  std::unique_ptr<TopicsService> topics_;
  std::unique_ptr<HouseService> house_;
  UdpPort udp_;
  std::unique_ptr<DatagramServer> datagrams_;
  std::unique_ptr<NatsService> nats_;
  std::unique_ptr<Finder> finder_;  ///< null where nothing is discovered
  std::unique_ptr<HttpGateway> gateway_;
  std::unique_ptr<Server> server_;
  TokenBucket failures_logged_{20, 1};
  RefusalLog refusals_;
  net::Timer rights_timer_;
  std::string house_problem_;  ///< as it was told last
  net::Timer watch_;
  std::unique_ptr<Workers> workers_;  ///< last, so that it ends first
};

}  // namespace ghost::b2
