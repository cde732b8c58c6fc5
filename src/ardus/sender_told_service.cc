#include <algorithm>

#include "ardus/sender_service.h"
#include "base/units.h"

namespace ghost::ardus {

namespace {

std::string seconds_text(Duration span) { return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s"; }

}  // namespace

v1::Receiver SendingSession::told(const Remote& remote) const {
  v1::Receiver told;
  told.node = remote.told.node;
  told.name = remote.told.name;
  if (const auto id = b2::NodeId::from_bytes(remote.told.node)) told.words = id->words();
  told.bytes_done = remote.told.bytes_done;
  told.receipt = remote.told.receipt;
  const auto relay = peers_.find(remote.relay);
  told.detail = (relay != peers_.end() ? "by relay " + relay->second.identity.name : std::string("by a relay")) + (remote.told.detail.empty() ? "" : ": " + remote.told.detail);
  switch (remote.told.state) {
    case v1::CensusState::committing: told.state = v1::ReceiverState::committing; break;
    case v1::CensusState::verified: told.state = v1::ReceiverState::verified; break;
    case v1::CensusState::failed: told.state = v1::ReceiverState::failed; break;
    default: told.state = map_ ? v1::ReceiverState::receiving : v1::ReceiverState::joined;
  }
  const bool open = told.state != v1::ReceiverState::verified && told.state != v1::ReceiverState::failed;
  if (open && relay != peers_.end() && relay->second.left) told.state = v1::ReceiverState::silent;
  return told;
}

std::vector<v1::RelayedReceiver> SendingSession::passed_on() const {
  std::vector<v1::RelayedReceiver> all;
  for (const auto& [id, peer] : peers_) {
    const v1::Receiver known = told(peer);
    if (!peer.ready && peer.state == v1::CensusState::unknown) continue;
    v1::RelayedReceiver one;
    one.node = known.node;
    one.name = known.name;
    one.state = peer.state == v1::CensusState::unknown ? v1::CensusState::receiving : peer.state;
    if (known.state == v1::ReceiverState::failed) one.state = v1::CensusState::failed;
    one.receipt = peer.receipt;
    if (peer.state == v1::CensusState::verified) one.certificates = peer.certificates;
    one.detail = known.detail;
    one.bytes_done = known.bytes_done;
    all.push_back(std::move(one));
  }
  return all;
}

/// What of a verified copy did not come by multicast; "" where that is little.
std::string SendingSession::by_unicast(const Peer& peer) const {
  if (map_ && peer.fetched > 0 && !peer.relay && !takes_stream(peer)) return format_size(peer.fetched) + " of it by TCP: " + why_by_tcp(peer);
  if (!core_ || peer.number.value == 0) return {};
  const std::uint64_t bytes = core_->receiver(peer.number, now()).unicast_symbols * symbol_size(map_->layout());
  return bytes * 20 > map_->bytes() ? format_size(bytes) + " of it by unicast" : std::string();
}

v1::Receiver SendingSession::told(const Peer& peer) const {
  v1::Receiver told;
  told.node = to_bytes(peer.identity.node.bytes);
  told.name = peer.identity.name;
  told.words = peer.identity.node.words();
  told.address = peer.identity.where;
  told.receipt = peer.receipt;
  told.detail = peer.detail;
  told.bytes_done = peer.bytes_done;
  told.state = v1::ReceiverState::joined;
  if (core_ && peer.number.value != 0) {
    const PeerProgress progress = core_->receiver(peer.number, now());
    told.loss = progress.loss;
    switch (progress.state) {
      case PeerState::joined: break;
      case PeerState::receiving: told.state = v1::ReceiverState::receiving; break;
      case PeerState::catching_up:
        told.state = v1::ReceiverState::repairing;
        told.detail = progress.away ? "does not hear multicast, or loses more than half of it: it comes by unicast" : "loses far more than the others: it is served alone";
        if (peer.elsewhere) told.detail = peer.detail;
        break;
      case PeerState::complete: told.state = v1::ReceiverState::committing; break;
      case PeerState::verified: break;
      case PeerState::silent:
        told.state = v1::ReceiverState::silent;
        told.detail = "not heard of for " + seconds_text(progress.silence);
        break;
      case PeerState::failed:
        told.state = v1::ReceiverState::failed;
        if (progress.insatiable) told.detail = "given up: it asked for everything again and again, many times over";
        if (told.detail.empty()) told.detail = "given up: not heard of for " + seconds_text(progress.silence);
        break;
    }
    if (progress.quarantined && told.detail.empty()) told.detail = "asked for more than it can have lost; served alone";
    if (progress.blocks_wanted > 0 && peer.state != v1::CensusState::verified && content_) {
      const std::uint64_t lacking = content_->manifest().bytes() - std::min(peer.bytes_done, content_->manifest().bytes());
      told.bytes_done += lacking * progress.blocks_done / progress.blocks_wanted;
    }
  }
  if (map_ && peer.ready && !peer.relay && !peer.awaits_trial && !peer.lacks.empty() && !takes_stream(peer) && peer.state == v1::CensusState::receiving) {
    told.state = v1::ReceiverState::repairing;
    told.detail = why_by_tcp(peer) + ": it comes by TCP";
    told.bytes_done += std::min(peer.fetched - peer.fetched_before, peer.to_fetch);
    if (is_stuck_by_tcp(peer)) {
      told.state = v1::ReceiverState::failed;
      told.detail = "given up: it has fetched nothing for " + seconds_text(now() - peer.fetched_at) + "; " + why_by_tcp(peer);
    }
  }
  if (peer.left) {
    told.state = now() - peer.left_at >= patience() ? v1::ReceiverState::failed : v1::ReceiverState::silent;
    told.detail = "not heard of for " + seconds_text(now() - peer.left_at) + ", since its connection ended";
  }
  if (peer.state == v1::CensusState::committing && !peer.left) told.state = v1::ReceiverState::committing;
  if (peer.relay && told.detail.empty()) told.detail = "a relay";
  if (peer.state == v1::CensusState::failed) told.state = v1::ReceiverState::failed, told.detail = peer.detail;
  if (peer.state == v1::CensusState::verified) told.state = v1::ReceiverState::verified, told.detail = by_unicast(peer);
  return told;
}

/// What was sent to the group, packet by packet: a window counts as it goes, not when it is opened. Where receivers are served alone, what they hold on
/// average.
double SendingSession::share_done(const SenderProgress& progress) const {
  if (progress.source_packets == 0) return progress.blocks == 0 ? 0 : 1;
  const double streamed = static_cast<double>(progress.sent_packets - progress.repair_symbols) / static_cast<double>(progress.source_packets);
  double held = 0;
  std::size_t count = 0;
  for (const PeerProgress& peer : core_->receivers(now())) {
    if (peer.blocks_wanted == 0 || peer.state == PeerState::failed) continue;
    held += static_cast<double>(peer.blocks_done) / peer.blocks_wanted;
    ++count;
  }
  return std::clamp(count == 0 ? streamed : std::max(streamed, held / static_cast<double>(count)), 0.0, 1.0);
}

v1::Transfer SendingSession::told() const {
  if (last_) return *last_;
  v1::Transfer told;
  told.session = name_.session;
  told.name = request_.name;
  told.sending = true;
  told.phase = phase_;
  told.detail = detail_;
  told.error = error_;
  told.seconds = std::chrono::duration<double>(now() - started_).count();
  if (content_) {
    const Manifest& manifest = content_->manifest();
    told.name = manifest.name;
    told.content = to_bytes(manifest.content);
    told.files = manifest.files();
    told.bytes = manifest.bytes();
  }
  if (map_) {
    told.bytes_needed = map_->bytes();
    told.layout = map_->layout() == Layout::jumbo ? v1::Layout::jumbo : v1::Layout::standard;
  }
  if (core_) {
    const SenderProgress progress = core_->progress(now());
    told.bytes_done = static_cast<std::uint64_t>(static_cast<double>(told.bytes_needed) * share_done(progress));
    told.source_packets = progress.source_packets;
    told.sent_packets = progress.sent_packets;
    told.repair_symbols = progress.repair_symbols;
    told.wire_bytes = progress.sent_bytes;
    told.rate = rate_;
    told.fallback_bytes = progress.unicast_symbols * symbol_size(map_->layout());
  }
  if (manifest_stream_) told.wire_bytes += manifest_stream_->sent_bytes();
  told.wire_bytes += fetched_bytes_;
  told.fallback_bytes += fetched_bytes_;
  for (const auto& [id, peer] : peers_) told.receivers.push_back(this->told(peer));
  for (const auto& [id, remote] : remotes_) told.receivers.push_back(this->told(remote));
  for (const std::string& wanted : request_.expected) {
    const bool behind = std::ranges::any_of(remotes_, [&](const auto& r) { return r.second.told.name == wanted || r.first.words() == wanted || r.first.hex() == wanted; });
    const bool here = behind || std::ranges::any_of(peers_, [&](const auto& p) { return p.second.identity.name == wanted || p.first.words() == wanted || p.first.hex() == wanted; });
    if (here) continue;
    v1::Receiver missing;
    missing.name = wanted;
    missing.state = v1::ReceiverState::expected;
    missing.detail = "it has not joined";
    told.receivers.push_back(std::move(missing));
  }
  return told;
}

}  // namespace ghost::ardus
