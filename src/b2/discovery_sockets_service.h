#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "b2/discovery.h"
#include "net/network.h"

namespace ghost::b2 {

/// The sockets that hear the group, one for each interface and family, as interfaces and addresses come and go; and, for one that only
/// looks, one of each family that asks and is answered alone. On the reactor's thread only.
class DiscoverySockets {
 public:
  struct Parts {
    net::Network& network;
    /// Where this node takes TCP: it is announced where these can be reached. Empty for one that only looks, which does so everywhere.
    std::vector<net::Address> listening;
    bool loopback = false;      ///< on the interface lo, too
    std::uint16_t port = 2203;
  };
  using OnDatagram = std::function<void(const DiscoveryIn&, BytesView)>;
  DiscoverySockets(Parts parts, OnDatagram on_datagram);

  /// Looks at the interfaces again. @return those whose addresses have changed since the last time
  std::vector<std::uint32_t> refresh();

  /// Sends; to the group by each family of its link. @return false when none got out
  bool send(const DiscoveryOut& out);

  /// The links on which at least one family works.
  std::vector<DiscoveryLink> links() const;

  /// An interface that discovery uses, or would.
  struct State {
    net::NetworkInterface interface;
    struct Family {
      bool wanted = false;   ///< there is an address to be reached by
      bool works = false;    ///< its group is joined
      Error problem{};       ///< why not
    } ip4, ip6;
  };
  std::vector<State> states() const;
  static net::Address group4(std::uint16_t port);
  static net::Address group6(std::uint16_t port, std::uint32_t interface);

 private:
  struct Way {
    std::unique_ptr<net::DatagramSocket> socket;
    net::Address source;  ///< to send from; none lets the system choose
    Error problem{};
    bool wanted = false;
  };
  struct Known {
    net::NetworkInterface interface;
    Way ip4, ip6;
  };

  bool usable(const net::NetworkInterface& interface) const;
  std::optional<net::Address> source4(const net::NetworkInterface& interface) const;
  std::optional<net::Address> source6(const net::NetworkInterface& interface) const;
  void keep(const net::NetworkInterface& interface, Way& way, const std::optional<net::Address>& source, bool ip6);
  Result<std::unique_ptr<net::DatagramSocket>> open(std::uint32_t interface, bool ip6);
  void take_from(net::DatagramSocket& socket, std::uint32_t interface, bool ip6, bool group);
  bool send_to_group(Known& link, Way& way, bool ip6, BytesView bytes);
  net::DatagramSocket* asking(bool ip6);

  Parts parts_;
  OnDatagram on_datagram_;
  std::map<std::uint32_t, Known> known_;
  std::unique_ptr<net::DatagramSocket> asking4_, asking6_;
};

}  // namespace ghost::b2
