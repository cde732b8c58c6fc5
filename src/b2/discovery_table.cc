#include "b2/discovery_table.h"

#include <algorithm>

namespace ghost::b2 {

namespace {

using std::chrono::milliseconds;

/// A dial that decides whether a peer goes has so long to come to its turn.
constexpr Duration kLastChance = std::chrono::seconds(20);
/// After a goodbye: the node has stopped to listen by then.
constexpr Duration kAfterBye = milliseconds(300);
constexpr Duration kStale = std::chrono::seconds(30);
constexpr Duration kDialsLookAgain = milliseconds(50);

bool means_something_elsewhere(const std::string& address) { return address.find('%') == std::string::npos && !address.starts_with("127."); }

}  // namespace

std::string_view name(PeerState state) {
  switch (state) {
    case PeerState::heard: return "heard";
    case PeerState::proven: return "proven";
    case PeerState::unreachable: return "unreachable";
    case PeerState::foreign: return "foreign";
  }
  return "";
}

void PeerTable::set_house(std::uint64_t house, TimePoint now) {
  if (house == house_) return;
  house_ = house;
  for (auto& [key, peer] : peers_) {
    set_state(peer, PeerState::foreign);
    take_announcement(peer, peer.about, now);
  }
}

const Peer* PeerTable::find(const PeerKey& key) const {
  const auto found = peers_.find(key);
  return found == peers_.end() ? nullptr : &found->second;
}

std::size_t PeerTable::heard_on(std::uint32_t interface) const {
  const auto found = on_link_.find(interface);
  return found == on_link_.end() ? 0 : found->second;
}

const Peer* PeerTable::heard(const DiscoveryMessage& beacon, const PeerWay& way, TimePoint now, std::uint64_t wall_ms) {
  Peer* const peer = find_or_add({beacon.about.node, beacon.about.port});
  if (peer == nullptr) return nullptr;
  note_way(*peer, way);
  peer->heard = now;
  if (beacon.time_ms != 0) peer->clock_ahead_ms = static_cast<std::int64_t>(beacon.time_ms - wall_ms);
  plan_end(*peer, now + std::min<Duration>(milliseconds(beacon.hold_ms), rules_.longest_hold));
  take_announcement(*peer, beacon.about, now);
  return peer;
}

/// Plans a dial where it would bring something.
void PeerTable::take_announcement(Peer& peer, const Announcement& about, TimePoint now) {
  peer.about = about;
  // One that is proven stays so whatever a beacon says; it is asked.
  if ((house_ == 0 || about.house != house_) && peer.state != PeerState::proven) return set_state(peer, PeerState::foreign);
  if (peer.state == PeerState::foreign) set_state(peer, PeerState::heard);
  const bool known = peer.state == PeerState::proven && about.services == peer.services_read && about.epoch == peer.epoch_read;
  if (!known) plan_dial(peer, now);
}

/// The sooner it is, the more nodes would do the same in one instant; and a stranger's beacons must not make us dial without end.
void PeerTable::plan_dial(Peer& peer, TimePoint now) {
  if (peer.dialling || peer.dial_at != TimePoint::max()) return;
  const double spread = random_.unit() * static_cast<double>(peers_.size()) / rules_.spread;
  const TimePoint soonest = now + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(spread));
  peer.dial_at = std::max(soonest, peer.dialled_at + back_off(peer));
  plan(peer);
}

Duration PeerTable::back_off(const Peer& peer) const {
  if (peer.tries == 0) return Duration::zero();
  return std::min(rules_.longest_retry, rules_.first_retry * (std::int64_t{1} << std::min(peer.tries - 1, 20u)));
}

void PeerTable::plan_end(Peer& peer, TimePoint until) {
  peer.until = until;
  plan(peer);
}

/// At least until then.
void PeerTable::hold_until(Peer& peer, TimePoint until) { plan_end(peer, peer.until == TimePoint::max() ? until : std::max(peer.until, until)); }

void PeerTable::plan(Peer& peer) {
  if (due(peer) < peer.planned) plan_anew(peer);
}

void PeerTable::plan_anew(Peer& peer) {
  due_.erase({peer.planned, peer.key});
  peer.planned = due(peer);
  due_.insert({peer.planned, peer.key});
}

void PeerTable::check_all(TimePoint now) {
  for (auto& [key, peer] : peers_) {
    if (peer.state != PeerState::proven || peer.dialling) continue;
    peer.last_chance = true;
    plan_dial(peer, now);
  }
}

void PeerTable::leaving(const PeerKey& key, TimePoint now) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  if (peer.dialling) return;
  if (peer.state != PeerState::proven) {
    remove(found);
    return;
  }
  peer.last_chance = true;
  peer.dial_at = std::max(now + kAfterBye, peer.dialled_at + back_off(peer));
  plan_end(peer, std::max(peer.until, peer.dial_at + kLastChance));
}

