#include <algorithm>
#include <cassert>
#include <set>

#include "ardus/chunk_runs.h"
#include "ardus/sender_service.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kWorthAPeer = 1'400'000;               ///< bytes lacking: below, unicast is as quick
constexpr std::size_t kMostPeersNamed = 4;
constexpr double kMostTcpCarries = 0.1;                      ///< of packets lost: beyond, a peer's TCP is far slower than REPAIR
constexpr Duration kStuckElsewhere = std::chrono::seconds(5);  ///< without a block: it is served from here again

}  // namespace

/// Takes a receiver whose needs are known into the running session.
void SendingSession::admit(Peer& peer) {
  peer.awaits_trial = false;
  peer.takes_stream.reset();
  peer.takes_stream = takes_stream(peer);
  peer.fetched_at = now();
  peer.to_fetch = 0;
  if (!*peer.takes_stream) {
    for (std::uint32_t chunk = 0; chunk < peer.lacks.size(); ++chunk) peer.to_fetch += peer.lacks.has(chunk) ? content_->manifest().chunks[chunk].size : 0;
  }
  if (core_ && peer.number.value != 0) core().remove_receiver(std::exchange(peer.number, ReceiverNumber{}));
  if (core_ && !peer.relay && takes_stream(peer)) {
    random_bytes(peer.secret);
    BlockSet wanted(static_cast<std::uint32_t>(map_->blocks()));
    const auto blocks = map_->blocks_with(peer.lacks);
    for (std::uint32_t block = 0; block < blocks.size(); ++block) {
      if (blocks[block]) wanted.insert(BlockIndex{block});
    }
    const JoinedReceiver joined = core().add_receiver(std::move(wanted), peer.secret, parts_.node.network().precise_now());
    peer.number = joined.number;
    peer.position = joined.position;
  }
  tell_keys(peer);
}

ChunkSet SendingSession::not_in_stream(const Peer& peer) const {
  ChunkSet others = peer.lacks;
  if (peer.relay || !takes_stream(peer)) return others;
  for (std::uint32_t chunk = 0; chunk < others.size(); ++chunk) {
    if (map_->has(chunk)) others.erase(chunk);
  }
  return others;
}

void SendingSession::tell_keys(Peer& peer) {
  if (!map_ || !peer.ready || peer.awaits_trial || !peer.keys || !peer.keys->open()) return;
  v1::KeysUpdate update;
  const bool takes = takes_stream(peer);
  assert(takes || peer.number.value == 0);
  if (takes) update.map = segments_;
  else if (!peer.relay) update.datagram = static_cast<std::uint32_t>(data_datagram(map_->layout()));
  update.fetch = to_runs(not_in_stream(peer).ranges());
  if (core_ && peer.number.value != 0) {
    update.number = peer.number.value;
    update.position = peer.position.value;
    update.epoch = keys_->epoch();
    update.epoch_secret = to_bytes(keys_->epoch_secret());
    update.own_secret = to_bytes(peer.secret);
    update.reports = to_told(sockets_[peer.way].socket().address());
  }
  peer.keys->write(update);
  if (core_ && keys_->next_secret()) tell_next_secret(peer);
}

/// The secret of the epoch to come; whoever has no connection at present is told by tell_keys() when it has joined again.
void SendingSession::tell_next_secret(Peer& peer) {
  if (peer.number.value == 0 || !peer.keys || !peer.keys->open()) return;
  v1::KeysUpdate update;
  update.number = peer.number.value;
  update.epoch = keys_->epoch() + 1u;
  update.epoch_secret = to_bytes(*keys_->next_secret());
  peer.keys->write(update);
}

void SendingSession::tend_secrets() {
  const TimePoint now = parts_.node.network().precise_now();
  if (!core_ || ended_ || !core_->wants_secret(now)) return;
  Secret secret;
  random_bytes(secret);
  core_->set_next_secret(secret, now);
  wipe(secret);
  for (auto& [id, peer] : peers_) {
    if (peer.state != v1::CensusState::verified) tell_next_secret(peer);
  }
  parts_.log.info("ardus: new keys since a receiver left", {{"session", name_.session}, {"epoch", keys_->epoch() + 1}});
}

/// Nothing that is sent from now on is for it.
void SendingSession::evict(Peer& peer) {
  if (!core_ || peer.number.value == 0) return;
  core().evict(std::exchange(peer.number, ReceiverNumber{}), parts_.node.network().precise_now());
  tend_secrets();
}

