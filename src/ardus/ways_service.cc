#include "ardus/ways_service.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "net/interfaces.h"
#include "net/sockaddr.h"

namespace ghost::ardus {

namespace {

using Family = net::Address::Family;

constexpr std::uint64_t kLoopbackSpeed = 10'000'000'000;  ///< bit/s: no limit in practice
constexpr std::uint32_t kGroupNumbers = 0x3fff;           ///< of a session's number, that its group goes by
/// Behind a prefix of an IPv6 group: a group id from 8000:0 on is nobody's (RFC 3307 §4.3).
constexpr std::uint8_t kGroupId[] = {0x98, 0x35};

bool is_ip4(const net::Address& address) { return address.family() == Family::ip4; }

net::Address group6(std::uint8_t flags_and_scope, std::uint16_t upper, std::uint16_t lower, std::uint16_t port) {
  std::array<std::uint8_t, 16> ip{0xff, flags_and_scope};
  ip[12] = static_cast<std::uint8_t>(upper >> 8), ip[13] = static_cast<std::uint8_t>(upper);
  ip[14] = static_cast<std::uint8_t>(lower >> 8), ip[15] = static_cast<std::uint8_t>(lower);
  return net::Address::ip6(ip, port);
}

/// In bit/s; 0 where the driver does not tell (Wi-Fi, many virtual machines) or the link is down. By ioctl: what /sys shows belongs to the
/// network namespace it was mounted in.
std::uint64_t told_speed(const std::string& interface) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_cmd asked{};
  asked.cmd = ETHTOOL_GSET;
  ifreq request{};
  if (!fd || interface.size() >= sizeof request.ifr_name) return 0;
  std::copy(interface.begin(), interface.end(), request.ifr_name);
  request.ifr_data = reinterpret_cast<char*>(&asked);
  if (::ioctl(fd.get(), SIOCETHTOOL, &request) != 0) return 0;
  const std::uint32_t mbit = ethtool_cmd_speed(&asked);
  return mbit == static_cast<std::uint32_t>(SPEED_UNKNOWN) ? 0 : std::uint64_t{mbit} * 1'000'000;
}

/// IFA_F_… of an IPv6 address of this machine; 0 where the kernel does not list it.
std::uint32_t flags_of(const net::Address& address, std::uint32_t interface) {
  std::ifstream file("/proc/self/net/if_inet6");
  const std::string wanted = to_hex(address.ip());
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string ip;
    std::uint32_t index = 0, prefix = 0, scope = 0, flags = 0;
    words >> ip >> std::hex >> index >> prefix >> scope >> flags;
    if (words && ip == wanted && index == interface) return flags;
  }
  return 0;
}

