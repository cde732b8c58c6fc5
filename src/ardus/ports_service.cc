#include "ardus/ports_service.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/unique_fd.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kReceiveBuffer = 32 * 1024 * 1024;
constexpr std::size_t kEnoughBuffer = 4 * 1024 * 1024;
constexpr int kHops = 16;
constexpr Duration kQuiet = std::chrono::seconds(4);       ///< without an announcement: two packets are sent for it …
constexpr Duration kLongQuiet = std::chrono::seconds(30);  ///< … and again after twice as long, up to this
constexpr std::uint64_t kLoopbackSpeed = 10'000'000'000;  ///< bit/s: no limit in practice

/// The address this machine would send multicast from; nothing without a route. No packet is sent for it.
std::optional<net::Address> routed_address() {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kControlPort);
  ::inet_pton(AF_INET, "239.255.11.17", &to.sin_addr);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return std::nullopt;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) return std::nullopt;
  std::array<std::uint8_t, 4> ip;
  std::memcpy(ip.data(), &own.sin_addr, ip.size());
  return net::Address::ip4(ip, 0);
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

bool is_ip4(const net::Address& address) { return address.family() == net::Address::Family::ip4; }

}  // namespace

net::Address announcement_group() { return net::Address::ip4({239, 255, 11, 17}, kControlPort); }

net::Address data_group(std::uint32_t session) {
  return net::Address::ip4({239, 255, static_cast<std::uint8_t>(64 + (session >> 8 & 0x3f)), static_cast<std::uint8_t>(session)}, kDataPort);
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

WireAddress to_wire(const net::Address& address) {
  WireAddress wire;
  wire.family = is_ip4(address) ? 4 : 6;
  std::copy_n(address.ip().begin(), is_ip4(address) ? 4 : 16, wire.bytes.begin());
  return wire;
}

std::optional<net::Address> from_wire(const WireAddress& address, std::uint16_t port) {
  if (address.family != 4) return std::nullopt;
  return net::Address::ip4({address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]}, port);
}

namespace {

/// Who of a socket wants a group, on one interface.
struct Members {
  int anybody = 0;                      ///< want it from any source, or hear it so since others do
  std::map<net::Address, int> sources;  ///< want it from that one; empty where anybody's is taken
};

}  // namespace

/// A socket and those who listen to it.
class Ports::Shared {
 public:
  Shared(std::unique_ptr<net::DatagramSocket> opened, std::string told_purpose) : socket(std::move(opened)), purpose(std::move(told_purpose)) {}

  void hear(std::span<const net::Datagram> batch) {
    heard = true;
    // A handler may end itself, or another, by what it hears.
    const auto all = handlers;
    for (const auto& handler : all) {
      if (const auto alive = handler.lock()) (*alive)(batch);
    }
    std::erase_if(handlers, [](const auto& handler) { return handler.expired(); });
  }

  void leave(const std::pair<net::Address, std::uint32_t>& key, const std::optional<net::Address>& source) {
    const auto found = members.find(key);
    if (found == members.end()) return;
    Members& of = found->second;
    const auto one = source ? of.sources.find(*source) : of.sources.end();
    if (one != of.sources.end()) {
      if (--one->second == 0) {
        (void)socket->leave(key.first, key.second, source);
        of.sources.erase(one);
      }
    } else if (of.anybody > 0 && --of.anybody == 0) {
      (void)socket->leave(key.first, key.second);
    }
    if (of.anybody == 0 && of.sources.empty()) members.erase(found);
  }

  std::unique_ptr<net::DatagramSocket> socket;
  std::string purpose;
  std::vector<std::weak_ptr<Handler>> handlers;
  std::map<std::pair<net::Address, std::uint32_t>, Members> members;  ///< by group and interface
  bool heard = true;   ///< since `again` rang last
  Duration quiet = kQuiet;
  net::Timer again;
};

Ports::Ports(net::Network& network, const Logger& log, std::function<std::vector<net::Address>()> listening, HolderOf holder)
    : network_(network), log_(log), listening_(std::move(listening)), holder_(std::move(holder)) {}
