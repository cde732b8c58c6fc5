#include "ardus/doctor_service.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "ardus/message.h"
#include "ardus/session_keys.h"
#include "ardus/ways_service.h"
#include "base/random.h"
#include "base/unique_fd.h"
#include "net/interfaces.h"
#include "net/sockaddr.h"

namespace ghost::ardus {

namespace {

constexpr std::uint8_t kNoMessage = 0x1f;  ///< version 1, a type that is none: whoever hears it ignores it (docs/spec/ardus.md §2)
constexpr Duration kOwnWait = std::chrono::seconds(1);  ///< for our own datagram to come back
constexpr int kSegments = 3;

using Family = net::Address::Family;

constexpr std::uint32_t kTriedSession = 0x3fff;  ///< whose data group is tried

UniqueFd udp_socket(Family family = Family::ip4) { return UniqueFd(::socket(family == Family::ip6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

template <class T>
bool set(const UniqueFd& fd, int level, int option, T value) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
}

int number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  int value = 0;
  return file >> value ? value : 0;
}

std::string why_not() { return std::strerror(errno); }

/// IGMP as it is spoken on each interface, and the groups joined there, of IPv6 too: /proc/net/igmp and igmp6, which are of our own network namespace.
struct Igmp {
  std::map<std::string, int> version;
  std::multimap<std::string, std::string> groups;
};

Igmp read_igmp() {
  Igmp all;
  std::ifstream file("/proc/self/net/igmp");
  std::string line, device;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    if (line.starts_with('\t')) {
      std::string group;
      words >> group;
      in_addr address{};
      address.s_addr = static_cast<in_addr_t>(std::strtoul(group.c_str(), nullptr, 16));
      std::array<std::uint8_t, 4> ip;
      std::memcpy(ip.data(), &address, ip.size());
      all.groups.emplace(device, net::Address::ip4(ip, 0).host());
      continue;
    }
    std::string index, colon, count, querier;
    words >> index >> device >> colon >> count >> querier;
    if (!device.empty() && device.back() == ':') {  // a long name and its colon
      device.pop_back();
      querier = count;
    }
    if (querier.size() == 2 && querier[0] == 'V') all.version[device] = querier[1] - '0';
  }
  std::ifstream six("/proc/self/net/igmp6");
  while (std::getline(six, line)) {
    std::istringstream words(line);
    std::string index, group;
    words >> index >> device >> group;
    const auto bytes = from_hex(group);
    std::array<std::uint8_t, 16> ip;
    if (!bytes || bytes->size() != ip.size()) continue;
    std::ranges::copy(*bytes, ip.begin());
    all.groups.emplace(device, net::Address::ip6(ip, 0).host());
  }
  return all;
}

std::optional<DoctorInterface::Bridge> bridge_of(const std::string& interface) {
  const std::filesystem::path here = "/sys/class/net/" + interface;
  std::error_code none;
  std::string name = interface;
  if (!std::filesystem::exists(here / "bridge", none)) {
    const auto master = std::filesystem::read_symlink(here / "brport/bridge", none);
    if (none) return std::nullopt;
    name = master.filename().string();
  }
  const std::filesystem::path settings = std::filesystem::path("/sys/class/net") / name / "bridge";
  return DoctorInterface::Bridge{name, number_in(settings / "multicast_snooping") != 0, number_in(settings / "multicast_querier") != 0, number_in(settings / "multicast_igmp_version"), number_in(settings / "multicast_mld_version")};
}

DoctorInterface interface_facts(const std::string& name, const Igmp& igmp) {
  DoctorInterface out;
  out.name = name;
  const UniqueFd fd = udp_socket();
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (fd && ::ioctl(fd.get(), SIOCGIFFLAGS, &request) == 0) {
    out.up = (request.ifr_flags & IFF_UP) != 0;
    out.running = (request.ifr_flags & IFF_RUNNING) != 0;
    out.loopback = (request.ifr_flags & IFF_LOOPBACK) != 0;
    out.multicast = (request.ifr_flags & IFF_MULTICAST) != 0;
  }
  if (fd && ::ioctl(fd.get(), SIOCGIFMTU, &request) == 0) out.mtu = static_cast<std::uint32_t>(request.ifr_mtu);
  if (const auto version = igmp.version.find(name); version != igmp.version.end()) out.igmp_version = version->second;
  const std::filesystem::path settings = "/proc/sys/net/ipv4/conf";
  out.reverse_path = std::max(number_in(settings / name / "rp_filter"), number_in(settings / "all" / "rp_filter"));
  out.bridge = bridge_of(name);
  const std::filesystem::path six = "/proc/sys/net/ipv6/conf";
  out.forced_mld = std::max(number_in(six / name / "force_mld_version"), number_in(six / "all" / "force_mld_version"));
  return out;
}

std::vector<DoctorInterface> all_interfaces() {
  std::vector<DoctorInterface> all;
  const auto listed = net::list_interfaces();
  if (!listed) return all;
  const Igmp igmp = read_igmp();
  for (const net::NetworkInterface& each : *listed) {
    DoctorInterface& known = all.emplace_back(interface_facts(each.name, igmp));
    const net::Address four = best_address(each, Family::ip4), six = best_address(each, Family::ip6);
    if (four.is_ip()) known.address = four.host();
    if (six.is_ip() && !each.loopback) known.address6 = six.with_scope(0).host();
    known.checked = !six.is_ip() && std::ranges::any_of(each.addresses, [](const net::Address& at) { return at.family() == Family::ip6; });
  }
  return all;
}

/// The interface that has the address; "" none.
std::string interface_with(const net::Address& address) {
  const auto listed = net::list_interfaces();
  if (!listed) return {};
  for (const net::NetworkInterface& each : *listed) {
    const auto is = [&](const net::Address& at) { return at.with_scope(0).with_port(0) == address.with_scope(0).with_port(0) && (address.scope() == 0 || address.scope() == each.index); };
    if (std::ranges::any_of(each.addresses, is)) return each.name;
  }
  return {};
}

/// One of ARDUS's groups, as it is tried.
struct Tried {
  DoctorGroup* group;
  net::Address at;
  UniqueFd fd;
};

class NetworkLook {
 public:
  explicit NetworkLook(const DoctorWish& wish) : wish_(wish) {}

