#include "net/sim_host.h"

#include <algorithm>
#include <cerrno>

#include "net/sim_connect.h"
#include "net/sim_datagram.h"

namespace ghost::net::sim {

namespace {
constexpr std::uint16_t kFirstPort = 32'768;  // Linux' net.ipv4.ip_local_port_range
constexpr std::uint16_t kLastPort = 60'999;

/// Whether sockets bound to the two could be meant by the same packet.
bool overlap(const Address& a, const Address& b) {
  if (a.family() != b.family()) return false;
  if (!a.is_ip()) return a.path() == b.path();
  return a.port() == b.port() && (a.is_any() || b.is_any() || a.ip() == b.ip());
}

bool is_bound_to(const Address& bound, const Address& to) {
  if (bound.family() != to.family()) return false;
  if (!bound.is_ip()) return bound.path() == to.path();
  return bound.port() == to.port() && (bound.is_any() || bound.ip() == to.ip());
}

constexpr std::array<std::uint8_t, 16> kLoopback6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}  // namespace

bool Host::is_own(const Address& at) const {
  return at.is_any() || at.is_loopback() || without_port(at) == address_;
}

Status Host::may_bind(std::string_view what, const Address& at) const {
  if (!alive()) return errno_error(ENETDOWN, what, at.text());
  if (at.is_ip() && !is_own(at) && !at.is_multicast()) return errno_error(EADDRNOTAVAIL, what, at.text());
  return {};
}

Address Host::source_for(const Address& to) const {
  const bool inside = to.is_loopback() || to.is_any() || (address_.family() != to.family() && !to.is_multicast());
  if (!inside && to.family() == address_.family()) return address_;
  return to.family() == Address::Family::ip6 ? Address::ip6(kLoopback6, 0) : Address::loopback(0);
}

Host* Host::target(const Address& to) {
  if (to.is_loopback() || to.is_any()) return this;
  return to.is_ip() ? world_.find_host(to) : nullptr;
}

std::uint16_t Host::next_port() {
  last_port_ =
      last_port_ < kFirstPort || last_port_ == kLastPort ? kFirstPort : static_cast<std::uint16_t>(last_port_ + 1);
  return last_port_;
}

Result<std::unique_ptr<Listener>> Host::listen(const Address& at, OnAccept on_accept) {
  if (at.family() == Address::Family::none || at.is_multicast()) {
    return Error{Errc::malformed, "listen on \"" + at.text() + "\": expected an IP address and a port, or unix:/path"};
  }
  if (auto may = may_bind("listen on", at); !may) return may.error();
  Address bound = at;
  const auto taken = [&] {
    return std::ranges::any_of(listening_, [&](const StreamListener* each) { return overlap(each->address(), bound); });
  };
  for (int tries = 0; at.is_ip() && at.port() == 0 && (tries == 0 || (taken() && tries < kLastPort - kFirstPort));
       ++tries) {
    bound = at.with_port(next_port());
  }
  if (taken()) return errno_error(EADDRINUSE, "listen on", at.text());
  auto listener = std::make_unique<StreamListener>(world_, *this, bound, std::move(on_accept));
  listening_.push_back(listener.get());
  return listener;
}

StreamListener* Host::find_listener(const Address& at) {
  const auto found = std::ranges::find_if(listening_, [&](const StreamListener* each) {
    return is_bound_to(each->address(), at) || (at.is_any() && overlap(each->address(), at));
  });
  return found == listening_.end() ? nullptr : *found;
}

std::unique_ptr<Connecting> Host::connect(const Address& to, Duration timeout, OnConnect done) {
  return std::make_unique<Attempt>(world_, *this, to, timeout, std::move(done));
}

Result<std::unique_ptr<DatagramSocket>> Host::open_datagram(const DatagramOptions& options) {
  const Address& at = options.local;
  constexpr std::string_view what = "open a UDP socket on";
  if (!at.is_ip()) {
    return Error{Errc::malformed,
                 std::string(what) + " \"" + at.text() + "\": datagrams need an IP address and a port"};
  }
  if (auto may = may_bind(what, at); !may) return may.error();
  DatagramOptions bound = options;
  const auto taken = [&] {
    return std::ranges::any_of(sockets_, [&](const DatagramEnd* each) {
      return overlap(each->address(), bound.local) && !each->shares_port_with(bound);
    });
  };
  for (int tries = 0; at.port() == 0 && (tries == 0 || (taken() && tries < kLastPort - kFirstPort)); ++tries) {
    bound.local = at.with_port(next_port());
  }
  if (taken()) return errno_error(EADDRINUSE, what, at.text());
  auto socket = std::make_unique<DatagramEnd>(world_, *this, bound);
  sockets_.push_back(socket.get());
  return socket;
}

DatagramEnd* Host::find_socket(const Address& to) {
  DatagramEnd* best = nullptr;
  for (DatagramEnd* socket : sockets_) {
    if (!is_bound_to(socket->address(), to) && !to.is_any()) continue;
    if (to.is_any() && !overlap(socket->address(), to)) continue;
    if (!best || best->address().is_any() || !socket->address().is_any()) best = socket;  // of equals the last opened
  }
  return best;
}

void Host::receive(std::uint32_t packet) {
  const Packet& content = world_.packets[packet];
  DatagramEnd* socket = nullptr;
  if (alive() && !world_.links.is_cut(content.sender, index_)) socket = find_socket(content.datagram.to);
  if (socket) return socket->receive(packet);
  ++world_.counters.datagrams_lost;
  world_.packets.release(packet);
}

Result<std::vector<NetworkInterface>> Host::interfaces() {
  if (!alive()) return errno_error(ENETDOWN, "list", "the network interfaces");
  return std::vector<NetworkInterface>{
      {kLoopback, "lo", true, true, true, {Address::loopback(0), Address::ip6(kLoopback6, 0)}},
      {kSim, "sim0", true, false, true, {address_}},
  };
}

}  // namespace ghost::net::sim
