#pragma once
#include <optional>

#include "net/event_loop.h"
#include "net/network.h"
#include "net/stream_socket.h"

namespace ghost::net {

/// One try to connect a TCP or Unix socket; see Network::connect().
class ConnectAttempt final : public Connecting, private EventSource {
 public:
  ConnectAttempt(EventLoop& loop, const Address& to, Duration timeout, const TcpWishes& wishes, OnConnect done);

 private:
  void on_events(std::uint32_t events) override;
  void on_later() override;

  void start();
  void settle(int error);
  /// The last thing any caller does: `done` may destroy the attempt.
  void finish(Result<std::unique_ptr<ByteStream>> result);

  Address to_;
  OnConnect done_;
  std::optional<Error> failure_;
  Timer timeout_;
  Timer retry_;
};

}  // namespace ghost::net
