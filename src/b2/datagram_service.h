#pragma once
#include <memory>

#include "b2/datagram_callee.h"
#include "b2/udp_port_service.h"
#include "b2/v1/datagrams.b2.h"

namespace ghost::b2 {

/// Calls in datagrams for an endpoint (docs/spec/b2.md §13), on a node's UDP port; and b2.v1.Datagrams, by which members get keys for them.
/// On the reactor's thread only.
class DatagramServer final : public v1::DatagramsService {
 public:
  static constexpr std::string_view kMagic = "b2u1";

  /// Takes its datagrams from `port` from then on. All three outlive the server.
  DatagramServer(net::Reactor& reactor, Endpoint& endpoint, UdpPort& port) : DatagramServer(reactor, endpoint, port, DatagramLimits()) {}
  DatagramServer(net::Reactor& reactor, Endpoint& endpoint, UdpPort& port, const DatagramLimits& limits);
  ~DatagramServer() override;

  void open(v1::OpenDatagramsRequest request, ServerStream<v1::DatagramSession> stream) override;
  Result<v1::FetchResponse> fetch(const v1::FetchRequest& request, const CallContext& context) override;

  /// Takes no more calls, and ends the sessions: the node is shutting down.
  void go_away();

 private:
  void leave(std::uint64_t session);
  void flush();
  void wake_at(TimePoint when);

  net::Reactor& reactor_;
  Endpoint& endpoint_;
  UdpPort& port_;
  std::shared_ptr<DatagramCallee> callee_;
  std::map<std::uint64_t, std::shared_ptr<ServerStream<v1::DatagramSession>>> sessions_;
  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
  bool flushing_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
