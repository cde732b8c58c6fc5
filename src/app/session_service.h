#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "b2/client_service.h"
#include "b2/endpoint.h"
#include "b2/membership.h"
#include "base/command_line.h"
#include "net/epoll.h"
#include "app/places.h"

namespace ghost::app {

/// b2::Target::parse(), with host names looked up.
Result<b2::Target> find_target(std::string_view text);

/// One b2 connection for a command: it waits for each step, and answers in order.
class Session {
 public:
  struct Wish {
    std::string at;            ///< "127.0.0.1:2203", "unix:/run/…", "" for this machine's host
    Duration timeout = std::chrono::seconds(10);
    bool spin = false;         ///< poll for answers: for benchmarks
    const b2::OneTimeCode* code = nullptr;  ///< the server must hold the key it names
  };
  /// Connects and waits for HELLO. Errors name the address and the phase; when nothing listens on this machine, they say how to
  /// start it.
  static Result<std::unique_ptr<Session>> open(const Places& where, const Wish& wish);
  ~Session();

  b2::Link& link() { return *link_; }
  b2::Channel& channel() { return link_->channel(); }
  const b2::v1::Hello& hello() { return channel().peer_hello(); }
  net::EpollNetwork& network() { return *network_; }
  const b2::Target& target() const { return target_; }
  b2::Endpoint& endpoint() { return endpoint_; }

  /// Calls that outlive this connection: made again on another as the rules allow. link() and channel() are not to be used after.
  b2::Caller& steady();

  /// Turns until `done` answers true; false when SIGINT came first, or that time.
  bool wait(const std::function<bool()>& done, TimePoint until = TimePoint::max());
  bool interrupted() const { return interrupted_; }
  /// One unary call, waited for.
  Result<Bytes> call(std::string_view service, std::string_view method, BytesView request, Duration timeout);

 private:
  Session() = default;
  std::unique_ptr<net::EpollNetwork> network_;
  b2::Endpoint endpoint_;
  std::optional<b2::NodeState> state_;
  b2::Target target_;
  std::unique_ptr<b2::Dial> dial_;
  std::optional<b2::Dial::Parts> parts_;
  std::unique_ptr<b2::Link> link_;
  std::unique_ptr<b2::Client> client_;
  UniqueFd signals_;
  bool interrupted_ = false;
};

}  // namespace ghost::app
