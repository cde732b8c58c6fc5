#include "b2/discovery_sockets_service.h"

#include <algorithm>

namespace ghost::b2 {

namespace {

bool is_link_local(const net::Address& address) {
  return address.family() == net::Address::Family::ip6 && address.ip()[0] == 0xfe && (address.ip()[1] & 0xc0) == 0x80;
}

bool has(const std::vector<net::Address>& addresses, const net::Address& wanted) {
  return std::ranges::any_of(addresses, [&](const net::Address& each) { return each.family() == wanted.family() && each.ip() == wanted.ip(); });
}

constexpr std::array<std::uint8_t, 16> kAll6{};

}  // namespace

net::Address DiscoverySockets::group4(std::uint16_t port) { return net::Address::ip4({239, 255, 22, 3}, port); }

net::Address DiscoverySockets::group6(std::uint16_t port, std::uint32_t interface) {
  return net::Address::ip6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x22, 0x03}, port, interface);
}

DiscoverySockets::DiscoverySockets(Parts parts, OnDatagram on_datagram) : parts_(std::move(parts)), on_datagram_(std::move(on_datagram)) {}

bool DiscoverySockets::usable(const net::NetworkInterface& interface) const {
  return interface.up && (interface.loopback ? parts_.loopback : interface.multicast);
}

/// What to send from on this interface, so that TCP answers at a beacon's source; nothing where it would not.
std::optional<net::Address> DiscoverySockets::source4(const net::NetworkInterface& interface) const {
  const auto own = std::ranges::find(interface.addresses, net::Address::Family::ip4, &net::Address::family);
  if (own == interface.addresses.end()) return std::nullopt;
  if (parts_.listening.empty()) return net::Address();
  for (const net::Address& at : parts_.listening) {
    if (at.family() != net::Address::Family::ip4) continue;
    if (at.is_any()) return net::Address();
    if (has(interface.addresses, at) || (interface.loopback && at.is_loopback())) return at;
  }
  return std::nullopt;
}

/// Only from link-local addresses: no router forwards those.
std::optional<net::Address> DiscoverySockets::source6(const net::NetworkInterface& interface) const {
  const auto own = std::ranges::find_if(interface.addresses, is_link_local);
  if (own == interface.addresses.end()) return std::nullopt;
  const bool reachable = parts_.listening.empty() || has(parts_.listening, net::Address::ip6(kAll6, 0)) || has(parts_.listening, *own);
  return reachable ? std::optional(*own) : std::nullopt;
}

std::vector<std::uint32_t> DiscoverySockets::refresh() {
  std::vector<std::uint32_t> changed;
  const auto interfaces = parts_.network.interfaces();
  if (!interfaces) return changed;
  std::map<std::uint32_t, Known> before = std::move(known_);
  known_.clear();
  for (const net::NetworkInterface& interface : *interfaces) {
    if (!usable(interface)) continue;
    Known& known = known_[interface.index];
    if (const auto found = before.find(interface.index); found != before.end()) {
      known = std::move(found->second);
      if (known.interface.addresses != interface.addresses) changed.push_back(interface.index);
    }
    known.interface = interface;
    keep(interface, known.ip4, source4(interface), false);
    keep(interface, known.ip6, source6(interface), true);
  }
  return changed;
}

void DiscoverySockets::keep(const net::NetworkInterface& interface, Way& way, const std::optional<net::Address>& source, bool ip6) {
  way.wanted = source.has_value();
  way.problem = {};
  if (!way.wanted) {
    way.socket.reset();
    return;
  }
  way.source = *source;
  if (way.socket) return;
  auto opened = open(interface.index, ip6);
  if (!opened) way.problem = opened.error();
  else way.socket = std::move(*opened);
}