void PeerTable::told(const PeerHint& hint, TimePoint now) {
  const Announcement& about = hint.about;
  if (house_ == 0 || about.house != house_ || about.node.is_none() || about.port == 0 || hint.age < Duration::zero() || hint.age >= rules_.told_hold) return;
  Peer* const peer = find_or_add({about.node, about.port});
  if (peer == nullptr) return;
  const TimePoint heard = now - hint.age;
  for (const std::string& address : hint.addresses) note_way(*peer, {address, 0, heard});
  hold_until(*peer, heard + rules_.told_hold);
  if (heard <= peer->heard) return;
  peer->heard = heard;
  take_announcement(*peer, about, now);
}

void PeerTable::proven(const Announcement& about, const std::string& address, PeerProof proof, TimePoint now) {
  Peer* const peer = find_or_add({about.node, about.port});
  if (peer == nullptr) return;
  note_way(*peer, {address, 0, now});
  peer->about = about;
  peer->heard = now;
  hold_until(*peer, now + rules_.told_hold);
  accept(*peer, std::move(proof));
}

std::vector<PeerTable::Dial> PeerTable::take_dials(TimePoint now) {
  std::vector<Dial> dials;
  if (now < dials_wait_) return dials;
  for (auto at = due_.begin(); at != due_.end() && at->first <= now && dialling_ < rules_.dials;) {
    Peer& peer = peers_.at(at->second);
    ++at;
    if (peer.dial_at > now) continue;
    if (!peer.ways.empty() && !dial_rate_.take(now)) break;
    peer.dial_at = TimePoint::max();
    plan_anew(peer);
    if (peer.ways.empty()) continue;  // its link is gone; it is heard again, or ends
    peer.dialling = true;
    if (now - peer.dialled_at > rules_.longest_retry) peer.tries = 0;
    peer.dialled_at = now;
    ++dialling_;
    ++counters_.dials;
    // What was heard last is likeliest; after a failure the others get their turn.
    dials.push_back({peer.key, peer.ways[peer.tries % peer.ways.size()].address});
  }
  if (!due_.empty() && due_.begin()->first <= now) dials_wait_ = now + kDialsLookAgain;
  return dials;
}

void PeerTable::dialled(const Dial& dial, Result<PeerProof> result, TimePoint now) {
  --dialling_;
  dials_wait_ = {};
  const auto found = peers_.find(dial.key);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  peer.dialling = false;
  if (!result) {
    ++counters_.failed;
    if (peer.last_chance) {
      ++counters_.expired;
      remove(found);
      return;
    }
    return fail(peer, result.error(), now);
  }
  peer.heard = now;
  hold_until(peer, now + rules_.told_hold);
  const bool news = peer.state != PeerState::proven || result->services_hash != peer.services_read || result->epoch != peer.epoch_read;
  peer.tries = news ? 0 : peer.tries + 1;
  accept(peer, std::move(*result));
  take_announcement(peer, peer.about, now);  // which may have changed meanwhile, or not be true
}

void PeerTable::accept(Peer& peer, PeerProof proof) {
  ++counters_.proven;
  peer.last_chance = false;
  peer.name = std::move(proof.name);
  peer.services = std::move(proof.services);
  if (peer.services.size() > kMostServices) peer.services.resize(kMostServices);
  peer.services_read = proof.services_hash;
  peer.epoch_read = proof.epoch;
  peer.problem.clear();
  set_state(peer, PeerState::proven);
  ++version_;
}

void PeerTable::fail(Peer& peer, const Error& why, TimePoint now) {
  ++peer.tries;
  peer.problem = why.message;
  set_state(peer, PeerState::unreachable);
  plan_dial(peer, now);
}

std::vector<PeerKey> PeerTable::expire(TimePoint now, Duration own_hold) {
  std::vector<PeerKey> gone;
  for (auto at = due_.begin(); at != due_.end() && at->first <= now;) {
    const auto found = peers_.find(at->second);
    ++at;
    Peer& peer = found->second;
    if (peer.until > now) {  // put off meanwhile, or a dial that waits for its turn
      if (due(peer) > now) plan_anew(peer);
      continue;
    }
    const TimePoint longer = peer.heard + own_hold;
    if ((longer > now && !peer.last_chance) || peer.dialling) {
      peer.until = std::max(longer, now + kLastChance);
      plan_anew(peer);
    } else if (peer.state == PeerState::proven && !peer.last_chance) {
      peer.last_chance = true;
      peer.until = now + kLastChance;
      plan_dial(peer, now);
      plan_anew(peer);
    } else {
      ++counters_.expired;
      gone.push_back(peer.key);
      remove(found);
    }
  }
  return gone;
}