/// Who has joined and not asked for keys, and whose connection is there no more, has said nothing of its end.
void SendingSession::look_for_the_gone() {
  std::set<std::string_view> there;
  for (const b2::Channel* channel : parts_.node.endpoint().channels) there.insert(channel->peer().where);
  for (auto& [id, peer] : peers_) {
    const bool settled = peer.state == v1::CensusState::verified || peer.state == v1::CensusState::failed;
    if (peer.keys || peer.left || settled || there.contains(peer.identity.where)) continue;
    peer.left = true;
    peer.left_at = now();
    if (!map_) peer.ready = false;
  }
}

/// Those whose connection has been gone for longer than is waited for, and those the house has taken out.
void SendingSession::evict_the_gone() {
  const auto& revoked = parts_.node.endpoint().is_revoked;
  for (auto& [id, peer] : peers_) {
    if (peer.state == v1::CensusState::verified || peer.state == v1::CensusState::failed) continue;
    if (peer.left && now() - peer.left_at >= patience()) evict(peer);
    if (!revoked || !revoked(id)) continue;
    evict(peer);
    peer.state = v1::CensusState::failed;
    peer.ready = false;
    peer.detail = "the house has taken it out";
    if (const auto keys = std::exchange(peer.keys, nullptr)) keys->fail({Errc::refused, "the house has taken this node out"});
  }
}

void SendingSession::set_elsewhere(Peer& peer, bool elsewhere) {
  peer.elsewhere = elsewhere;
  peer.got_on = now();
  peer.got = 0;
  if (!core_ || peer.number.value == 0) return;
  core().set_elsewhere(peer.number, elsewhere);
  pump();
}

/// Who is served alone may fetch from receivers that are done, so that the group has the sender to itself (docs/spec/ardus.md §9.2).
void SendingSession::name_peers() {
  for (auto& [id, peer] : peers_) {
    if (peer.number.value == 0 || peer.state != v1::CensusState::receiving || !peer.keys || !peer.keys->open()) continue;
    const PeerProgress progress = core_->receiver(peer.number, now());
    if (peer.elsewhere) {
      watch_elsewhere(peer, progress);
    } else if (progress.loss <= kMostTcpCarries && (progress.state == PeerState::catching_up || progress.alone_blocks > 0) && (progress.blocks_wanted - progress.blocks_done) * block_bytes(map_->layout()) >= kWorthAPeer) {
      name_peer(peer);
    }
  }
}

/// Whoever does not help is left for the sender.
void SendingSession::watch_elsewhere(Peer& peer, const PeerProgress& progress) {
  if (progress.blocks_done > peer.got) {
    peer.got = progress.blocks_done;
    peer.got_on = now();
  } else if (now() - peer.got_on > kStuckElsewhere) {
    set_elsewhere(peer, false);
    peer.detail.clear();
  }
}

void SendingSession::name_peer(Peer& peer) {
  if (peer.named.size() >= kMostPeersNamed) return;
  Peer* least = nullptr;
  for (auto& [id, other] : peers_) {
    if (other.state != v1::CensusState::verified || other.serves.empty() || peer.named.contains(id)) continue;
    // An address of the other IP, or of another link, is of no use to it.
    const auto serves = from_told(other.serves, ways_[other.way]);
    if (!serves || ways_[other.way].family() != ways_[peer.way].family() || (serves->is_link_local() && other.way != peer.way)) continue;
    if (least == nullptr || other.serving < least->serving) least = &other;
  }
  if (least == nullptr) return;
  ++least->serving;
  peer.named.insert(least->identity.node);
  Grant grant{GrantKind::fetch, content_->manifest().content, name_.session, name_.nonce, {}};
  if (peer.identity.public_key.size() != grant.node.size()) return;
  std::ranges::copy(peer.identity.public_key, grant.node.begin());
  v1::PeerSource source;
  source.address = least->serves;
  source.node = to_bytes(least->identity.node.bytes);
  source.grant = encode_grant(grant, parts_.node.state().key());
  v1::KeysUpdate update;
  update.number = peer.number.value;
  update.peers.push_back(std::move(source));
  peer.keys->write(update);
  parts_.log.info("ardus: told to fetch from a receiver that is done", {{"session", name_.session}, {"receiver", peer.identity.name}, {"from", least->identity.name}});
}

}  // namespace ghost::ardus
