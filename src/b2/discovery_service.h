#pragma once
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "b2/discovery.h"
#include "b2/discovery_dial_service.h"
#include "b2/discovery_gossip.h"
#include "b2/discovery_sockets_service.h"
#include "base/log.h"

namespace ghost::b2 {

/// Finds the other nodes, and has them find this one (docs/spec/b2.md §14); b2.v1.Discovery of what it has found. On the reactor's
/// thread only.
class Finder : public v1::DiscoveryService {
 public:
  struct Parts {
    net::Network& network;
    Endpoint& endpoint;    ///< whose node, services and house are announced; outlives the finder
    std::function<std::shared_ptr<const net::TlsContext>()> tls;
    std::function<const HouseTrust*()> house;  ///< null: nobody is proven, and nothing announced
    std::vector<net::Address> listening;       ///< where TCP is taken; empty for one that only looks
    std::vector<std::string> seeds = {};       ///< "10.0.0.7:2203", "archive.local"
    /// Looks a seed's name up; calls back in a later turn. Empty: seeds are addresses.
    std::function<void(std::string name, std::function<void(Result<net::Address>)> then)> resolve = {};
    bool loopback = false;                     ///< on lo, too
    Logger log = Logger::none();
    std::function<std::uint64_t()> wall_ms = {};///< since 1970; empty: the system's clock
    std::uint64_t random_seed = 0;             ///< 0: the kernel's choice
    DiscoveryRules rules = {};
    std::uint16_t port = 2203;
  };
  explicit Finder(Parts parts);
  ~Finder() override;

  void start();
  /// Says goodbye, and sends no more.
  void leave();
  /// Sends nothing more: another process speaks for this node.
  void fall_silent();
  /// The services of the endpoint, or its house, may be others than before.
  void self_changed();
  /// Nodes were revoked: those that are proven have to prove themselves anew.
  void check_all();
  /// Asks all links, as one that looks.
  void ask();

  const Discovery& discovery() const { return discovery_; }
  const DiscoverySockets& sockets() const { return sockets_; }
  /// Rings after each turn in which what is known of others changed.
  std::function<void()> on_change;

  Result<v1::FoundResponse> found(const v1::FoundRequest& request, const CallContext& context) override;
  Result<v1::ExchangeResponse> exchange(const v1::ExchangeRequest& request, const CallContext& context) override;
  v1::FoundResponse found_now() const;

 private:
  std::optional<Announcement> self() const;
  void plan_turn();
  void turn();
  void refresh(TimePoint now);
  void send();
  void start_dials(TimePoint now);
  void start_gossip(TimePoint now);
  void gossip_with(const std::string& partner, const std::string& address);
  void dial(const std::string& address, const NodeId& expected, std::optional<v1::ExchangeRequest> request, std::function<void(Result<PeerDial::Found>)> then);
  v1::ExchangeRequest exchange_request(TimePoint now);
  std::vector<v1::FoundNode> hints_for(const NodeId& who, TimePoint now);
  void learn(const std::vector<v1::FoundNode>& known, TimePoint now);
  void tell_changes();
  TimePoint now() const { return parts_.network.reactor().now(); }

  Parts parts_;
  SeededRandom random_;
  Discovery discovery_;
  GossipPlan gossip_;
  DiscoverySockets sockets_;
  std::list<std::unique_ptr<PeerDial>> dials_;
  std::set<PeerKey> proven_;     ///< as they were told to the log
  std::uint64_t told_version_ = 0;
  std::uint64_t told_doubles_ = 0;
  std::map<std::uint32_t, std::string> told_problems_;
  TimePoint refresh_at_{};
  bool running_ = false;
  bool turn_planned_ = false;
  net::Timer timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
