#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "b2/client_service.h"
#include "b2/discovery_table.h"
#include "b2/v1/discovery.b2.h"

namespace ghost::b2 {

/// Calls one node of the house to see its certificate and its services, and, where asked to, to exchange peers; then hangs up.
/// Destroying it gives up.
class PeerDial {
 public:
  struct Parts {
    net::Network& network;
    Endpoint& endpoint;
    std::shared_ptr<const net::TlsContext> tls;
    HouseTrust house;  ///< a copy: the node's may become another meanwhile
    Duration timeout = std::chrono::seconds(4);
  };
  struct Found {
    Announcement about;
    PeerProof proof;
    std::optional<v1::ExchangeResponse> told;  ///< nothing when it was not asked, or does not exchange
  };
  using Done = std::function<void(Result<Found>)>;

  /// `done` is called once, in a later turn; the dial may be destroyed from it.
  /// @param expected  who must answer; none: any member
  PeerDial(Parts parts, const std::string& address, const NodeId& expected, std::optional<v1::ExchangeRequest> request, Done done);
  ~PeerDial();

 private:
  void on_link(std::unique_ptr<Link> link);
  Status check(const Link& link) const;
  void exchange();
  void hang_up();
  void end(Result<Found> result);

  Parts parts_;
  NodeId expected_;
  std::string address_;
  std::optional<v1::ExchangeRequest> request_;
  Done done_;
  Found found_;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<Link> link_;
  net::Timer timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
