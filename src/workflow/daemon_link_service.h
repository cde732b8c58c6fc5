#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "b2/client_service.h"

namespace ghost::workflow {

/// A connection to one of this machine's daemons by its Unix socket, opened when first needed and again after it broke. On the
/// reactor's thread only.
class DaemonLink {
 public:
  /// @param socket  "unix:/run/ghostlight/ardus.sock"
  DaemonLink(net::Network& network, b2::Endpoint& endpoint, std::string program, std::string socket)
      : network_(network), endpoint_(endpoint), program_(std::move(program)), socket_(std::move(socket)) {}

  /// Calls `ready` once with what calls are made through, valid until the connection ends; or with why there is none, naming the
  /// program and its socket. A daemon that just starts is waited for, up to `patience`.
  void open(std::function<void(Result<b2::Caller*>)> ready, Duration patience = std::chrono::seconds(10));

 private:
  void dial();
  void on_dialed(Result<std::unique_ptr<b2::Link>> link);
  void forget_dial();
  void answer(const Result<b2::Caller*>& result);

  net::Network& network_;
  b2::Endpoint& endpoint_;
  std::string program_, socket_;
  std::unique_ptr<b2::Dial> dial_;
  std::unique_ptr<b2::Link> link_;
  std::vector<std::function<void(Result<b2::Caller*>)>> waiting_;
  TimePoint give_up_{};
  net::Timer again_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::workflow