  DoctorFacts look() {
    facts_.interfaces = all_interfaces();
    if (const auto source = routed_address(Ip::any)) facts_.routed = interface_with(*source);
    facts_.by_hand = !wish_.interface.empty();
    facts_.chosen = facts_.by_hand ? wish_.interface : facts_.routed;
    if (facts_.chosen.empty()) facts_.chosen = loopback();
    clock();
    neighbours();
    if (!wish_.to.empty()) route_to_peer();
    index_ = static_cast<int>(::if_nametoindex(facts_.chosen.c_str()));
    const DoctorInterface* const chosen = find(facts_.chosen);
    if (index_ == 0 || chosen == nullptr || !chosen->up) return std::move(facts_);
    if (!chosen->address.empty()) try_group(facts_.announcements, announcement_group(Family::ip4)), try_group(facts_.data, data_group(kTriedSession, Family::ip4, Sources::any));
    if (!chosen->address6.empty()) try_group(facts_.announcements6.emplace(), announcement_group(Family::ip6)), try_group(facts_.data6.emplace(), data_group(kTriedSession, Family::ip6, Sources::any));
    for (const Tried& one : tried_) {
      if (one.at.port() == kControlPort) join_everywhere(one);
    }
    for (const Tried& one : tried_) {
      if (one.at.port() == kDataPort && facts_.receive_buffer == 0) buffers(one.fd);
    }
    random_bytes(nonce_);
    for (const Tried& one : tried_) send_own(one);
    memberships();
    listen();
    return std::move(facts_);
  }

 private:
  const DoctorInterface* find(const std::string& name) const {
    const auto found = std::ranges::find(facts_.interfaces, name, &DoctorInterface::name);
    return found == facts_.interfaces.end() ? nullptr : &*found;
  }

  std::string loopback() const {
    const auto found = std::ranges::find_if(facts_.interfaces, [](const DoctorInterface& each) { return each.loopback; });
    return found == facts_.interfaces.end() ? "" : found->name;
  }

  void clock() {
    timex asked{};
    if (const int state = ::adjtimex(&asked); state >= 0) facts_.clock_kept = state != TIME_ERROR && (asked.status & STA_UNSYNC) == 0;
  }

  /// The table is one for all network namespaces, and only the first one shows it.
  void neighbours() {
    facts_.most_neighbours = static_cast<std::uint64_t>(std::max(0, number_in("/proc/sys/net/ipv4/neigh/default/gc_thresh3")));
    std::ifstream counts("/proc/net/stat/arp_cache");  // a line of names, then one a processor, hexadecimal: entries first, table_fulls last
    std::string line;
    std::getline(counts, line);
    while (std::getline(counts, line)) {
      std::istringstream fields(line);
      std::uint64_t refused = 0;
      fields >> std::hex >> facts_.neighbours;
      for (std::uint64_t next = 0; fields >> next;) refused = next;
      facts_.neighbours_refused += refused;
    }
  }

