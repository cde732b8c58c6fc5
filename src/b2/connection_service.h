#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "b2/service.h"

namespace ghost::net {
class EpollNetwork;
class TlsContext;
}  // namespace ghost::net

namespace ghost::b2 {

class HouseTrust;

/// A b2 connection with a loop of its own, for programs that have none and wait for each answer.
class Connection {
 public:
  struct Options {
    std::string name = "client";                 ///< told to the server, for its people
    std::shared_ptr<const net::TlsContext> tls;  ///< needed where the target asks for TLS
    const HouseTrust* house = nullptr;           ///< who answers by TLS must be a member of it; null asks nothing
    Duration timeout = std::chrono::seconds(10);  ///< to connect
  };
  /// Connects to what Target::parse() takes ("127.0.0.1:2203", "unix:/run/b2/b2.sock") and waits for HELLO. Errors name the address
  /// and the phase.
  static Result<std::unique_ptr<Connection>> open(std::string_view at, Options options);
  static Result<std::unique_ptr<Connection>> open(std::string_view at) { return open(at, Options()); }
  /// Says goodbye, and waits a moment for the other side to have heard it.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// What clients that protoc-gen-b2 made are built on.
  Caller& caller();
  /// To have this connection's loop do other things too.
  net::EpollNetwork& network();

  /// Turns the loop until `done` answers true.
  void turn_until(const std::function<bool()>& done);

  /// Starts a unary call and waits for its answer: `start` hands on what it gets as the last argument of the call.
  ///   connection->wait<AddResponse>([&](auto done) { tally.add({.name = "visitors"}, done); });
  template <class T>
  Result<T> wait(const std::function<void(std::function<void(Result<T>)>)>& start) {
    const auto answer = std::make_shared<std::optional<Result<T>>>();
    start([answer](Result<T> result) { *answer = std::move(result); });
    turn_until([&] { return answer->has_value(); });
    return std::move(**answer);
  }

 private:
  struct Parts;  ///< headers that a user's file need not compile
  explicit Connection(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace ghost::b2
