// How large a session's datagrams are, and who takes them (docs/spec/ardus.md §5.12).
#include <algorithm>
#include <utility>
#include <vector>

#include "ardus/sender_service.h"
#include "base/units.h"

namespace ghost::ardus {

namespace {

constexpr std::uint64_t kWorthJumbo = 8 * 1024 * 1024;  ///< bytes: what has fewer is as quick in either layout
constexpr Duration kFirstTrialPause = std::chrono::milliseconds(10), kLongestTrialPause = std::chrono::milliseconds(100);
constexpr std::size_t kJumboMtu = kLongestDatagram + 48;

}  // namespace

/// What its user asks for, where it can't be done.
Status SendingSession::check_layout() const {
  if (request_.layout == v1::Layout::unspecified || request_.layout == v1::Layout::standard || request_.layout == v1::Layout::automatic) return {};
  if (request_.layout != v1::Layout::jumbo) return Error{Errc::malformed, "a layout that is not known here: standard, jumbo or auto is wanted"};
  if (request_.congestion != v1::Congestion::quantile) {
    return Error{Errc::malformed, "the jumbo layout is for networks of one's own, and does not go with --congestion tfmcc or --background"};
  }
  for (const Way& way : ways_) {
    if (largest_datagram(way) >= kLongestDatagram) continue;
    return Error{Errc::conflict, "the jumbo layout needs an MTU of " + std::to_string(kJumboMtu) + " or more, and " + way.name + " has less; where the network carries it, 'ip link set " +
                                     way.name + " mtu 9000' mends that"};
  }
  return {};
}

bool SendingSession::may_be_jumbo() const {
  if (request_.layout == v1::Layout::jumbo) return true;
  if (request_.layout != v1::Layout::automatic || request_.congestion != v1::Congestion::quantile || content_->manifest().bytes() < kWorthJumbo) return false;
  return std::ranges::all_of(ways_, [](const Way& way) { return !way.address.is_loopback() && largest_datagram(way) >= kLongestDatagram; });
}

/// That of the session that is about to begin; nothing while it is still being tried.
std::optional<Layout> SendingSession::choose_layout() {
  if (!may_be_jumbo()) return Layout::standard;
  std::vector<LayoutChoice::Candidate> candidates;
  const Peer* small = nullptr;
  for (const auto& [id, peer] : peers_) {
    if (peer.relay || peer.left || peer.state == v1::CensusState::failed || peer.state == v1::CensusState::verified) continue;
    if (peer.ready && peer.lacks.empty()) continue;  // it needs nothing
    candidates.push_back({peer.trial.verdict(now()), peer.ready, peer.ready_since});
    if (candidates.back().verdict != LayoutTrial::Verdict::jumbo && (small == nullptr || candidates.back().verdict == LayoutTrial::Verdict::small)) small = &peer;
  }
  const auto layout = layout_choice_.choose(request_.layout == v1::Layout::jumbo, candidates, now());
  if (layout == Layout::standard && small != nullptr) {
    parts_.log.info("ardus: the standard layout, since jumbo datagrams do not reach everybody", {{"session", name_.session}, {"receiver", small->identity.name}, {"takes", small->trial.largest()}});
  }
  return layout;
}

/// As it was admitted: what it hears later changes nothing of that. Before, as it would be now.
bool SendingSession::takes_stream(const Peer& peer) const {
  if (map_->layout() == Layout::standard) return true;
  return peer.takes_stream ? *peer.takes_stream : !peer.relay && peer.trial.verdict(now()) == LayoutTrial::Verdict::jumbo;
}

/// It joined by another way: that jumbo datagrams came by the one before says nothing of this one. Its needs, and a trial, follow.
void SendingSession::try_anew(Peer& peer) {
  if (!map_ || map_->layout() != Layout::jumbo || peer.relay || peer.state == v1::CensusState::verified) return;
  if (core_ && peer.number.value != 0) core().remove_receiver(std::exchange(peer.number, ReceiverNumber{}));
  peer.takes_stream.reset();
  peer.awaits_trial = peer.ready = false;
}

/// It takes nothing of the stream, and has had nothing else for longer than is waited for. Who has had all it lacked is waited for as long as it is there.
bool SendingSession::is_stuck_by_tcp(const Peer& peer) const {
  const bool by_tcp = !peer.relay && peer.takes_stream == false && peer.state == v1::CensusState::receiving;
  return by_tcp && peer.fetched - peer.fetched_before < peer.to_fetch && now() - peer.fetched_at >= patience();
}

bool SendingSession::is_being_tried(const Peer& peer) const {
  const bool here = peer.ready && !peer.relay && !peer.left && !peer.lacks.empty() && (!map_ || peer.awaits_trial);
  return here && peer.trial.verdict(now()) == LayoutTrial::Verdict::open;
}

/// A receiver that comes when the session is under way.
void SendingSession::admit_when_tried(Peer& peer) {
  peer.awaits_trial = map_->layout() == Layout::jumbo && !peer.relay && !peer.lacks.empty() && peer.trial.verdict(now()) == LayoutTrial::Verdict::open;
  if (!peer.awaits_trial) admit(peer);
}

/// One long datagram and then a short one: who hears the short one alone is behind something that drops the other.
void SendingSession::send_trials() {
  for (const bool is_long : {true, false}) {
    Bytes trial = write_trial({trial_round_, name_.session, is_long});
    const Signature signature = parts_.node.state().key().sign(kControlDomain, control_signed_bytes(name_.nonce, trial));
    trial.insert(trial.end(), signature.begin(), signature.end());
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      if (!carries(i)) continue;
      const net::Datagram datagram{ways_[i].address, data_group(name_.session, ways_[i].family(), sources_), trial, ways_[i].interface};
      sockets_[i].socket().send({&datagram, 1});
    }
  }
  ++trial_round_;
}