  void route_to_peer() {
    facts_.peer.emplace();
    facts_.peer->address = wish_.to;
    const auto to = net::Address::parse((wish_.to.find(':') == std::string::npos ? wish_.to : "[" + wish_.to + "]") + ":1117");
    if (!to) return;
    if (const auto source = source_towards(*to)) facts_.peer->interface = interface_with(*source);
    const bool ip6 = to->family() == Family::ip6;
    const UniqueFd fd = udp_socket(to->family());
    const net::SocketAddress there(*to);
    int mtu = 0;
    socklen_t size = sizeof mtu;
    const bool whole = ip6 ? set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) : set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    if (!fd || !whole || ::connect(fd.get(), &there.base, there.size) != 0) return;
    if (::getsockopt(fd.get(), ip6 ? IPPROTO_IPV6 : IPPROTO_IP, ip6 ? IPV6_MTU : IP_MTU, &mtu, &size) == 0 && mtu > 0) facts_.peer->path_mtu = static_cast<std::uint32_t>(mtu);
  }

  /// The port, shared as ARDUS shares it, and the group on the interface that is asked about.
  void try_group(DoctorGroup& group, const net::Address& at) {
    group.group = at.host();
    group.port = at.port();
    const bool ip6 = at.family() == Family::ip6;
    UniqueFd fd = udp_socket(at.family());
    const net::Address any = ip6 ? net::Address::ip6({}, at.port()) : net::Address::ip4({0, 0, 0, 0}, at.port());
    const net::SocketAddress bound(at.port() == kControlPort ? at : any);
    const std::string name = at.text() + " on " + facts_.chosen;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (ip6) {
      set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0), set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    } else {
      set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0), set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
    if (::bind(fd.get(), &bound.base, bound.size) != 0) {
      group.busy = errno == EADDRINUSE;
      group.problem = {group.busy ? Errc::busy : Errc::io, "UDP " + std::to_string(group.port) + " can't be opened: " + why_not()};
      return;
    }
    if (!join(fd, at, index_)) {
      group.problem = {errno == ENOBUFS ? Errc::exhausted : Errc::io, "join " + name + ": " + why_not()};
      return;
    }
    tried_.push_back({&group, at, std::move(fd)});
  }

  static bool join(const UniqueFd& fd, const net::Address& group, int index) {
    group_req request{};
    request.gr_interface = static_cast<std::uint32_t>(index);
    const net::SocketAddress raw(group);
    std::memcpy(&request.gr_group, &raw.base, raw.size);
    return set(fd, group.family() == Family::ip6 ? IPPROTO_IPV6 : IPPROTO_IP, MCAST_JOIN_GROUP, request);
  }

  /// Announcements that come by another interface than the one that is asked about are worth knowing of.
  void join_everywhere(const Tried& one) {
    for (const DoctorInterface& each : facts_.interfaces) {
      const bool has = !(one.at.family() == Family::ip6 ? each.address6 : each.address).empty();
      if (each.name == facts_.chosen || each.loopback || !each.up || !each.multicast || !has) continue;
      (void)join(one.fd, one.at, static_cast<int>(::if_nametoindex(each.name.c_str())));
    }
  }

  void buffers(const UniqueFd& data) {
    const auto granted = [&](int option) {
      int value = 0;
      socklen_t size = sizeof value;
      set(data, SOL_SOCKET, option, static_cast<int>(kWishedBuffer));
      if (::getsockopt(data.get(), SOL_SOCKET, option, &value, &size) != 0 || value < 0) return std::uint64_t{0};
      return static_cast<std::uint64_t>(value) / 2;  // the kernel doubles it for its own book-keeping
    };
    facts_.receive_buffer = granted(SO_RCVBUF);
    facts_.send_buffer = granted(SO_SNDBUF);
  }

