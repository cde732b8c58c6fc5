#include "net/sim_datagram.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace ghost::net::sim {

namespace {
constexpr std::size_t kLongest = 65'507;  // UDP's length field, less the headers of UDP and IPv4

std::string name_of(std::uint32_t interface) {
  if (interface == kLoopback) return "lo";
  if (interface == 0 || interface == kSim) return "sim0";
  return "interface " + std::to_string(interface);
}
}  // namespace

DatagramEnd::DatagramEnd(World& world, Host& host, const DatagramOptions& options)
    : world_(world),
      host_(host),
      address_(options.local),
      id_(world.datagram_ends.add(this)),
      share_port_(options.share_port),
      share_with_own_(options.share_with_own),
      receive_buffer_(options.receive_buffer == 0 ? kReceiveBuffer : options.receive_buffer),
      max_datagram_(std::max<std::size_t>(options.max_datagram, 1)) {}

DatagramEnd::~DatagramEnd() {
  if (!open()) return;
  die();
}

void DatagramEnd::die() {
  for (std::size_t i = handed_out_; i < waiting_.size(); ++i) world_.packets.release(waiting_[i]);
  waiting_.clear();
  handed_out_ = 0;
  for (const Joined& joined : joined_) world_.groups.leave(joined.group, joined.membership);
  joined_.clear();
  host_.closed(*this);
  world_.datagram_ends.remove(id_);
}

void DatagramEnd::on_datagrams(std::function<void(std::span<const Datagram>)> handler) {
  handler_ = std::move(handler);
  handler_changed_ = true;
  if (!open() || !handler_ || ready_ || waiting_.empty()) return;
  ready_ = true;
  world_.ready(id_);
}

std::size_t DatagramEnd::send(std::span<const Datagram> batch) {
  if (!open()) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(batch, [this](const Datagram& each) { return send_one(each); }));
}

/// Links have room for all; what they lose is gone.
std::size_t DatagramEnd::send_until_full(std::span<const Datagram> batch) {
  send(batch);
  return batch.size();
}

bool DatagramEnd::send_one(const Datagram& datagram) {
  const Address& to = datagram.to;
  if (to.family() != address_.family() || to.port() == 0 || datagram.bytes.size() > kLongest) return false;
  if (datagram.interface > kSim) return false;
  ++world_.counters.datagrams_sent;
  const Address from = address_.is_any() || address_.is_multicast() ? host_.source_for(to).with_port(address_.port()) : address_;
  if (to.is_multicast()) {
    send_multicast(from, datagram);
  } else {
    send_unicast(from, datagram);
  }
  return true;
}

void DatagramEnd::send_unicast(const Address& from, const Datagram& datagram) {
  Host* to = host_.target(datagram.to);
  if (!to) {
    ++world_.counters.datagrams_lost;
    return;
  }
  const std::uint32_t packet =
      world_.packets.make(host_.index(), {from, datagram.to, datagram.bytes, to == &host_ ? kLoopback : kSim});
  copy_along(world_.links.between(host_.index(), to->index()), to->index(), EventKind::unicast, {to->index(), 0},
             packet);
  world_.packets.release(packet);
}

void DatagramEnd::send_multicast(const Address& from, const Datagram& datagram) {
  std::uint32_t interface = datagram.interface != 0 ? datagram.interface : multicast_interface_;
  if (interface == 0) interface = address_.is_loopback() ? kLoopback : kSim;
  const std::uint32_t packet = world_.packets.make(host_.index(), {from, datagram.to, datagram.bytes, interface});
  const Origin origin{host_.index(), without_port(from), interface};
  for (const auto& way : world_.groups.ways(without_port(datagram.to), datagram.to.port(), origin, world_.links)) {
    const bool inside = way.host == host_.index();
    if (inside ? !hears_itself_ : hops_ < 1) continue;
    copy_along(*way.link, way.host, EventKind::multicast, way.socket, packet);
  }
  world_.packets.release(packet);
}

void DatagramEnd::copy_along(Link& link, HostIndex to, EventKind kind, Id id, std::uint32_t packet) {
  Link::Arrivals arrivals;
  if (!world_.links.is_cut(host_.index(), to)) {
    arrivals = link.datagram(world_.now(), world_.packets[packet].payload.size(), world_.random);
  }
  if (arrivals.count == 0) ++world_.counters.datagrams_lost;
  for (int i = 0; i < arrivals.count; ++i) {
    if (arrivals.at[i] == TimePoint::max()) continue;
    world_.packets.use(packet);
    world_.schedule(arrivals.at[i], kind, id, packet);
  }
}

void DatagramEnd::drop(std::uint32_t packet) {
  ++world_.counters.datagrams_lost;
  world_.packets.release(packet);
}