/// Sends trials while anybody is being tried, and goes on with what waited for them.
void SendingSession::tend_trials() {
  if (ended_ || !content_ || !(map_ ? map_->layout() == Layout::jumbo : may_be_jumbo())) return;
  for (auto& [id, peer] : peers_) {
    if (is_being_tried(peer)) trial_pause_ = peer.trial.begin(now()) ? kFirstTrialPause : trial_pause_;
    else if (map_ && peer.awaits_trial) admit(peer);
  }
  if (std::ranges::none_of(peers_, [this](const auto& p) { return is_being_tried(p.second); })) {
    trial_pause_ = kFirstTrialPause;
    return trial_timer_.reset();
  }
  if (trial_sent_ == TimePoint{} || now() - trial_sent_ >= trial_pause_) {
    send_trials();
    trial_pause_ = std::clamp(trial_sent_ == TimePoint{} ? kFirstTrialPause : 2 * trial_pause_, kFirstTrialPause, kLongestTrialPause);
    trial_sent_ = now();
  }
  trial_timer_ = parts_.node.network().wake_at(trial_sent_ + trial_pause_, [this](TimePoint) {
    tend_trials();
    if (!map_) begin_if_due();
    pump();
  });
}

Result<v1::HeardResponse> SendingSession::heard(const v1::HeardRequest& request, const b2::Identity& who) {
  const auto found = peers_.find(who.node);
  if (ended_ || found == peers_.end()) return Error{Errc::conflict, "join first; the session may have ended"};
  if (is_given_up(found->second, who)) return Error{Errc::conflict, "joined again by another connection"};
  found->second.trial.heard(static_cast<std::uint16_t>(request.round), request.longest >= kLongestDatagram);
  if (map_) tend_trials();
  else begin_if_due();
  pump();
  return v1::HeardResponse{};
}

/// A way may come to take less than it did: one that answers, and gets nothing of what it is sent, gets nothing more of that size.
void SendingSession::watch_jumbo() {
  if (map_->layout() != Layout::jumbo) return;
  for (auto& [id, peer] : peers_) {
    if (peer.number.value == 0 || peer.state != v1::CensusState::receiving || peer.left) continue;
    if (!core_->receiver(peer.number, now()).nothing_comes) continue;
    parts_.log.warning("ardus: jumbo datagrams do not come through any more; the rest goes by TCP", {{"session", name_.session}, {"receiver", peer.identity.name}});
    peer.trial.failed();
    admit(peer);
  }
}

std::string SendingSession::why_by_tcp(const Peer& peer) const {
  const std::string size = std::to_string(data_datagram(map_->layout())) + " bytes";
  if (peer.trial.largest() >= kLongestDatagram) return "the session's datagrams of " + size + " do not come through to it";
  return "its interface takes datagrams of " + std::to_string(peer.trial.largest()) + " bytes at most, and the session's have " + size;
}

}  // namespace ghost::ardus
