#pragma once
#include "net/epoll.h"
#include "net/event_loop.h"
#include "net/network.h"
#include "net/socket_file.h"

namespace ghost::net {

/// A listening TCP or Unix socket.
class ListenSocket final : public Listener, private EventSource {
 public:
  /// @param fd    listening, nonblocking
  /// @param file  of a Unix socket made by us
  static Result<std::unique_ptr<Listener>> create(EventLoop& loop, UniqueFd fd, SocketFile file, OnAccept on_accept);

  const Address& address() const override { return address_; }

 private:
  ListenSocket(EventLoop& loop, UniqueFd fd, SocketFile file, OnAccept on_accept);

  void on_events(std::uint32_t events) override;
  void pause();

  Address address_;
  SocketFile file_;
  std::shared_ptr<OnAccept> on_accept_;  ///< shared with the call under way, which may destroy the listener
  Timer resume_;
};

/// Opens, binds and listens; see Network::listen().
Result<std::unique_ptr<Listener>> listen_at(EventLoop& loop, const Address& at, OnAccept on_accept,
                                            EpollOptions::Listening how = EpollOptions::Listening::alone);

}  // namespace ghost::net