  /// To the group, from this interface, no further than this machine; to a data group in a run the kernel is to cut.
  void send_own(const Tried& one) {
    const bool ip6 = one.at.family() == Family::ip6;
    const UniqueFd fd = udp_socket(one.at.family());
    if (ip6) {
      set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index_), set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0), set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
    } else {
      ip_mreqn way{};
      way.imr_ifindex = index_;
      set(fd, IPPROTO_IP, IP_MULTICAST_IF, way), set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 0), set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    }
    Bytes own(kDataDatagram * kSegments);
    for (std::size_t at = 0; at < own.size(); at += kDataDatagram) {
      own[at] = kNoMessage;
      std::ranges::copy(nonce_, own.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    const net::SocketAddress to(one.at);
    const auto send = [&](std::size_t bytes) { return ::sendto(fd.get(), own.data(), bytes, 0, &to.base, to.size) == static_cast<ssize_t>(bytes); };
    const bool data = one.at.port() == kDataPort;
    if (!send(data ? kDataDatagram : 1 + nonce_.size())) {
      one.group->problem = {Errc::io, "a datagram to " + one.group->group + " could not be sent by " + facts_.chosen + ": " + why_not()};
      return;
    }
    if (!data || std::exchange(facts_.offloads_tried, true)) return;
    if (!set(fd, IPPROTO_UDP, UDP_SEGMENT, static_cast<int>(kDataDatagram)) || !send(own.size())) facts_.segmentation = why_not();
    const UniqueFd other = udp_socket();
    if (!set(other, IPPROTO_UDP, UDP_GRO, 1)) facts_.coalescing = why_not();
  }

  void memberships() {
    const Igmp igmp = read_igmp();
    const auto listed = [&](const std::string& group) {
      const auto [from, to] = igmp.groups.equal_range(facts_.chosen);
      return std::any_of(from, to, [&](const auto& each) { return each.second == group; });
    };
    for (const Tried& one : tried_) one.group->joined = listed(one.group->group);
  }

  void listen() {
    const TimePoint begin = std::chrono::steady_clock::now();
    const auto missing = [&] { return std::ranges::any_of(tried_, [](const Tried& one) { return !one.group->heard; }); };
    const bool announcements = std::ranges::any_of(tried_, [](const Tried& one) { return one.at.port() == kControlPort; });
    while (true) {
      const Duration passed = std::chrono::steady_clock::now() - begin;
      const bool waits = missing() && passed < kOwnWait;
      if (!waits && (passed >= wish_.listen || !announcements)) break;
      std::vector<pollfd> watched;
      for (const Tried& one : tried_) watched.push_back({one.fd.get(), POLLIN, 0});
      if (::poll(watched.data(), watched.size(), 50) < 0 && errno != EINTR) break;
      for (const Tried& one : tried_) {
        while (take(one.fd, *one.group)) {}
      }
    }
    facts_.listened = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  bool take(const UniqueFd& fd, DoctorGroup& group) {
    std::uint8_t bytes[2048];
    alignas(cmsghdr) char extras[CMSG_SPACE(sizeof(in6_pktinfo))];
    iovec part{bytes, sizeof bytes};
    net::SocketAddress from;
    msghdr message{};
    message.msg_name = &from.base;
    message.msg_namelen = from.size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = extras;
    message.msg_controllen = sizeof extras;
    const ssize_t length = ::recvmsg(fd.get(), &message, 0);
    if (length < 0) return false;
    int interface = 0;
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
      if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
        in_pktinfo info;
        std::memcpy(&info, CMSG_DATA(each), sizeof info);
        interface = info.ipi_ifindex;
      } else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo info;
        std::memcpy(&info, CMSG_DATA(each), sizeof info);
        interface = static_cast<int>(info.ipi6_ifindex);
      }
    }
    const BytesView datagram(bytes, static_cast<std::size_t>(length));
    if (datagram.size() > nonce_.size() && datagram[0] == kNoMessage && std::equal(nonce_.begin(), nonce_.end(), datagram.begin() + 1)) group.heard = true;
    else from.size = message.msg_namelen, announced(datagram, from.address().with_scope(0).host(), interface);
    return true;
  }

  void announced(BytesView datagram, const std::string& from, int interface) {
    const auto read = read_announcement(datagram);
    if (!read) return;
    char name[IF_NAMESIZE] = "";
    ::if_indextoname(static_cast<unsigned>(interface), name);
    const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    DoctorAnnouncement told{"'" + read->name + "' by " + from, name, static_cast<std::int64_t>(read->time_ms) - now};
    const auto known = std::ranges::find_if(facts_.heard, [&](const DoctorAnnouncement& each) { return each.who == told.who && each.interface == told.interface; });
    if (known == facts_.heard.end() && facts_.heard.size() < 64) facts_.heard.push_back(std::move(told));
  }

  const DoctorWish& wish_;
  DoctorFacts facts_;
  int index_ = 0;
  std::vector<Tried> tried_;  ///< sockets of the groups that were joined
  std::array<std::uint8_t, 16> nonce_{};
};

}  // namespace

DoctorFacts look_at_network(const DoctorWish& wish) { return NetworkLook(wish).look(); }

}  // namespace ghost::ardus