void DatagramEnd::receive_multicast(std::uint32_t index) {
  const Packet& packet = world_.packets[index];
  if (world_.links.is_cut(packet.sender, host_.index())) return drop(index);
  if (left_) {
    const Origin origin{packet.sender, without_port(packet.datagram.from), packet.datagram.interface};
    if (!world_.groups.joined(without_port(packet.datagram.to), id_, origin)) return drop(index);
  }
  receive(index);
}

void DatagramEnd::receive(std::uint32_t index) {
  const std::size_t size = world_.packets[index].payload.size();
  if (size > max_datagram_) {
    ++truncated_;
    return drop(index);
  }
  if (waiting_bytes_ + size > receive_buffer_ && !waiting_.empty()) return drop(index);
  waiting_.push_back(index);
  waiting_bytes_ += size;
  if (ready_ || !handler_) return;
  ready_ = true;
  world_.ready(id_);
}

void DatagramEnd::hand_out() {
  ready_ = false;
  if (!handler_ || waiting_.empty()) return;
  World& world = world_;
  const Id id = id_;
  std::array<std::uint32_t, kMostAtOnce> packets;
  const std::size_t count = std::min(kMostAtOnce, waiting_.size() - handed_out_);
  std::copy_n(waiting_.begin() + static_cast<std::ptrdiff_t>(handed_out_), count, packets.begin());
  handed_out_ += count;
  for (std::size_t i = 0; i < count; ++i) waiting_bytes_ -= world.packets[packets[i]].payload.size();
  if (handed_out_ == waiting_.size()) {
    waiting_.clear();
    handed_out_ = 0;
  } else {
    ready_ = true;
    world.ready(id);
  }

  auto handler = std::move(handler_);  // which may destroy this socket
  handler_changed_ = false;
  world.counters.datagrams_delivered += count;
  if (count == 1) {
    handler({&world.packets[packets[0]].datagram, 1});
  } else {
    std::array<Datagram, kMostAtOnce>& batch = world.batch;
    for (std::size_t i = 0; i < count; ++i) batch[i] = world.packets[packets[i]].datagram;
    handler({batch.data(), count});
  }
  for (std::size_t i = 0; i < count; ++i) world.packets.release(packets[i]);
  if (world.datagram_ends.find(id) && !handler_changed_) handler_ = std::move(handler);
}

Result<DatagramEnd::Joined> DatagramEnd::membership(std::string_view what, const Address& group,
                                                    std::uint32_t interface,
                                                    const std::optional<Address>& source) const {
  const std::string subject = group.host() + (source ? " from " + source->host() : "") + " on " + name_of(interface);
  if (!open()) return errno_error(ENETDOWN, what, subject);
  if (!group.is_multicast() || group.family() != address_.family() || (source && source->family() != group.family())) {
    return Error{Errc::malformed, std::string(what) + " " + subject + ": expected a multicast group" +
                                      (source ? " and a source" : "") +
                                      (address_.family() == Address::Family::ip6 ? " of IPv6" : " of IPv4")};
  }
  if (interface > kSim) return errno_error(ENODEV, what, subject);
  const bool elsewhere = !address_.is_any() && without_port(address_) != without_port(group);
  Joined joined{without_port(group), {id_, host_.index(), address_.port(), interface == 0 ? kSim : interface, {}}};
  if (source) joined.membership.source = without_port(*source);
  if (elsewhere) joined.membership.port = 0;  // joined, but bound to an address that no multicast is sent to
  return joined;
}

Status DatagramEnd::join(const Address& group, std::uint32_t interface, const std::optional<Address>& source) {
  auto joined = membership("join", group, interface, source);
  if (!joined) return joined.error();
  if (!world_.groups.join(joined->group, joined->membership)) {
    return errno_error(EADDRINUSE, "join", group.host() + " on " + name_of(interface));
  }
  joined_.push_back(std::move(*joined));
  return {};
}

Status DatagramEnd::leave(const Address& group, std::uint32_t interface, const std::optional<Address>& source) {
  auto joined = membership("leave", group, interface, source);
  if (!joined) return joined.error();
  if (!world_.groups.leave(joined->group, joined->membership)) {
    return errno_error(EADDRNOTAVAIL, "leave", group.host() + " on " + name_of(interface));
  }
  std::erase_if(joined_,
                [&](const Joined& j) { return j.group == joined->group && j.membership == joined->membership; });
  left_ = true;
  return {};
}

Status DatagramEnd::set_multicast(std::uint32_t interface, int hops, bool loop) {
  const std::string subject = "multicast with " + std::to_string(hops) + " hops by " + name_of(interface);
  if (!open()) return errno_error(ENETDOWN, "send", subject);
  if (hops < 0 || hops > 255) return errno_error(EINVAL, "send", subject);
  if (interface > kSim) return errno_error(ENODEV, "send", subject);
  multicast_interface_ = interface;
  hops_ = hops;
  hears_itself_ = loop;
  return {};
}

}  // namespace ghost::net::sim
