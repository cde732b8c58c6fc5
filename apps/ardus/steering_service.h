#pragma once
#include <functional>
#include <memory>

#include "app/session_service.h"
#include "ardus/ardus_node_service.h"

namespace ghost::app {

/// Who holds a port, by Portlight; "" when it can't be told.
std::string holder_of(std::string_view transport, std::uint16_t port);

/// ardus.v1.Node for a command: of the daemon that runs on --state, or, where none does, of this process for as long as this lives.
class Steering {
 public:
  static Result<std::unique_ptr<Steering>> open(const Arguments& arguments, bool quiet);
  ~Steering();

  b2::Caller& caller();
  /// Whether a daemon does the work.
  bool handed_over() const { return session_ != nullptr; }
  /// Turns until `done` answers true; false when SIGINT or SIGTERM came first, or that time.
  bool wait(const std::function<bool()>& done, TimePoint until = TimePoint::max());
  bool interrupted() const { return interrupted_ || (session_ && session_->interrupted()); }

 private:
  Steering() = default;
  Status start_own(const Places& where, bool quiet);

  std::unique_ptr<Session> session_;  ///< to the daemon; the rest is for a process of its own
  std::unique_ptr<net::EpollNetwork> network_;
  std::unique_ptr<b2::Node> node_;
  std::unique_ptr<ardus::ArdusNode> ardus_;
  b2::Endpoint endpoint_;
  std::unique_ptr<b2::Dial> dial_;
  std::unique_ptr<b2::Link> link_;
  UniqueFd signals_;
  bool interrupted_ = false;
};

}  // namespace ghost::app
