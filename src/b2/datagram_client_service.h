#pragma once
#include <functional>
#include <memory>

#include "b2/datagram_caller.h"
#include "b2/link_service.h"
#include "net/network.h"

namespace ghost::b2 {

/// Calls by datagram to one server (docs/spec/b2.md §13), with a socket of its own. On the reactor's thread only.
class DatagramClient {
 public:
  /// Without keys: look-ups that are open to everyone. Nothing is sent before the first call.
  /// @param form        plain, or pure: each look-up in one datagram and its answer in another
  /// @param connection  for what does not fit a datagram; may be empty
  static Result<std::unique_ptr<DatagramClient>> open(net::Network& network, const net::Address& server, DatagramForm form,
                                                      std::weak_ptr<Caller> connection = {});

  /// With keys from a TLS connection, whose rights the calls then have; it carries what does not fit a datagram. Calls end, and no
  /// others are taken, when the connection does.
  /// @param link  has said HELLO. `done` is called once, in a later turn, unless the opening is given up by dropping what this gives
  /// @return      holds the opening; may be dropped after `done`
  using Done = std::function<void(Result<std::unique_ptr<DatagramClient>>)>;
  static std::shared_ptr<void> open_sealed(net::Network& network, Link& link, Done done);

  ~DatagramClient();

  DatagramCaller& caller() { return *caller_; }
  const net::Address& server() const { return server_; }

 private:
  class Opening;
  DatagramClient(net::Network& network, const net::Address& server) : reactor_(network.reactor()), server_(server) {}
  Status bind(net::Network& network);
  DatagramCaller::Wiring wiring(std::weak_ptr<Caller> connection);
  void flush();

  net::Reactor& reactor_;
  net::Address server_;
  std::unique_ptr<net::DatagramSocket> socket_;
  std::shared_ptr<DatagramCaller> caller_;
  ClientCall session_;
  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
