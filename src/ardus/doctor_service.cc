#include "ardus/doctor_service.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
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
#include "base/random.h"
#include "base/unique_fd.h"

namespace ghost::ardus {

namespace {

constexpr std::uint8_t kNoMessage = 0x1f;  ///< version 1, a type that is none: whoever hears it ignores it (docs/spec/ardus.md §2)
constexpr const char* kAnnouncementGroup = "239.255.11.17";
constexpr const char* kTriedGroup = "239.255.127.255";  ///< of the data groups
constexpr Duration kOwnWait = std::chrono::seconds(1);  ///< for our own datagram to come back
constexpr int kSegments = 3;

in_addr ip4(const std::string& text) {
  in_addr address{};
  ::inet_pton(AF_INET, text.c_str(), &address);
  return address;
}

std::string text_of(in_addr address) {
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

sockaddr_in at_port(in_addr address, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr = address;
  at.sin_port = htons(port);
  return at;
}

UniqueFd udp_socket() { return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

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

/// The address this machine would send to another's from, as ARDUS does; nothing without a route. No packet is sent.
std::optional<in_addr> source_to(in_addr to) {
  const UniqueFd fd = udp_socket();
  const sockaddr_in there = at_port(to, kControlPort);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) return std::nullopt;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) return std::nullopt;
  return own.sin_addr;
}

/// IGMP as it is spoken on each interface, and the groups joined there: /proc/net/igmp, which is of our own network namespace.
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
      all.groups.emplace(device, text_of(address));
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
  return DoctorInterface::Bridge{name, number_in(settings / "multicast_snooping") != 0, number_in(settings / "multicast_querier") != 0, number_in(settings / "multicast_igmp_version")};
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
  return out;
}

std::vector<DoctorInterface> all_interfaces() {
  std::vector<DoctorInterface> all;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return all;
  const Igmp igmp = read_igmp();
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    auto known = std::ranges::find(all, each->ifa_name, &DoctorInterface::name);
    if (known == all.end()) known = all.insert(all.end(), interface_facts(each->ifa_name, igmp));
    if (known->address.empty() && each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET) {
      known->address = text_of(reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr);
    }
  }
  ::freeifaddrs(list);
  return all;
}

/// The interface that has the address; "" none.
std::string interface_with(in_addr address) {
  std::string name;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return name;
  for (const ifaddrs* each = list; each != nullptr && name.empty(); each = each->ifa_next) {
    const bool has = each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET && reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr.s_addr == address.s_addr;
    if (has) name = each->ifa_name;
  }
  ::freeifaddrs(list);
  return name;
}

class NetworkLook {
 public:
  explicit NetworkLook(const DoctorWish& wish) : wish_(wish) {}

