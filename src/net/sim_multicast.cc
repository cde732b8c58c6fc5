#include "net/sim_multicast.h"

#include <algorithm>
#include <unordered_set>

namespace ghost::net::sim {

namespace {
constexpr std::size_t kMostKnown = 16;  // senders to a group whose ways are kept: each list is as long as the group

bool hears(const Membership& member, const Origin& origin) {
  if (member.interface != origin.interface) return false;
  if (origin.interface == 1 && member.host != origin.host) return false;  // loopback stays inside
  return !member.source || *member.source == origin.source;
}
}  // namespace

Address without_port(const Address& address) {
  if (address.family() != Address::Family::ip6) return address.with_port(0);
  return Address::ip6(address.ip(), 0);
}

std::size_t AddressHash::operator()(const Address& address) const {
  std::size_t hash = static_cast<std::size_t>(address.family());
  for (std::uint8_t byte : address.ip()) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

bool MulticastGroups::join(const Address& group, const Membership& membership) {
  Group& joined = groups_[group];
  if (std::ranges::find(joined.members, membership) != joined.members.end()) return false;
  joined.members.push_back(membership);
  joined.known.clear();
  return true;
}

bool MulticastGroups::leave(const Address& group, const Membership& membership) {
  const auto found = groups_.find(group);
  if (found == groups_.end() || std::erase(found->second.members, membership) == 0) return false;
  found->second.known.clear();
  if (found->second.members.empty()) groups_.erase(found);
  return true;
}

bool MulticastGroups::joined(const Address& group, Id socket, const Origin& origin) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return false;
  return std::ranges::any_of(found->second.members,
                             [&](const Membership& m) { return m.socket == socket && hears(m, origin); });
}

const std::vector<MulticastGroups::Way>& MulticastGroups::ways(const Address& group, std::uint16_t port,
                                                               const Origin& origin, LinkTable& links) {
  static const std::vector<Way> none;
  const auto found = groups_.find(group);
  if (found == groups_.end()) return none;
  auto& known = found->second.known;
  const std::pair key{port, origin};
  auto it = known.find(key);
  if (it != known.end() && it->second.links_version == links.version()) return it->second.ways;
  if (it == known.end() && known.size() >= kMostKnown) known.clear();

  Known& fresh = known[key];
  fresh.ways.clear();
  std::unordered_set<std::uint32_t> seen;  // a socket that joined from two sources hears a datagram once
  for (const Membership& member : found->second.members) {
    if (member.port != port || !hears(member, origin)) continue;
    if (seen.insert(member.socket.slot).second)
      fresh.ways.push_back({member.socket, member.host, &links.between(origin.host, member.host)});
  }
  fresh.links_version = links.version();
  return fresh.ways;
}

}  // namespace ghost::net::sim
