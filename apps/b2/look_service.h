#pragma once
#include <memory>
#include <optional>

#include "app/places.h"
#include "b2/discovery_service.h"
#include "net/epoll.h"

namespace ghost::app {

/// Looks for nodes on this machine's networks, as one that is none itself: asks, and listens for a while.
class Look {
 public:
  /// With the state's membership, where there is one, those that are found are proven; it is not made.
  static Result<std::unique_ptr<Look>> begin(const Places& where);
  ~Look();

  /// Asks, once more half-way, and listens for `span`. @return false when interrupted
  bool listen(Duration span);

  const b2::Discovery& discovery() const { return finder_->discovery(); }
  const b2::DiscoverySockets& sockets() const { return finder_->sockets(); }
  b2::v1::FoundResponse found() const { return finder_->found_now(); }
  net::Network& network() { return *network_; }
  bool is_member() const { return state_ && state_->membership().has_value(); }
  /// Whether there is any interface to look on.
  bool has_links() const { return !finder_->sockets().links().empty(); }

 private:
  Look() = default;
  bool turn_until(TimePoint end);

  std::unique_ptr<net::EpollNetwork> network_;
  b2::Endpoint endpoint_;
  std::optional<b2::NodeState> state_;
  std::shared_ptr<const net::TlsContext> tls_;
  std::unique_ptr<b2::Finder> finder_;
  UniqueFd signals_;
  bool interrupted_ = false;
};

/// In bytes; 0 when it can't be told.
std::uint32_t mtu_of(const std::string& interface);

}  // namespace ghost::app