/// How gladly an address is taken, the higher the better; 0: it can't be bound. One that reaches beyond the link serves both ends best, and one that
/// is given up tomorrow (RFC 8981), or is about to be, worst.
int rank(const net::Address& address, std::uint32_t interface) {
  if (is_ip4(address)) return 1;
  if (address.family() != Family::ip6 || address.is_multicast()) return 0;
  const std::uint32_t flags = flags_of(address, interface);
  if ((flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0 && (flags & IFA_F_OPTIMISTIC) == 0) return 0;
  if (address.is_link_local()) return 1;
  return (flags & IFA_F_DEPRECATED) != 0 ? 2 : (flags & IFA_F_TEMPORARY) != 0 ? 3 : 4;
}

/// On that interface: the address that it is listened on, else the best one.
net::Address address_of(const net::NetworkInterface& interface, Family family, const std::vector<net::Address>& listening) {
  const auto is_of = [&](const net::Address& at) { return interface.loopback ? at.is_loopback() : std::ranges::count(interface.addresses, at.with_port(0)) > 0; };
  for (const net::Address& at : listening) {
    if (at.family() == family && !at.is_any() && is_of(at)) return at.with_port(0);
  }
  return best_address(interface, family);
}

/// By both, unless it listens on addresses of one of them alone, "0.0.0.0" among them; loopback, which has no groups of IPv6 by itself, by IPv4.
bool is_meant(Family family, Ip ip, const net::NetworkInterface& interface, const std::vector<net::Address>& listening) {
  if (ip != Ip::any) return (ip == Ip::four) == (family == Family::ip4);
  if (interface.loopback) return family == Family::ip4;
  bool this_one = false, other = false;
  for (const net::Address& at : listening) {
    if (!at.is_ip() || (!at.is_any() && std::ranges::count(interface.addresses, at.with_port(0)) == 0)) continue;
    (at.family() == family ? this_one : other) = true;
  }
  return this_one || !other;
}

/// Of an interface that reaches others.
bool has_any_ip4() {
  const auto all = net::list_interfaces();
  return !all || std::ranges::any_of(*all, [](const net::NetworkInterface& one) { return one.up && !one.loopback && std::ranges::any_of(one.addresses, is_ip4); });
}

Error no_address(const net::NetworkInterface& interface, Ip ip) {
  const bool checked = std::ranges::any_of(interface.addresses, [&](const net::Address& each) { return each.family() == Family::ip6 && rank(each, interface.index) == 0; });
  if (ip != Ip::four && checked) {
    return {Errc::busy, "interface " + interface.name + " has no address that may be used yet: its IPv6 address is being checked (duplicate address detection), which takes two seconds, or another "
                            "machine has it: 'ip -6 address show dev " + interface.name + "'"};
  }
  return {Errc::conflict, "interface " + interface.name + " has no " + (ip == Ip::any ? "IP" : ip == Ip::four ? "IPv4" : "IPv6") + " address"};
}

}  // namespace

Result<Ip> ip_of(std::uint32_t number) {
  if (number != 0 && number != 4 && number != 6) return Error{Errc::malformed, "IP version " + std::to_string(number) + ": 4 or 6 is wanted, or neither"};
  return static_cast<Ip>(number);
}

net::Address announcement_group(Family family) {
  return family == Family::ip6 ? group6(0x15, 0, 0x1117, kControlPort) : net::Address::ip4({239, 255, 11, 17}, kControlPort);
}

net::Address data_group(std::uint32_t session, Family family, Sources sources) {
  const auto number = static_cast<std::uint16_t>(session & kGroupNumbers);
  if (family == Family::ip6) return group6(sources == Sources::one ? 0x35 : 0x15, std::uint16_t{kGroupId[0]} << 8 | kGroupId[1], number, kDataPort);
  const std::uint8_t first = sources == Sources::one ? 232 : 239;
  return net::Address::ip4({first, 255, static_cast<std::uint8_t>(64 + (number >> 8)), static_cast<std::uint8_t>(number)}, kDataPort);
}

Sources sources_of(const Announcement& announcement) {
  const Family family = announcement.group.family == 6 ? Family::ip6 : Family::ip4;
  return announcement.group == to_wire(data_group(announcement.session, family, Sources::one)) ? Sources::one : Sources::any;
}

WireAddress to_wire(const net::Address& address) {
  WireAddress wire;
  wire.family = is_ip4(address) ? 4 : 6;
  std::copy_n(address.ip().begin(), is_ip4(address) ? 4 : 16, wire.bytes.begin());
  return wire;
}

std::optional<net::Address> from_wire(const WireAddress& address, std::uint16_t port, std::uint32_t interface) {
  net::Address read;
  if (address.family == 4) read = net::Address::ip4({address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]}, port);
  if (address.family == 6) read = net::Address::ip6(address.bytes, port);
  if (!read.is_ip() || read.is_multicast() || read.is_any()) return std::nullopt;
  return read.is_link_local() ? read.with_scope(interface) : read;
}

std::string to_told(const net::Address& address) { return address.with_scope(0).text(); }

Result<net::Address> from_told(std::string_view text, const Way& way) {
  const auto read = net::Address::parse(text);
  if (!read) return read.error();
  if (read->family() != way.family() || read->is_multicast() || read->is_any()) {
    return Error{Errc::malformed, "'" + std::string(text) + "' is no IPv" + (way.family() == Family::ip6 ? "6" : "4") + " address to send to"};
  }
  return read->with_scope(read->is_link_local() ? way.interface : 0);
}