Result<std::unique_ptr<net::DatagramSocket>> DiscoverySockets::open(std::uint32_t interface, bool ip6) {
  const net::Address group = ip6 ? group6(parts_.port, interface) : group4(parts_.port);
  net::DatagramOptions options;
  options.local = group;
  options.share_port = options.share_with_own = true;  // beside others that look, and our own sockets of calls
  options.hops = 1;
  options.max_datagram = DiscoveryMessage::kLongest;
  auto socket = parts_.network.open_datagram(options);
  if (!socket) return socket.error();
  if (const Status joined = (*socket)->join(group, interface); !joined) return joined.error();
  if (const Status set = (*socket)->set_multicast(interface, 1, true); !set) return set.error();
  take_from(**socket, interface, ip6, true);
  return socket;
}

/// @param interface  0: as each datagram says
void DiscoverySockets::take_from(net::DatagramSocket& socket, std::uint32_t interface, bool ip6, bool group) {
  socket.on_datagrams([this, interface, ip6, group](std::span<const net::Datagram> batch) {
    for (const net::Datagram& datagram : batch) {
      if (ip6 && !is_link_local(datagram.from)) continue;  // from another link, or a node that has lost its way
      const net::Address from = ip6 ? net::Address::ip6(datagram.from.ip(), datagram.from.port(), interface != 0 ? interface : datagram.interface) : datagram.from;
      on_datagram_({interface != 0 ? interface : datagram.interface, ip6, group, from.host(), from.text()}, datagram.bytes);
    }
  });
}

net::DatagramSocket* DiscoverySockets::asking(bool ip6) {
  auto& socket = ip6 ? asking6_ : asking4_;
  if (!socket) {
    net::DatagramOptions options;
    options.local = ip6 ? net::Address::ip6(kAll6, 0) : net::Address::ip4({0, 0, 0, 0}, 0);
    options.max_datagram = DiscoveryMessage::kLongest;
    auto opened = parts_.network.open_datagram(options);
    if (!opened) return nullptr;
    socket = std::move(*opened);
    take_from(*socket, 0, ip6, false);
  }
  return socket.get();
}

bool DiscoverySockets::send(const DiscoveryOut& out) {
  const auto found = known_.find(out.interface);
  if (found == known_.end()) return false;
  Known& link = found->second;
  if (out.alone.empty()) {
    const bool by4 = send_to_group(link, link.ip4, false, out.bytes);
    const bool by6 = send_to_group(link, link.ip6, true, out.bytes);
    return by4 || by6;
  }
  const auto to = net::Address::parse(out.alone);
  if (!to) return false;
  const bool ip6 = to->family() == net::Address::Family::ip6;
  Way& way = ip6 ? link.ip6 : link.ip4;
  if (!way.socket) return false;
  const net::Datagram datagram{way.source, *to, out.bytes, out.interface};
  return way.socket->send({&datagram, 1}) == 1;
}

bool DiscoverySockets::send_to_group(Known& link, Way& way, bool ip6, BytesView bytes) {
  if (!way.wanted) return false;
  net::DatagramSocket* const socket = parts_.listening.empty() ? asking(ip6) : way.socket.get();
  if (socket == nullptr) return false;
  const net::Datagram datagram{way.source, ip6 ? group6(parts_.port, link.interface.index) : group4(parts_.port), bytes, link.interface.index};
  return socket->send({&datagram, 1}) == 1;
}

std::vector<DiscoveryLink> DiscoverySockets::links() const {
  std::vector<DiscoveryLink> links;
  for (const auto& [index, known] : known_) {
    // One that only looks is answered alone also where it can't hear the group.
    const bool looks = parts_.listening.empty();
    const DiscoveryLink link{index, known.ip4.socket != nullptr || (looks && known.ip4.wanted), known.ip6.socket != nullptr || (looks && known.ip6.wanted)};
    if (link.families() != 0) links.push_back(link);
  }
  return links;
}

std::vector<DiscoverySockets::State> DiscoverySockets::states() const {
  std::vector<State> states;
  for (const auto& [index, known] : known_) {
    const auto family = [](const Way& way) { return State::Family{way.wanted, way.socket != nullptr, way.problem}; };
    states.push_back({known.interface, family(known.ip4), family(known.ip6)});
  }
  return states;
}

}  // namespace ghost::b2