Ports::~Ports() = default;

net::DatagramSocket& Ports::Listening::socket() const { return *shared_->socket; }

Result<Way> Ports::way(const std::string& name) const {
  const auto all = network_.interfaces();
  if (!all) return all.error();
  const auto routed = name.empty() ? routed_address() : std::nullopt;
  std::string known;
  for (const net::NetworkInterface& one : *all) {
    known += (known.empty() ? "" : ", ") + one.name;
    const bool wanted = !name.empty() ? one.name == name
                        : routed      ? std::ranges::any_of(one.addresses, [&](const net::Address& a) { return a.with_port(0) == *routed; })
                                      : one.loopback;
    if (!wanted) continue;
    if (!one.up) return Error{Errc::busy, "interface " + one.name + " is down; 'ip link set " + one.name + " up' mends that"};
    Way way{one.index, one.name, {}, one.loopback ? kLoopbackSpeed : told_speed(one.name)};
    for (const net::Address& at : listening_()) {
      if (!is_ip4(at) || at.is_any()) continue;
      const bool here = one.loopback ? at.is_loopback() : std::ranges::count(one.addresses, at.with_port(0)) > 0;
      if (here && way.address.family() == net::Address::Family::none) way.address = at.with_port(0);
    }
    for (const net::Address& address : one.addresses) {
      if (is_ip4(address) && way.address.family() == net::Address::Family::none) way.address = address.with_port(0);
    }
    if (way.address.family() == net::Address::Family::none) return Error{Errc::conflict, "interface " + one.name + " has no IPv4 address"};
    return way;
  }
  return Error{Errc::not_found, "there is no interface '" + name + "' here; there are " + known};
}

/// Asked by binding a socket: lists of interfaces wait for whoever changes any, which on a machine with many containers may take seconds.
bool Ports::is_here(const Way& way) const {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  std::copy_n(way.address.ip().begin(), sizeof own.sin_addr, reinterpret_cast<std::uint8_t*>(&own.sin_addr));
  return !fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0 || errno != EADDRNOTAVAIL;
}

Error Ports::told_holder(Error error, std::string_view transport, std::uint16_t port) const {
  if (error.code != Errc::busy) return error;
  const std::string holder = holder_ ? holder_(transport, port) : std::string();
  error.message += holder.empty() ? "; 'portlight why " + std::to_string(port) + "' tells who has it" : ": port " + std::to_string(port) + " is held by " + holder;
  return error;
}

Result<Ports::Listening> Ports::listen(const std::string& name, const net::DatagramOptions& options, std::string purpose, Handler handler) {
  auto shared = shared_[name].lock();
  if (!shared) {
    auto socket = network_.open_datagram(options);
    if (!socket) return told_holder(socket.error(), "udp", options.local.port());
    shared = std::make_shared<Shared>(std::move(*socket), std::move(purpose));
    shared->socket->on_datagrams([weak = std::weak_ptr(shared)](std::span<const net::Datagram> batch) {
      if (const auto alive = weak.lock()) alive->hear(batch);  // which the last handler may have closed meanwhile
    });
    shared_[name] = shared;
  }
  auto key = std::make_shared<Handler>(std::move(handler));
  shared->handlers.push_back(key);
  return Listening(std::move(shared), std::move(key));
}

Result<Ports::Listening> Ports::reports(const Way& way, Handler handler) {
  net::DatagramOptions options;
  options.local = way.address.with_port(kReportPort);
  options.max_datagram = kLongestDatagram;
  options.receive_buffer = kReceiveBuffer;
  auto listening = listen("reports " + options.local.text(), options, "reports", std::move(handler));
  if (!listening) return listening;
  if (Status set = listening->socket().set_multicast(way.interface, kHops, true); !set) return set.error();
  return listening;
}