TimePoint PeerTable::next_wakeup() const { return due_.empty() ? TimePoint::max() : std::max(due_.begin()->first, dials_wait_); }

std::vector<Peer*> PeerTable::some_proven(std::size_t most) {
  std::vector<Peer*> some;
  auto at = random_peer();
  for (std::size_t i = 0; i < peers_.size() && some.size() < most; ++i, ++at) {
    if (at == peers_.end()) at = peers_.begin();
    if (at->second.state == PeerState::proven) some.push_back(&at->second);
  }
  return some;
}

std::vector<PeerHint> PeerTable::hints(std::size_t most, const NodeId& except, TimePoint now) {
  std::vector<PeerHint> hints;
  for (const Peer* peer : some_proven(most)) {
    PeerHint hint{peer->about, {}, now - peer->heard};
    for (const PeerWay& way : peer->ways) {
      if (means_something_elsewhere(way.address)) hint.addresses.push_back(way.address);
    }
    if (peer->key.node != except && !hint.addresses.empty()) hints.push_back(std::move(hint));
  }
  return hints;
}

std::vector<PeerTable::Dial> PeerTable::partners(std::size_t most) {
  std::vector<Dial> partners;
  for (const Peer* peer : some_proven(most)) {
    if (!peer->ways.empty()) partners.push_back({peer->key, peer->ways.front().address});
  }
  return partners;
}

void PeerTable::forget_link(std::uint32_t interface) {
  for (auto& [key, peer] : peers_) {
    count_links(peer, false);
    std::erase_if(peer.ways, [&](const PeerWay& way) { return way.interface == interface; });
    count_links(peer, true);
  }
}

Peer* PeerTable::find_or_add(const PeerKey& key) {
  if (const auto found = peers_.find(key); found != peers_.end()) return &found->second;
  if (!make_room()) {
    ++counters_.no_room;
    return nullptr;
  }
  Peer& peer = peers_[key];
  peer.key = key;
  ++unproven_;
  peer.until = peer.planned = TimePoint::max();
  due_.insert({peer.planned, key});
  ++version_;
  return &peer;
}

/// Lets a random one go that nobody has proven: whoever fills the table with inventions pushes out inventions.
bool PeerTable::make_room() {
  if (unproven_ < rules_.unproven && peers_.size() < rules_.peers) return true;
  auto at = random_peer();
  for (std::size_t i = 0; i < peers_.size(); ++i, ++at) {
    if (at == peers_.end()) at = peers_.begin();
    if (at->second.state == PeerState::proven || at->second.dialling) continue;
    remove(at);
    return true;
  }
  return false;
}

PeerTable::Peers::iterator PeerTable::random_peer() {
  PeerKey key;
  for (std::uint8_t& byte : key.node.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
  const auto at = peers_.lower_bound(key);
  return at == peers_.end() ? peers_.begin() : at;
}

PeerTable::Peers::iterator PeerTable::remove(Peers::iterator at) {
  const Peer& peer = at->second;
  due_.erase({peer.planned, peer.key});
  count_links(peer, false);
  if (peer.state != PeerState::proven) --unproven_;
  ++version_;
  return peers_.erase(at);
}

void PeerTable::set_state(Peer& peer, PeerState state) {
  if (peer.state == state) return;
  if (peer.state == PeerState::proven) ++unproven_;
  if (state == PeerState::proven) --unproven_;
  peer.state = state;
  if (state == PeerState::foreign) peer.dial_at = TimePoint::max();
  ++version_;
}

/// By hearsay only behind what was heard here; before one that was not heard for long.
void PeerTable::note_way(Peer& peer, const PeerWay& way) {
  const auto known = std::ranges::find_if(peer.ways, [&](const PeerWay& other) { return other.interface == way.interface && other.address == way.address; });
  if (known != peer.ways.end()) {
    known->heard = std::max(known->heard, way.heard);
    if (way.interface != 0 && known->heard - peer.ways.front().heard > kStale) std::rotate(peer.ways.begin(), known, known + 1);
    return;
  }
  count_links(peer, false);
  peer.ways.insert(way.interface != 0 ? peer.ways.begin() : peer.ways.end(), way);
  if (peer.ways.size() > kMostWays) peer.ways.pop_back();
  count_links(peer, true);
}

void PeerTable::count_links(const Peer& peer, bool in) {
  for (std::size_t i = 0; i < peer.ways.size(); ++i) {
    const std::uint32_t interface = peer.ways[i].interface;
    const bool counted = std::any_of(peer.ways.begin(), peer.ways.begin() + static_cast<std::ptrdiff_t>(i), [&](const PeerWay& way) { return way.interface == interface; });
    if (counted) continue;
    if (in) ++on_link_[interface];
    else if (--on_link_[interface] == 0) on_link_.erase(interface);
  }
}

}  // namespace ghost::b2
