#include "net/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <map>
#include <memory>

#include "net/sockaddr.h"

namespace ghost::net {

namespace {

std::optional<Address> ip_address(const sockaddr* from) {
  if (from == nullptr) return std::nullopt;
  SocketAddress address;
  if (from->sa_family == AF_INET) {
    address.ip4 = *reinterpret_cast<const sockaddr_in*>(from);
  } else if (from->sa_family == AF_INET6) {
    address.ip6 = *reinterpret_cast<const sockaddr_in6*>(from);
  } else {
    return std::nullopt;
  }
  return address.address();
}

}  // namespace

Result<std::vector<NetworkInterface>> list_interfaces() {
  std::map<std::uint32_t, NetworkInterface> by_index;
  struct if_nameindex* const names = ::if_nameindex();
  if (names == nullptr) return errno_error("list", "the network interfaces");
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> free_names(names, ::if_freenameindex);
  for (const struct if_nameindex* i = names; i->if_index != 0; ++i) {
    by_index[i->if_index] = {i->if_index, i->if_name, false, false, false, {}};
  }
  ifaddrs* addresses = nullptr;
  if (::getifaddrs(&addresses) != 0) return errno_error("list", "the network interfaces");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> free_addresses(addresses, ::freeifaddrs);
  for (const ifaddrs* i = addresses; i != nullptr; i = i->ifa_next) {
    const auto found = by_index.find(::if_nametoindex(i->ifa_name));
    if (found == by_index.end()) continue;
    NetworkInterface& interface = found->second;
    interface.up = (i->ifa_flags & IFF_UP) != 0;
    interface.loopback = (i->ifa_flags & IFF_LOOPBACK) != 0;
    interface.multicast = (i->ifa_flags & IFF_MULTICAST) != 0;
    if (auto address = ip_address(i->ifa_addr)) interface.addresses.push_back(std::move(*address));
  }
  std::vector<NetworkInterface> all;
  for (auto& [index, interface] : by_index) all.push_back(std::move(interface));
  return all;
}

}  // namespace ghost::net
