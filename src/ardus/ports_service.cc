#include "ardus/ports_service.h"

#include <algorithm>

namespace ghost::ardus {

namespace {

constexpr std::size_t kReceiveBuffer = 32 * 1024 * 1024;
constexpr std::size_t kEnoughBuffer = 4 * 1024 * 1024;
constexpr int kHops = 16;
constexpr Duration kQuiet = std::chrono::seconds(4);       ///< without an announcement: two packets are sent for it …
constexpr Duration kLongQuiet = std::chrono::seconds(30);  ///< … and again after twice as long, up to this
constexpr Duration kToldAgainPause = std::chrono::seconds(1);

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
  TimePoint told_again{};  ///< by join_again()
  net::Timer again;
};

Ports::Ports(net::Network& network, const Logger& log, std::function<std::vector<net::Address>()> listening, HolderOf holder)
    : network_(network), log_(log), listening_(std::move(listening)), holder_(std::move(holder)) {}
Ports::~Ports() = default;

net::DatagramSocket& Ports::Listening::socket() const { return *shared_->socket; }

std::optional<Way> Ports::again(const Way& way) const {
  const auto found = ways(way.name, way.family() == net::Address::Family::ip6 ? Ip::six : Ip::four);
  if (!found) return std::nullopt;
  return found->front();
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

Result<Ports::Listening> Ports::data(net::Address::Family family, Handler handler) {
  net::DatagramOptions options;
  options.local = family == net::Address::Family::ip6 ? net::Address::ip6({}, kDataPort) : net::Address::ip4({0, 0, 0, 0}, kDataPort);
  options.coalesced = true;
  options.max_datagram = kLongestDatagram;
  options.share_port = true;
  options.receive_buffer = kReceiveBuffer;
  const std::string name = "data " + options.local.host();
  const bool first = shared_[name].expired();
  auto listening = listen(name, options, "data (receive-only)", std::move(handler));
  if (listening && first && listening->socket().receive_buffer() < kEnoughBuffer) {
    log_.warning("ardus: the kernel grants a small receive buffer; bursts will be lost and sent again. 'sysctl -w net.core.rmem_max=33554432' mends that",
                 {{"bytes", listening->socket().receive_buffer()}});
  }
  return listening;
}

Result<Ports::Listening> Ports::announcements(const Way& way, Handler handler) {
  const net::Address group = announcement_group(way.family());
  net::DatagramOptions options;
  options.local = group;
  options.share_port = true;
  auto listening = listen("announcements " + group.host() + " " + way.name, options, "announcements", std::move(handler));
  if (!listening) return listening;
  auto& members = listening->shared_->members;
  if (members.empty()) {
    if (Status joined = listening->socket().join(group, way.interface); !joined) return joined.error();
    members[{group, way.interface}].anybody = 1;
    keep_joined(listening->shared_, group, way.interface);
  }
  return listening;
}

/// A switch that snoops, and whose querier is away, forgets its members after minutes, and who waits for a first announcement could not
/// notice: where nothing was heard for a while the group is joined anew, which tells the switch.
void Ports::keep_joined(const std::weak_ptr<Shared>& weak, const net::Address& group, std::uint32_t interface) {
  const auto shared = weak.lock();
  if (!shared) return;
  shared->quiet = std::exchange(shared->heard, false) ? kQuiet : std::min(shared->quiet * 2, kLongQuiet);
  if (shared->quiet != kQuiet) {
    (void)shared->socket->leave(group, interface);
    if (Status joined = shared->socket->join(group, interface); !joined) {
      log_.warning("ardus: announcements are not heard", {{"why", joined.error().message}});
    }
  }
  net::Reactor& reactor = network_.reactor();
  shared->again = reactor.wake_at(reactor.now() + shared->quiet, [this, weak, group, interface](TimePoint) { keep_joined(weak, group, interface); });
}

void Ports::join_again(const Listening& listening) {
  const TimePoint now = network_.reactor().now();
  if (now - listening.shared_->told_again < kToldAgainPause) return;
  listening.shared_->told_again = now;
  for (const auto& [key, of] : listening.shared_->members) {
    if (of.anybody == 0) continue;
    (void)listening.socket().leave(key.first, key.second);
    if (Status joined = listening.socket().join(key.first, key.second); !joined) log_.warning("ardus: announcements are not heard", {{"why", joined.error().message}});
  }
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
