#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/network.h"

namespace ghost::b2 {

/// A node's UDP sockets, one beside each address that it listens on, shared by all that speak on them: who takes a datagram is said
/// by its first four bytes. On the reactor's thread only.
///
/// The port is nobody else's: another user's process cannot bind it, too, and take datagrams away. Sockets of the same user's that
/// hear a multicast group on the same port can (docs/spec/b2.md §14).
class UdpPort {
 public:
  static constexpr std::size_t kMagic = 4;
  /// The datagram's views are valid during the call. `from`, `to` and `interface` are as Datagram has them on receipt.
  using Handler = std::function<void(const net::Datagram&)>;

  /// @param network  outlives the port
  explicit UdpPort(net::Network& network) : network_(network) {}

  /// Has `handler` take the datagrams that begin with the four bytes `magic`; an empty one takes them no longer.
  void take(std::string_view magic, Handler handler);

  /// Opens a socket; answers where it is (port 0 chosen by the kernel). busy when the port is taken.
  /// @param max_datagram  longer ones are dropped
  Result<net::Address> listen(const net::Address& at, std::size_t max_datagram = 1500);

  /// Sends from the socket of `from`'s address, or the first of the family; as many as the kernel took. All of a batch go from one.
  std::size_t send(std::span<const net::Datagram> batch);
  /// What answers `received`: it goes back the way that came, from the address that was asked.
  static net::Datagram answer_to(const net::Datagram& received, BytesView bytes) { return {received.to, received.from, bytes, received.interface}; }

  /// Whether what arrives is looked at, which it is at first; sending goes on either way.
  void set_hearing(bool on);

  std::vector<net::Address> addresses() const;
  bool is_open() const { return !sockets_.empty(); }

  struct Counters {
    std::uint64_t received = 0, sent = 0;
    std::uint64_t not_taken = 0;  ///< began with nothing that is spoken here; not answered
  };
  const Counters& counters() const { return counters_; }

 private:
  using Magic = std::array<char, kMagic>;
  void hear(net::DatagramSocket& socket);
  void on_datagram(const net::Datagram& datagram);
  net::DatagramSocket* socket_for(const net::Datagram& datagram) const;

  net::Network& network_;
  std::map<Magic, std::shared_ptr<Handler>> handlers_;  ///< shared with the call under way, which may end its own registration
  std::vector<std::unique_ptr<net::DatagramSocket>> sockets_;
  Counters counters_;
};

}  // namespace ghost::b2
