#pragma once
#include "net/epoll.h"
#include "net/event_loop.h"
#include "net/inherited_sockets.h"
#include "net/network.h"
#include "net/socket_file.h"

namespace ghost::net {

/// A listening TCP or Unix socket.
class ListenSocket final : public Listener, private EventSource {
 public:
  /// @param fd    listening, nonblocking
  /// @param file  of a Unix socket made by us
  static Result<std::unique_ptr<ListenSocket>> create(EventLoop& loop, UniqueFd fd, SocketFile file, OnAccept on_accept);
  /// One that another process made: accepts from HandedOn::begin() on.
  static std::unique_ptr<ListenSocket> inherit(EventLoop& loop, UniqueFd fd, OnAccept on_accept);
  ~ListenSocket() override;

  const Address& address() const override { return address_; }
  std::weak_ptr<HandedOn> handed_on() const { return handed_on_; }

 private:
  ListenSocket(EventLoop& loop, UniqueFd fd, SocketFile file, OnAccept on_accept);

  void on_events(std::uint32_t events) override;
  void pause();

  Address address_;
  SocketFile file_;
  std::shared_ptr<HandedOn> handed_on_ = std::make_shared<HandedOn>();
  std::shared_ptr<OnAccept> on_accept_;  ///< shared with the call under way, which may destroy the listener
  Timer resume_;
};

/// Opens, binds and listens; see Network::listen().
Result<std::unique_ptr<ListenSocket>> listen_at(EventLoop& loop, const Address& at, OnAccept on_accept,
                                                EpollOptions::Listening how = EpollOptions::Listening::alone);

}  // namespace ghost::net
