#include "b2/discovery_service.h"

#include <algorithm>

#include "base/text.h"

namespace ghost::b2 {

namespace {

using std::chrono::milliseconds;

constexpr Duration kLookAtInterfaces = std::chrono::seconds(1);

std::uint64_t kernel_seed() {
  std::array<std::uint8_t, 8> bytes;
  random_bytes(bytes);
  return ByteReader(bytes).u64();
}

std::uint64_t system_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

std::uint64_t ms_between(TimePoint from, TimePoint to) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(to - from).count()));
}

void put(v1::FoundNode& node, const Announcement& about) {
  node.node_id = to_bytes(about.node.bytes);
  node.port = about.port;
  node.boot_epoch = about.epoch;
  node.services_hash = about.services;
  node.house_tag = about.house;
}

std::optional<Announcement> announcement_of(const v1::FoundNode& node) {
  const auto id = NodeId::from_bytes(node.node_id);
  if (!id || node.port == 0 || node.port > 0xffff) return std::nullopt;
  return Announcement{*id, static_cast<std::uint16_t>(node.port), node.boot_epoch, node.services_hash, node.house_tag};
}

v1::FoundState told_state(PeerState state) {
  switch (state) {
    case PeerState::heard: return v1::FoundState::heard;
    case PeerState::proven: return v1::FoundState::proven;
    case PeerState::unreachable: return v1::FoundState::unreachable;
    case PeerState::foreign: return v1::FoundState::foreign;
  }
  return v1::FoundState::unknown;
}

v1::FoundNode told_node(const Peer& peer, TimePoint now) {
  v1::FoundNode node;
  put(node, peer.about);
  node.state = told_state(peer.state);
  node.node_words = peer.key.node.words();
  node.name = peer.name;
  for (const PeerWay& way : peer.ways) node.addresses.push_back(way.address);
  for (const PeerService& service : peer.services) node.services.push_back({service.name, service.version, service.health});
  node.heard_ms_ago = ms_between(peer.heard, now);
  node.problem = peer.problem;
  node.clock_ahead_ms = peer.clock_ahead_ms;
  return node;
}

/// The port that others reach the node by: of the first address off loopback, or of any.
std::uint16_t announced_port(const std::vector<net::Address>& listening) {
  std::uint16_t port = 0;
  for (const net::Address& at : listening) {
    if (!at.is_ip()) continue;
    if (!at.is_loopback()) return at.port();
    port = at.port();
  }
  return port;
}

/// All that is announced is one port: addresses with another are not.
std::vector<net::Address> with_port_announced(std::vector<net::Address> listening) {
  const std::uint16_t port = announced_port(listening);
  std::erase_if(listening, [&](const net::Address& at) { return !at.is_ip() || at.port() != port; });
  return listening;
}

}  // namespace

Finder::Finder(Parts parts)
    : parts_(std::move(parts)),
      random_(parts_.random_seed != 0 ? parts_.random_seed : kernel_seed()),
      discovery_(parts_.rules, random_()),
      gossip_(parts_.seeds, random_),
      sockets_({parts_.network, with_port_announced(parts_.listening), parts_.loopback, parts_.port}, [this](const DiscoveryIn& in, BytesView bytes) {
        discovery_.on_datagram(in, bytes, now(), parts_.wall_ms());
        plan_turn();
      }) {
  if (!parts_.wall_ms) parts_.wall_ms = system_ms;
}

Finder::~Finder() = default;

std::optional<Announcement> Finder::self() const {
  const std::uint16_t port = announced_port(parts_.listening);
  if (port == 0 || parts_.house() == nullptr) return std::nullopt;
  return Announcement{parts_.endpoint.node, port, parts_.endpoint.boot_epoch, services_hash(parts_.endpoint.services.entries()), house_tag(parts_.endpoint.house_id)};
}

void Finder::start() {
  running_ = true;
  turn();
}

void Finder::leave() {
  if (!std::exchange(running_, false)) return;
  discovery_.leave(now());
  send();
  fall_silent();
}

void Finder::fall_silent() {
  running_ = false;
  dials_.clear();
  timer_.reset();
}

void Finder::self_changed() {
  if (running_) plan_turn();
}

void Finder::check_all() {
  discovery_.peers().check_all(now());
  plan_turn();
}

void Finder::ask() {
  discovery_.ask(now());
  plan_turn();
}

/// Once a turn of the reactor, however much happens in it.
void Finder::plan_turn() {
  if (!running_ || std::exchange(turn_planned_, true)) return;
  parts_.network.reactor().at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    turn_planned_ = false;
    if (running_) turn();
  });
}

