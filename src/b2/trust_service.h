#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "b2/client_service.h"
#include "b2/endpoint.h"
#include "b2/membership.h"
#include "b2/v1/house.b2.h"
#include "base/log.h"
#include "net/network.h"
#include "net/tls.h"

namespace ghost::b2 {

/// Who this node is and whom it trusts, kept up to date while it runs (docs/spec/house.md §5, §6): takes later lists of revoked nodes
/// from whoever knows one, tells its peers, ends connections of the revoked; asks the keeper of the house now and then, and renews
/// the node's certificate in time. Serves b2.v1.Trust. On the reactor's thread only.
class TrustService : public v1::TrustService {
 public:
  struct Parts {
    net::Network& network;
    Endpoint& endpoint;  ///< gets the node's name, id, house and list; outlives the service
    std::filesystem::path state;
    std::string node_name;
    Logger log;
    bool asks_keeper = true;  ///< one program of a node is enough
    Duration ask_every = std::chrono::minutes(10);
    std::function<WallTime()> wall_clock = {};  ///< the system's where empty
  };

  /// Reads the state, or makes it. Errors name the file.
  static Result<std::unique_ptr<TrustService>> open(Parts parts);
  ~TrustService() override;

  /// Looks after files, keeper and certificate from here on.
  void start();

  const NodeState& state() const { return state_; }
  /// The house this node is in now; null for none.
  const HouseTrust* house() const { return state_.membership() ? &state_.membership()->house() : nullptr; }
  /// For handshakes from now on.
  std::shared_ptr<const net::TlsContext> tls() const { return tls_; }
  WallTime wall_now() const { return parts_.wall_clock(); }

  /// Rings after tls() or the house are others.
  std::function<void()> on_identity;
  /// Rings after nodes were revoked, and their b2 connections ended: ends what else they have. May be empty.
  std::function<void(const std::function<bool(const Identity&)>& is_revoked)> on_revoked;

  Result<v1::RevocationsResponse> revocations(const v1::RevocationsRequest& request, const CallContext& context) override;

 private:
  TrustService(Parts parts, NodeState state) : parts_(std::move(parts)), state_(std::move(state)) {}

  void look();
  void look_later();
  Status apply();
  Status take_identity();
  void tell_of_list();
  void end_revoked();

  bool of_our_house(const Channel& channel) const;
  void pull(const std::shared_ptr<Channel>& from);
  void pull_next();
  void on_list(const std::shared_ptr<Channel>& from, const Result<v1::RevocationsResponse>& answer);

  void ask_later(Duration wait);
  void ask();
  bool renewal_is_due() const;
  void dial_keeper(const Target& target);
  void on_keeper(Result<std::unique_ptr<Link>> link);
  void renew_here();
  void renew_by(const std::shared_ptr<Channel>& keeper);
  void take_renewed(std::vector<Bytes> certificates);
  void complain(const std::string& event, const Error& error);

  Parts parts_;
  NodeState state_;
  std::shared_ptr<const net::TlsContext> tls_;
  std::vector<Bytes> shown_;  ///< the certificates tls_ was made of, of a member
  std::string problem_;       ///< of the membership, as told last
  std::string complaint_;     ///< as told last
  std::filesystem::file_time_type membership_time_{}, list_time_{};

  bool pulling_ = false;
  std::vector<std::pair<std::weak_ptr<Channel>, TimePoint>> avoided_;  ///< told of a list and did not give it: not asked until then

  std::unique_ptr<Dial> dial_;
  std::unique_ptr<Link> keeper_;
  bool renewing_ = false;
  std::size_t asked_ = 0;
  net::Timer look_timer_, ask_timer_, keeper_timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