Result<Ports::Listening> Ports::data(Handler handler) {
  net::DatagramOptions options;
  options.local = net::Address::ip4({0, 0, 0, 0}, kDataPort);
  options.coalesced = true;
  options.max_datagram = kLongestDatagram;
  options.share_port = true;
  options.receive_buffer = kReceiveBuffer;
  const bool first = shared_["data"].expired();
  auto listening = listen("data", options, "data (receive-only)", std::move(handler));
  if (listening && first && listening->socket().receive_buffer() < kEnoughBuffer) {
    log_.warning("ardus: the kernel grants a small receive buffer; bursts will be lost and sent again. 'sysctl -w net.core.rmem_max=33554432' mends that",
                 {{"bytes", listening->socket().receive_buffer()}});
  }
  return listening;
}

Result<Ports::Listening> Ports::announcements(const Way& way, Handler handler) {
  net::DatagramOptions options;
  options.local = announcement_group();
  options.share_port = true;
  auto listening = listen("announcements " + way.name, options, "announcements", std::move(handler));
  if (!listening) return listening;
  auto& members = listening->shared_->members;
  if (members.empty()) {
    if (Status joined = listening->socket().join(announcement_group(), way.interface); !joined) return joined.error();
    members[{announcement_group(), way.interface}].anybody = 1;
    keep_joined(listening->shared_, way.interface);
  }
  return listening;
}

/// A switch that snoops, and whose querier is away, forgets its members after minutes, and who waits for a first announcement could not
/// notice: where nothing was heard for a while the group is joined anew, which tells the switch.
void Ports::keep_joined(const std::weak_ptr<Shared>& weak, std::uint32_t interface) {
  const auto shared = weak.lock();
  if (!shared) return;
  shared->quiet = std::exchange(shared->heard, false) ? kQuiet : std::min(shared->quiet * 2, kLongQuiet);
  if (shared->quiet != kQuiet) {
    (void)shared->socket->leave(announcement_group(), interface);
    if (Status joined = shared->socket->join(announcement_group(), interface); !joined) {
      log_.warning("ardus: announcements are not heard", {{"why", joined.error().message}});
    }
  }
  net::Reactor& reactor = network_.reactor();
  shared->again = reactor.wake_at(reactor.now() + shared->quiet, [this, weak, interface](TimePoint) { keep_joined(weak, interface); });
}

/// The kernel has one filter for a group, an interface and a socket: sources, or none. Who wants one source only, and finds that anybody's is taken, counts
/// with those; who wants anybody's takes the sources' place.
Result<Ports::Membership> Ports::join(const Listening& listening, const net::Address& group, const Way& way, const std::optional<net::Address>& source) {
  const std::pair key(group, way.interface);
  net::DatagramSocket& socket = listening.socket();
  const auto found = listening.shared_->members.try_emplace(key).first;
  Members& members = found->second;
  const auto wanted = source && members.anybody == 0 ? std::optional(source->with_port(0)) : std::nullopt;
  const bool first = wanted ? !members.sources.contains(*wanted) : members.anybody == 0;
  if (first && !wanted) {
    for (const auto& [one, count] : members.sources) {
      (void)socket.leave(group, way.interface, one);
      members.anybody += count;
    }
    members.sources.clear();
  }
  if (first) {
    if (Status joined = socket.join(group, way.interface, wanted); !joined) {
      if (!wanted || members.sources.empty()) listening.shared_->members.erase(found);
      return joined.error();
    }
  }
  ++(wanted ? members.sources[*wanted] : members.anybody);
  Membership membership;
  membership.leave_ = [weak = std::weak_ptr<Shared>(listening.shared_), key, wanted] {
    if (const auto shared = weak.lock()) shared->leave(key, wanted);
  };
  return membership;
}

std::vector<v1::Socket> Ports::sockets() const {
  std::vector<v1::Socket> all;
  for (const auto& [name, weak] : shared_) {
    const auto shared = weak.lock();
    if (!shared) continue;
    v1::Socket socket;
    socket.transport = "udp";
    socket.address = shared->socket->address().text();
    socket.purpose = shared->purpose;
    all.push_back(std::move(socket));
  }
  return all;
}

}  // namespace ghost::ardus