void Finder::turn() {
  const TimePoint now = this->now();
  if (refresh_at_ <= now) refresh(now);
  if (const HouseTrust* const house = parts_.house()) {
    const NodeId id = house->id();
    discovery_.peers().set_house(house_tag(id.bytes), now);
  }
  discovery_.set_self(self(), now);
  discovery_.on_time(now);
  send();
  start_dials(now);
  start_gossip(now);
  tell_changes();
  const TimePoint next = std::min(discovery_.next_wakeup(), parts_.house() != nullptr ? gossip_.next_wakeup() : TimePoint::max());
  timer_ = parts_.network.reactor().wake_at(std::min(refresh_at_, next), [this](TimePoint) { turn(); });
}

void Finder::refresh(TimePoint now) {
  refresh_at_ = now + kLookAtInterfaces;
  const std::vector<std::uint32_t> changed = sockets_.refresh();
  discovery_.set_links(sockets_.links(), now);
  for (const std::uint32_t interface : changed) discovery_.repeat(interface, now);
  for (const DiscoverySockets::State& state : sockets_.states()) {
    std::string problem = state.ip4.problem.message;
    if (!state.ip6.problem.message.empty()) problem += (problem.empty() ? "" : "; ") + state.ip6.problem.message;
    std::string& told = told_problems_[state.interface.index];
    if (problem != told && !problem.empty()) parts_.log.warning("b2: no beacons", {{"on", state.interface.name}, {"why", problem}});
    told = problem;
  }
}

void Finder::send() {
  for (const DiscoveryOut& out : discovery_.take_outgoing(parts_.wall_ms())) {
    // An address that is still being checked for duplicates can't be sent from yet.
    if (!sockets_.send(out) && out.alone.empty()) discovery_.repeat(out.interface, now());
  }
}

void Finder::dial(const std::string& address, const NodeId& expected, std::optional<v1::ExchangeRequest> request, std::function<void(Result<PeerDial::Found>)> then) {
  const HouseTrust* const house = parts_.house();
  const auto tls = parts_.tls ? parts_.tls() : nullptr;
  const auto slot = dials_.insert(dials_.end(), nullptr);
  const auto done = [this, slot, then = std::move(then)](Result<PeerDial::Found> found) {
    const std::unique_ptr<PeerDial> ended = std::move(*slot);
    dials_.erase(slot);
    then(std::move(found));
    plan_turn();
  };
  if (house == nullptr || !tls) {
    return parts_.network.reactor().post([done, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) done(Error{Errc::unauthenticated, "this node is in no house"});
    });
  }
  *slot = std::make_unique<PeerDial>(PeerDial::Parts{parts_.network, parts_.endpoint, tls, *house}, address, expected, std::move(request), done);
}

void Finder::start_dials(TimePoint now) {
  for (const PeerTable::Dial& wanted : discovery_.peers().take_dials(now)) {
    dial(wanted.address, wanted.key.node, {}, [this, wanted](Result<PeerDial::Found> found) {
      if (!found) discovery_.peers().dialled(wanted, found.error(), this->now());
      else discovery_.peers().dialled(wanted, std::move(found->proof), this->now());
    });
  }
}

void Finder::start_gossip(TimePoint now) {
  if (parts_.house() == nullptr) return;
  for (const std::string& partner : gossip_.take(discovery_.peers(), now)) {
    if (net::Address::parse(partner) || !parts_.resolve) {
      gossip_with(partner, partner);
      continue;
    }
    parts_.resolve(partner, [this, partner, alive = std::weak_ptr<char>(alive_)](Result<net::Address> address) {
      if (alive.expired() || !running_) return;
      if (address) return gossip_with(partner, address->text());
      parts_.log.debug("b2: no peers from", {{"at", partner}, {"why", address.error()}});
      gossip_.answered(partner, false, this->now());
      plan_turn();
    });
  }
}

void Finder::gossip_with(const std::string& partner, const std::string& address) {
  dial(address, {}, exchange_request(now()), [this, partner, address](Result<PeerDial::Found> found) {
    gossip_.answered(partner, found.has_value(), now());
    if (!found) return parts_.log.debug("b2: no peers from", {{"at", address}, {"why", found.error()}});
    if (found->about.node == parts_.endpoint.node) return;  // this node is its own seed
    discovery_.peers().proven(found->about, address, std::move(found->proof), now());
    if (found->told) learn(found->told->known, now());
  });
}