  DoctorFacts look() {
    facts_.interfaces = all_interfaces();
    if (const auto source = source_to(ip4(kAnnouncementGroup))) facts_.routed = interface_with(*source);
    facts_.by_hand = !wish_.interface.empty();
    facts_.chosen = facts_.by_hand ? wish_.interface : facts_.routed;
    if (facts_.chosen.empty()) facts_.chosen = loopback();
    clock();
    neighbours();
    if (!wish_.to.empty()) route_to_peer();
    facts_.announcements.group = kAnnouncementGroup;
    facts_.announcements.port = kControlPort;
    facts_.data.group = kTriedGroup;
    facts_.data.port = kDataPort;
    index_ = static_cast<int>(::if_nametoindex(facts_.chosen.c_str()));
    const DoctorInterface* const chosen = find(facts_.chosen);
    if (index_ == 0 || chosen == nullptr || !chosen->up || chosen->address.empty()) return std::move(facts_);
    const UniqueFd announcements = open(facts_.announcements, ip4(kAnnouncementGroup));
    const UniqueFd data = open(facts_.data, in_addr{});
    if (announcements) join_everywhere(announcements);
    if (data) buffers(data);
    send_own(announcements ? facts_.announcements.port : 0, data ? facts_.data.port : 0);
    memberships();
    listen(announcements, data);
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
    const in_addr to = ip4(wish_.to);
    if (const auto source = source_to(to)) facts_.peer->interface = interface_with(*source);
    const UniqueFd fd = udp_socket();
    const sockaddr_in there = at_port(to, kControlPort);
    int mtu = 0;
    socklen_t size = sizeof mtu;
    if (!fd || !set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO) || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) return;
    if (::getsockopt(fd.get(), IPPROTO_IP, IP_MTU, &mtu, &size) == 0 && mtu > 0) facts_.peer->path_mtu = static_cast<std::uint32_t>(mtu);
  }

  /// The port, shared as ARDUS shares it, and the group on the interface that is asked about.
  UniqueFd open(DoctorGroup& group, in_addr bound) {
    UniqueFd fd = udp_socket();
    const sockaddr_in at = at_port(bound, group.port);
    const std::string name = group.group + ":" + std::to_string(group.port) + " on " + facts_.chosen;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
      group.busy = errno == EADDRINUSE;
      group.problem = {group.busy ? Errc::busy : Errc::io, "UDP " + std::to_string(group.port) + " can't be opened: " + why_not()};
      return {};
    }
    if (!join(fd, ip4(group.group), index_)) {
      group.problem = {errno == ENOBUFS ? Errc::exhausted : Errc::io, "join " + name + ": " + why_not()};
      return {};
    }
    return fd;
  }

  static bool join(const UniqueFd& fd, in_addr group, int index) {
    ip_mreqn request{};
    request.imr_multiaddr = group;
    request.imr_ifindex = index;
    return set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
  }

  /// Announcements that come by another interface than the one that is asked about are worth knowing of.
  void join_everywhere(const UniqueFd& fd) {
    for (const DoctorInterface& each : facts_.interfaces) {
      if (each.name == facts_.chosen || each.loopback || !each.up || !each.multicast || each.address.empty()) continue;
      (void)join(fd, ip4(kAnnouncementGroup), static_cast<int>(::if_nametoindex(each.name.c_str())));
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

  /// To each group, from this interface, no further than this machine; to the data group in a run the kernel is to cut.
  void send_own(std::uint16_t announcement_port, std::uint16_t data_port) {
    random_bytes(nonce_);
    const UniqueFd fd = udp_socket();
    ip_mreqn way{};
    way.imr_ifindex = index_;
    set(fd, IPPROTO_IP, IP_MULTICAST_IF, way);
    set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 0);
    set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    Bytes own(kDataDatagram * kSegments);
    for (std::size_t at = 0; at < own.size(); at += kDataDatagram) {
      own[at] = kNoMessage;
      std::ranges::copy(nonce_, own.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    const auto send = [&](const std::string& group, std::uint16_t port, std::size_t bytes) {
      const sockaddr_in to = at_port(ip4(group), port);
      return ::sendto(fd.get(), own.data(), bytes, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == static_cast<ssize_t>(bytes);
    };
    if (announcement_port != 0 && !send(kAnnouncementGroup, announcement_port, 1 + nonce_.size())) {
      facts_.announcements.problem = {Errc::io, "a datagram to " + facts_.announcements.group + " could not be sent by " + facts_.chosen + ": " + why_not()};
    }
    if (data_port == 0) return;
    if (!send(kTriedGroup, data_port, kDataDatagram)) {
      facts_.data.problem = {Errc::io, "a datagram to " + facts_.data.group + " could not be sent by " + facts_.chosen + ": " + why_not()};
      return;
    }
    facts_.offloads_tried = true;
    if (!set(fd, IPPROTO_UDP, UDP_SEGMENT, static_cast<int>(kDataDatagram)) || !send(kTriedGroup, data_port, own.size())) facts_.segmentation = why_not();
    const UniqueFd other = udp_socket();
    if (!set(other, IPPROTO_UDP, UDP_GRO, 1)) facts_.coalescing = why_not();
  }

  void memberships() {
    const Igmp igmp = read_igmp();
    const auto listed = [&](const std::string& group) {
      const auto [from, to] = igmp.groups.equal_range(facts_.chosen);
      return std::any_of(from, to, [&](const auto& each) { return each.second == group; });
    };
    facts_.announcements.joined = listed(facts_.announcements.group);
    facts_.data.joined = listed(facts_.data.group);
  }

  void listen(const UniqueFd& announcements, const UniqueFd& data) {
    const TimePoint begin = std::chrono::steady_clock::now();
    const auto missing = [&] { return (announcements && !facts_.announcements.heard) || (data && !facts_.data.heard); };
    while (true) {
      const Duration passed = std::chrono::steady_clock::now() - begin;
      const bool waits = missing() && passed < kOwnWait;
      if (!waits && (passed >= wish_.listen || !announcements)) break;
      pollfd watched[2] = {{announcements.get(), POLLIN, 0}, {data.get(), POLLIN, 0}};
      if (::poll(watched, 2, 50) < 0 && errno != EINTR) break;
      while (announcements && take(announcements, facts_.announcements)) {}
      while (data && take(data, facts_.data)) {}
    }
    facts_.listened = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  bool take(const UniqueFd& fd, DoctorGroup& group) {
    std::uint8_t bytes[2048];
    alignas(cmsghdr) char extras[CMSG_SPACE(sizeof(in_pktinfo))];
    iovec part{bytes, sizeof bytes};
    sockaddr_in from{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = extras;
    message.msg_controllen = sizeof extras;
    const ssize_t length = ::recvmsg(fd.get(), &message, 0);
    if (length < 0) return false;
    int interface = 0;
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
      if (each->cmsg_level != IPPROTO_IP || each->cmsg_type != IP_PKTINFO) continue;
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      interface = info.ipi_ifindex;
    }
    const BytesView datagram(bytes, static_cast<std::size_t>(length));
    if (datagram.size() > nonce_.size() && datagram[0] == kNoMessage && std::equal(nonce_.begin(), nonce_.end(), datagram.begin() + 1)) group.heard = true;
    else announced(datagram, text_of(from.sin_addr), interface);
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
  std::array<std::uint8_t, 16> nonce_{};
};

}  // namespace

DoctorFacts look_at_network(const DoctorWish& wish) { return NetworkLook(wish).look(); }

}  // namespace ghost::ardus
