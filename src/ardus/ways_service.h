#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ardus/message.h"
#include "net/network.h"

namespace ghost::ardus {

/// By which IP sessions go: what an interface has, or one of the two.
enum class Ip : std::uint8_t { any = 0, four = 4, six = 6 };
/// 0, 4 and 6, as calls have them; malformed for another number.
Result<Ip> ip_of(std::uint32_t number);

/// The way datagrams of a session take: an interface, and this node's own address on it. An interface with addresses of both IPs is two.
struct Way {
  std::uint32_t interface = 0;  ///< index
  std::string name;             ///< "eth0"
  net::Address address;         ///< port 0; a link-local one with its scope
  std::uint64_t speed = 0;      ///< bit/s that the interface says it does; 0: it does not say

  net::Address::Family family() const { return address.family(); }
};

/// Whose datagrams a session's group carries (docs/spec/ardus.md §2.4).
enum class Sources : std::uint8_t {
  any,  ///< a group that may be joined for any source, where joining for one alone brings nothing
  one   ///< a source-specific one (RFC 4607): the sender's, or nobody's
};

/// Where announcements go: 239.255.11.17:1117 or [ff15::1117]:1117.
net::Address announcement_group(net::Address::Family family);
/// Where a session's data go, port 1835: one of 16,384 groups of 239.255.64.0/18 or ff15::9835:0/114, with one source of 232.255.64.0/18 or ff35::9835:0/114.
net::Address data_group(std::uint32_t session, net::Address::Family family, Sources sources);
/// As the session is announced: never another group than these two.
Sources sources_of(const Announcement& announcement);

WireAddress to_wire(const net::Address& address);
/// A link-local address is that interface's. Nothing for what no session can be joined at: an unknown family, or a group.
std::optional<net::Address> from_wire(const WireAddress& address, std::uint16_t port, std::uint32_t interface);
/// "10.0.0.7:1834", "[fe80::7]:1834", as calls carry them: names of interfaces mean something on their own machine only.
std::string to_told(const net::Address& address);
/// What the other side of a way told: of the same IP, and a link-local one is of that link. Errors: malformed.
Result<net::Address> from_told(std::string_view text, const Way& way);

/// The ways of an interface: by IPv4 first, one for each IP, of the two that are meant.
/// @param name       "": the one the default route uses, loopback where there is none
/// @param listening  where this node's control connections are accepted: the address of a way is taken from them where it can be, and one
///                   of a single IP on that interface says that the other is not meant
/// @return           at least one; not_found, busy (down, or its addresses are still being checked), conflict (no address): names the interfaces there are
Result<std::vector<Way>> find_ways(net::Network& network, const std::string& name, Ip ip, const std::vector<net::Address>& listening);
/// The link-local address of that way's interface in its place; nothing where there is none.
std::optional<Way> link_local_of(net::Network& network, const Way& way);
/// The address this machine would send there from, port 0; nothing without a route. No packet is sent for it.
std::optional<net::Address> source_towards(const net::Address& to);
/// Of the interface that is taken where none is named; nothing where that is loopback.
std::optional<net::Address> routed_address(Ip ip);
/// Of an interface, by that IP: one that can be bound, reaches beyond the link if there is such a one, and is to stay; none where there is none.
net::Address best_address(const net::NetworkInterface& interface, net::Address::Family family);
/// Bytes of UDP payload that its interface takes at present, by IPv4 or IPv6: its MTU less 48; 0 where that can't be told.
std::uint32_t largest_datagram(const Way& way);
/// Whether the address of a way is still this machine's: one that moves to another network, or whose lease ends, gets another.
bool is_here(const Way& way);

}  // namespace ghost::ardus