v1::ExchangeRequest Finder::exchange_request(TimePoint now) {
  v1::ExchangeRequest request;
  if (const auto about = self()) put(request.self.emplace(), *about);
  request.known = hints_for({}, now);
  return request;
}

std::vector<v1::FoundNode> Finder::hints_for(const NodeId& who, TimePoint now) {
  std::vector<v1::FoundNode> known;
  for (PeerHint& hint : discovery_.peers().hints(GossipPlan::kMostHints, who, now)) {
    v1::FoundNode node;
    put(node, hint.about);
    node.addresses = std::move(hint.addresses);
    node.heard_ms_ago = static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(hint.age).count());
    known.push_back(std::move(node));
  }
  return known;
}

void Finder::learn(const std::vector<v1::FoundNode>& known, TimePoint now) {
  for (std::size_t i = 0; i < std::min(known.size(), GossipPlan::kMostHints); ++i) {
    const auto about = announcement_of(known[i]);
    if (!about || about->node == parts_.endpoint.node) continue;
    PeerHint hint{*about, {}, std::min<Duration>(milliseconds(std::min<std::uint64_t>(known[i].heard_ms_ago, 86'400'000)), std::chrono::hours(24))};
    for (const std::string& address : known[i].addresses) {
      const auto parsed = net::Address::parse(address);
      if (parsed && parsed->is_ip() && !parsed->is_multicast() && !parsed->is_any() && !parsed->is_loopback() && hint.addresses.size() < 4) hint.addresses.push_back(parsed->text());
    }
    if (!hint.addresses.empty()) discovery_.peers().told(hint, now);
  }
}

Result<v1::ExchangeResponse> Finder::exchange(const v1::ExchangeRequest& request, const CallContext& context) {
  const TimePoint now = this->now();
  if (request.self && !context.caller->node.is_none()) {
    const auto about = announcement_of(*request.self);
    const auto from = net::Address::parse(context.caller->where, 1);
    // Only of itself, and only where it called from, which is proven.
    if (about && about->node == context.caller->node && from && from->is_ip()) {
      discovery_.peers().told({*about, {from->with_port(about->port).text()}, Duration::zero()}, now);
    }
  }
  learn(request.known, now);
  v1::ExchangeResponse response;
  if (const auto about = self()) put(response.self.emplace(), *about);
  response.known = hints_for(context.caller->node, now);
  plan_turn();
  return response;
}

Result<v1::FoundResponse> Finder::found(const v1::FoundRequest&, const CallContext&) { return found_now(); }

v1::FoundResponse Finder::found_now() const {
  v1::FoundResponse response;
  const TimePoint now = this->now();
  for (const auto& [key, peer] : discovery_.peers().all()) response.nodes.push_back(told_node(peer, now));
  for (const DiscoverySockets::State& state : sockets_.states()) {
    v1::FoundLink link;
    link.interface = state.interface.name;
    link.ip4 = state.ip4.works;
    link.ip6 = state.ip6.works;
    link.problem = state.ip4.problem.message.empty() ? state.ip6.problem.message : state.ip4.problem.message;
    if (const auto* const counters = discovery_.link(state.interface.index)) {
      link.sent = counters->sent;
      link.heard = counters->heard;
      if (counters->own_ip4) link.own_ip4_ms_ago = ms_between(*counters->own_ip4, now) + 1;
      if (counters->own_ip6) link.own_ip6_ms_ago = ms_between(*counters->own_ip6, now) + 1;
    }
    response.links.push_back(std::move(link));
  }
  return response;
}

/// Who came and who went, to the log.
void Finder::tell_changes() {
  if (discovery_.counters().doubles != 0 && told_doubles_ == 0) {
    parts_.log.warning("b2: another machine announces this node's id: its state was copied; give one of them a state of its own", {{"at", discovery_.double_at()}});
  }
  told_doubles_ = discovery_.counters().doubles;
  if (discovery_.peers().version() == told_version_) return;
  told_version_ = discovery_.peers().version();
  std::set<PeerKey> proven;
  for (const auto& [key, peer] : discovery_.peers().all()) {
    if (peer.state != PeerState::proven) continue;
    proven.insert(key);
    if (!proven_.contains(key)) parts_.log.info("b2: node found", {{"name", printable(peer.name)}, {"node", key.node.words()}, {"at", peer.ways.empty() ? "" : peer.ways.front().address}});
  }
  for (const PeerKey& key : proven_) {
    if (!proven.contains(key)) parts_.log.info("b2: node gone", {{"node", key.node.words()}, {"port", key.port}});
  }
  proven_ = std::move(proven);
  if (on_change) on_change();
}

}  // namespace ghost::b2