std::optional<net::Address> source_towards(const net::Address& to) {
  const UniqueFd fd(::socket(net::socket_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const net::SocketAddress there(to);
  if (!fd || ::connect(fd.get(), &there.base, there.size) != 0) return std::nullopt;
  return net::local_address(fd.get()).with_port(0);
}

/// Of IPv6 every interface has a route to all groups, which says nothing: it is the one of the default route, where there is one. Without, a machine
/// with IPv4 that has no network to speak of keeps to loopback.
std::optional<net::Address> routed_address(Ip ip) {
  if (ip != Ip::six) {
    if (auto own = source_towards(announcement_group(Family::ip4))) return own;
  }
  if (ip == Ip::four) return std::nullopt;
  if (auto own = source_towards(net::Address::ip6({0x20}, kControlPort))) return own;
  return ip == Ip::any && has_any_ip4() ? std::nullopt : source_towards(announcement_group(Family::ip6));
}

net::Address best_address(const net::NetworkInterface& interface, Family family) {
  net::Address best;
  int best_rank = 0;
  for (const net::Address& each : interface.addresses) {
    const int its = each.family() == family ? rank(each, interface.index) : 0;
    if (its <= best_rank) continue;
    best = each.is_link_local() ? each.with_port(0).with_scope(interface.index) : each.with_port(0);
    best_rank = its;
  }
  return best;
}

Result<std::vector<Way>> find_ways(net::Network& network, const std::string& name, Ip ip, const std::vector<net::Address>& listening) {
  const auto all = network.interfaces();
  if (!all) return all.error();
  const auto routed = name.empty() ? routed_address(ip) : std::nullopt;
  std::string known;
  for (const net::NetworkInterface& one : *all) {
    known += (known.empty() ? "" : ", ") + one.name;
    const bool has = routed && std::ranges::any_of(one.addresses, [&](const net::Address& a) { return a.with_port(0).with_scope(0) == routed->with_scope(0) && (routed->scope() == 0 || routed->scope() == one.index); });
    const bool wanted = !name.empty() ? one.name == name : routed ? has : one.loopback;
    if (!wanted) continue;
    if (!one.up) return Error{Errc::busy, "interface " + one.name + " is down; 'ip link set " + one.name + " up' mends that"};
    std::vector<Way> ways;
    for (const Family family : {Family::ip4, Family::ip6}) {
      if (!is_meant(family, ip, one, listening)) continue;
      const net::Address address = address_of(one, family, listening);
      if (address.is_ip()) ways.push_back({one.index, one.name, address, one.loopback ? kLoopbackSpeed : told_speed(one.name)});
    }
    if (ways.empty()) return no_address(one, ip);
    return ways;
  }
  return Error{Errc::not_found, "there is no interface '" + name + "' here; there are " + known};
}

std::optional<Way> link_local_of(net::Network& network, const Way& way) {
  const auto all = network.interfaces();
  if (!all) return std::nullopt;
  for (const net::NetworkInterface& one : *all) {
    if (one.index != way.interface) continue;
    for (const net::Address& each : one.addresses) {
      if (!each.is_link_local() || rank(each, one.index) == 0) continue;
      Way same = way;
      same.address = each.with_port(0).with_scope(one.index);
      return same;
    }
  }
  return std::nullopt;
}

std::uint32_t largest_datagram(const Way& way) {
  constexpr int kHeaders = 40 + 8;  // IPv6's and UDP's
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (!fd || way.name.size() >= sizeof request.ifr_name) return 0;
  std::copy(way.name.begin(), way.name.end(), request.ifr_name);
  if (::ioctl(fd.get(), SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= kHeaders) return 0;
  return static_cast<std::uint32_t>(request.ifr_mtu - kHeaders);
}

/// Asked by binding a socket: lists of interfaces wait for whoever changes any, which on a machine with many containers may take seconds.
bool is_here(const Way& way) {
  const UniqueFd fd(::socket(net::socket_family(way.address), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const net::SocketAddress own(way.address);
  return !fd || ::bind(fd.get(), &own.base, own.size) == 0 || errno != EADDRNOTAVAIL;
}

}  // namespace ghost::ardus
