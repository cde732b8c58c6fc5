// What comes back: reports, what they ask for, and what they tell of loss and time (docs/spec/ardus.md §5.3 to §5.7).
#include <algorithm>

#include "ardus/sender_impl.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr Duration kLongestRtt = 2s, kShortestRtt = 100us;
constexpr Duration kPatienceWithOne = 1s, kBacklogPause = 100ms;
constexpr double kOwnTrouble = 0.15;            // so much more loss than the middle one has
constexpr std::uint64_t kFreeDemand = 1024;     // symbols a receiver may ask for before its share is looked at
constexpr double kMostDemand = 0.08, kMostDemandOverLoss = 3;  // of what was sent, that a member of the group may ask for
constexpr double kMostDemandUnderAttack = 0.5;
constexpr unsigned kGroupRounds = 3;            // repairs by multicast before few stragglers are served alone
constexpr unsigned kFew = 3;
constexpr unsigned kSilentProbes = 4;
constexpr Duration kSilence = 80ms;             // at least, of such probes: a machine that is busy for a moment is not gone
constexpr std::size_t kMostToTell = 64;         // receivers that wait to hear how long their round trip is
constexpr Duration kUnanswered = 500ms;         // of a question to the group: it is put by unicast, again after twice as long
constexpr unsigned kMostAskedAlone = 16;        // at a time: each question is signed
}  // namespace

void Sender::Impl::take_report(BytesView datagram, TimePoint now) {
  const auto report = keys_.open_report(datagram);
  if (!report) return;
  Peer* peer = find(report->header.receiver);
  if (peer == nullptr) return;
  ++counts_.feedback_datagrams;
  counts_.feedback_bytes += datagram.size();
  if (peer->insatiable && report->header.phase == ReceiverPhase::receiving) return;
  take_round_trip(*peer, report->body, now);
  if (opening_.active() && !report->body.away && heard_since(report->body.echo, opening_.asked_at())) {
    opening_.answer(peer->number, report->body.seen, static_cast<double>(report->body.loss) / 65535, now - std::chrono::microseconds(report->body.echo_delay));
  }
  take_loss(*peer, report->body, now);
  take_state(*peer, *report, now);
  if (report->body.path) take_path(*peer, *report->body.path, now);
  peer->suspects = report->header.suspects;
  if (peer->suspects) take_suspicion(*peer, report->body, now);
  if (!peer->has_all()) take_deficits(*peer, report->body, now);
}

void Sender::Impl::take_state(Peer& peer, const SenderKeys::Report& report, TimePoint now) {
  peer.heard = now;
  peer.epoch = report.header.epoch;
  peer.asked.reset();
  peer.asked_alone = 0;
  peer.done = std::min(report.body.done, peer.wanted.size());
  if (peer.away && !report.body.away) peer.flow.state = UnicastFlow::State::idle;  // it is back: what it lacks may come with the group's
  if (report.body.away && !peer.away) peer.left_by = static_cast<double>(report.body.loss) / 65535;
  peer.away = report.body.away;
  peer.backlog = report.body.backlog;
  if (report.header.phase == ReceiverPhase::failed) set_state_failed(peer);
  if (peer.settled() && peer.state != PeerState::failed) return;
  switch (report.header.phase) {
    case ReceiverPhase::receiving: peer.state = peer.away || peer.quarantined ? PeerState::catching_up : PeerState::receiving; break;
    case ReceiverPhase::failed: break;
    case ReceiverPhase::complete:
    case ReceiverPhase::verified:
      peer.state = PeerState::complete;
      peer.needs.clear();
      peer.flow.state = UnicastFlow::State::idle;
      break;
  }
}

/// The group's is that of the slowest tenth of late, but for those who lose so much that the group does not wait for them: a full queue is
/// what delays their answers.
void Sender::Impl::take_round_trip(Peer& peer, const ReportBody& body, TimePoint now) {
  const Sent& sent = sent_[body.echo % sent_.size()];
  if (body.echo == 0 || sent.sequence != body.echo) return;
  const Duration trip = now - sent.time - std::chrono::microseconds(body.echo_delay);
  if (trip < Duration::zero() || trip > kLongestRtt) return;
  peer.rtt = peer.rtt == Duration::zero() || trip > peer.rtt ? trip : (peer.rtt * 7 + trip) / 8;
  peer.mean_trip = peer.mean_trip == Duration::zero() ? trip : (peer.mean_trip * 9 + trip) / 10;
  if (body.away || static_cast<double>(body.loss) / 65535 > kOutlierLoss) return;
  shortest_rtt_ = std::min(shortest_rtt_, trip);
  trips_[trips_measured_++ % trips_.size()] = trip;
  const std::size_t known = std::min(trips_measured_, trips_.size());
  std::array<Duration, 32> sorted = trips_;
  const std::size_t at = known < 8 ? 0 : known / 10;  // one that was stopped for a while says nothing about the others
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at), sorted.begin() + static_cast<std::ptrdiff_t>(known), std::greater<>());
  const Duration slow = sorted[at];
  rtt_ = std::max(kShortestRtt, slow > rtt_ ? slow : (rtt_ * 15 + slow) / 16);
}

void Sender::Impl::take_loss(Peer& peer, const ReportBody& body, TimePoint now) {
  peer.loss = static_cast<double>(body.away ? body.unicast_loss : body.loss) / 65535;
  if (body.away || body.seen < measurable() / 4 || !is_news(peer, body)) return;
  const bool of_overrun = opening_.active() || (overrun_ > 0 && body.seen < overrun_ + measurable());
  if (peer.loss < kOutlierLoss * 1.5 && !of_overrun) plan_.sample(peer.loss);
  ++answers_;
  answered_ = now;
  if (body.seen < rate_since_ + measurable()) return;  // it speaks of another rate still
  losses_.push_back(peer.loss);
  if (!body.backlog) return;
  ++behind_;
  if (peer.waited_for >= kPatienceWithOne) return;
  ++waited_for_;
  peer.waited_for += std::min<Duration>(now - peer.backlog_told, kBacklogPause);
  peer.backlog_told = now;
}

/// Whether it answers a PROBE that it has not answered yet. Where a queue has grown several are under way.
bool Sender::Impl::is_news(Peer& peer, const ReportBody& body) const {
  const Probe* latest = nullptr;
  for (const Probe& probe : probes_) {
    if (probe.sequence == 0 || static_cast<std::uint32_t>(probe.sequence) > body.echo || probe.sequence <= peer.told_of) continue;
    if (is_sampled(probe.sequence, peer.number, probe.sample) && (latest == nullptr || probe.sequence > latest->sequence)) latest = &probe;
  }
  if (latest == nullptr) return false;
  peer.told_of = latest->sequence;
  return true;
}

/// Of the 95th-percentile receiver. Of fewer than twenty the one that loses most would be it: unless it loses far more than the others do, for
/// then it is its own way that is slow (docs/spec/ardus.md §5.7).
double Sender::Impl::quantile_of_losses() {
  std::ranges::sort(losses_);
  const std::size_t count = losses_.size();
  std::size_t at = (count * 95 + 99) / 100 - 1;
  const std::size_t least = count - 1 - std::min((count - 1) / 2, std::max<std::size_t>(1, count / 4));
  while (count < 20 && at > least && losses_[at] > losses_[(count - 1) / 2] + kOwnTrouble) --at;
  return losses_[at];
}

void Sender::Impl::step_rate(TimePoint now) {
  unanswered_probes_ = answers_ > 0 || probes_sent_ == 0 ? 0 : unanswered_probes_ + 1;
  answers_ = 0;
  if (unanswered_probes_ >= kSilentProbes && now - answered_ > std::max<Duration>(4 * rtt_, kSilence) && group_size() > 0) {
    rate_control_.silence();
    unanswered_probes_ = 0;
  } else if (!losses_.empty()) {
    RateSample sample;
    sample.loss = loss_ = quantile_of_losses();
    sample.behind = waited_for_ * 20 > losses_.size() || behind_ * 2 > losses_.size();
    const double seconds = std::chrono::duration<double>(now - wire_since_).count();
    const auto sent = seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(wire_sent_) * 8 / seconds) : 0;
    sample.sent = sent_before_ == 0 ? sent : (sent + sent_before_) / 2;  // a busy machine sends by fits and starts
    sent_before_ = was_idle_ ? 0 : sent;
    // While there is little to send nothing can be learnt of the rate, but that it is too high.
    if (!was_idle_ || sample.behind) rate_control_.step(sample);
    else rate_control_.step_idle(sample);
    losses_.clear();
    behind_ = waited_for_ = 0;
    wire_sent_ = 0;
    wire_since_ = now;
    was_idle_ = false;
  }
  if (pacer_.rate() == rate_control_.rate()) return;
  if (rate_control_.rate() < pacer_.rate()) overrun_ = keys_.group_sent();
  pacer_.set_rate(rate_control_.rate());
  rate_since_ = keys_.group_sent();
  sent_before_ = 0;  // at another rate
}

/// What was told of the rate before says nothing of this one.
void Sender::Impl::rate_changed() {
  pacer_.set_rate(rate_control_.rate());
  rate_since_ = keys_.group_sent();
  losses_.clear();
  behind_ = waited_for_ = 0;
}

/// What a receiver's way is like, for a rate that goes by the ways.
void Sender::Impl::take_path(Peer& peer, const PathReport& path, TimePoint now) {
  if (!path_rate_ || !peer.in_group() || peer.has_all() || peer.mean_trip == Duration::zero()) return;
  ++answers_;
  answered_ = now;
  PathReport told = path;
  // Where all it lacks is to come to it alone, what comes through to it of the group's packets holds up nobody.
  const bool alone = peer.flow.state != UnicastFlow::State::idle || peer.needs.blocks() + peer.done >= peer.wanted.size();
  if (alone) told.received = 0;
  path_rate_->report(peer.number, told, peer.mean_trip, now);
  if (peer.number != path_rate_->limiting() && to_tell_.size() < kMostToTell && std::ranges::find(to_tell_, peer.number) == to_tell_.end()) to_tell_.push_back(peer.number);
  const auto allowed = std::min(ceiling_, static_cast<std::uint64_t>(path_rate_->rate()));
  if (allowed < pacer_.rate()) pacer_.set_rate(allowed);  // at once; upwards at the next step
}

void Sender::Impl::step_path_rate(TimePoint now) {
  unanswered_probes_ = answers_ > 0 || probes_sent_ == 0 ? 0 : unanswered_probes_ + 1;
  answers_ = 0;
  if (unanswered_probes_ >= kSilentProbes && now - answered_ > std::max<Duration>(4 * rtt_, kSilence) && group_size() > 0) {
    path_rate_->cut(0.5);
    unanswered_probes_ = 0;
  }
  if (!losses_.empty()) {
    loss_ = quantile_of_losses();
    if (waited_for_ * 20 > losses_.size() || behind_ * 2 > losses_.size()) {
      path_rate_->cut(0.7);
      rate_since_ = keys_.group_sent();
    }
    losses_.clear();
    behind_ = waited_for_ = 0;
  }
  const Peer* limiting = find(path_rate_->limiting());
  if (limiting == nullptr || limiting->has_all() || !limiting->in_group() || limiting->state == PeerState::silent) path_rate_->left();
  path_rate_->step(!was_idle_, rtt_, ceiling_, now);
  was_idle_ = false;
  pacer_.set_rate(std::min(ceiling_, static_cast<std::uint64_t>(path_rate_->rate())));
}

void Sender::Impl::take_deficits(Peer& peer, const ReportBody& body, TimePoint now) {
  const bool alone = peer.away || peer.quarantined;
  if (peer.flow.state == UnicastFlow::State::waiting && body.everything && body.unicast_seen >= static_cast<std::uint32_t>(peer.flow.end)) end_flow(peer, body, now);
  // It lives, and has not heard the question, or its answer was lost.
  if (peer.flow.state == UnicastFlow::State::waiting) peer.flow.deadline = std::min(peer.flow.deadline, std::max(now, peer.flow.asked_at + std::max<Duration>(10ms, 2 * rtt_)));
  const bool keep_needs = peer.flow.state != UnicastFlow::State::idle;
  if (body.everything && !keep_needs) {
    // As far as the report reaches, what it does not name is there.
    const std::uint32_t blocks = options_.stream.blocks();
    const std::uint32_t told = body.more && !body.deficits.empty() ? std::min(blocks, body.deficits.back().first.value) : blocks;
    for (std::uint32_t b = peer.needs.next(0); b < told; b = peer.needs.next(b + 1)) peer.needs.erase(BlockIndex{b});
  }
  if (keep_needs && alone) return;
  for (const DeficitRun& run : body.deficits) {
    const std::uint32_t end = std::min(options_.stream.blocks(), run.first.value + std::min(run.count, options_.stream.blocks()));
    for (std::uint32_t b = run.first.value; b < end; ++b) {
      const BlockIndex block{b};
      if (!peer.wanted.contains(block)) continue;
      const auto deficit = static_cast<std::uint8_t>(std::min<std::size_t>(run.deficit, options_.stream.symbols_in(block)));
      if (alone) {
        peer.needs.set(block, deficit);
      } else {
        take_deficit(peer, block, deficit, body.seen, now);
      }
    }
  }
}

void Sender::Impl::take_deficit(Peer& peer, BlockIndex block, std::uint8_t deficit, std::uint64_t seen, TimePoint now) {
  if (pending_.contains(block) || block.value >= ended()) return;  // it comes anyway
  if (peer.needs.deficit(block) > 0) {  // it is on the list of what comes again, or alone
    if (peer.flow.state == UnicastFlow::State::idle) peer.needs.set(block, deficit);
    return;
  }
  RepairWindow* window = nullptr;
  for (RepairWindow& each : windows_) {
    if (each.find(block) != nullptr) window = &each;
  }
  if (window != nullptr && window->first_sending()) return;
  // What an outlier lacks comes when the others are done; what is gone here for now, when it is here again.
  if (outlier(peer) || block.value >= readable_ || (window != nullptr && window->find(block)->gone)) {
    if (peer.flow.state == UnicastFlow::State::idle) peer.needs.set(block, deficit);
    return;
  }
  // Whom the group's repair is of no use to is not bothered with it: but where nobody else is left there is nobody to bother.
  const std::size_t enough = peer.loss > kOutlierLoss ? kFew : std::min<std::size_t>(kFew, lacking_);
  const bool few = window != nullptr && window->rounds > kGroupRounds && window->reporters_before < enough;
  if (deficit > kGroupDeficit || few) {
    if (peer.flow.state == UnicastFlow::State::idle) peer.needs.set(block, deficit);
    return;
  }
  if (window == nullptr) window = &window_for(block);
  if (window->last_reporter != peer.number) {
    window->last_reporter = peer.number;
    ++window->reporters;
  }
  RepairWindow::Work& work = *window->find(block);
  const std::uint16_t more = window->demand(work, deficit, seen);
  if (more == 0) return;
  work.extra = static_cast<std::uint16_t>(work.extra + more);
  peer.demanded += more;
  const double most = attacked(now) ? kMostDemandUnderAttack : std::max(kMostDemand, kMostDemandOverLoss * std::max(loss_, plan_.loss()));
  if (peer.demanded > kFreeDemand && static_cast<double>(peer.demanded) > most * static_cast<double>(counts_.sent_packets)) {
    peer.quarantined = true;
  }
  if (group_size() > kSampled && window->plan_at == TimePoint::max()) window->plan_at = now + rtt_ / 4;
}

/// A window for a block whose own is over: the last one opened for that, while it has room.
RepairWindow& Sender::Impl::window_for(BlockIndex block) {
  for (RepairWindow& window : windows_) {
    if (window.first_sending() || !window.late || window.full()) continue;
    window.add(block, 0);
    return window;
  }
  // Before the window that is being streamed, which stays the last.
  RepairWindow late(next_serial_++, false);
  late.late = true;
  late.add(block, 0);
  return *windows_.insert(streaming_ ? windows_.end() - 1 : windows_.end(), std::move(late));
}

/// Whether it hears the group at all (docs/spec/ardus.md §5.6): told how long ago the group was asked, it knows by itself.
void Sender::Impl::ask_alone(Peer& peer, TimePoint now) {
  Control out = message(MessageType::probe);
  out.answer_now = true;
  out.sent = keys_.sent_to(peer.number);
  out.slots = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - *peer.asked).count());
  control(std::move(out), Destination::receiver, peer.number.value, now);
  ++peer.asked_alone;
}

void Sender::Impl::watch_silence(TimePoint now) {
  unsigned alone = 0;
  for (const auto& peer : peers_) {
    if (!peer || peer->has_all() || !peer->asked) continue;
    const Duration silence = now - *peer->asked;
    const bool may_be_deaf = peer->in_group() && peer->flow.state == UnicastFlow::State::idle && peer->asked_alone < 4;
    if (may_be_deaf && alone < kMostAskedAlone && silence >= std::max<Duration>(kUnanswered, 4 * rtt_) * (1 << peer->asked_alone)) {
      ask_alone(*peer, now);
      ++alone;
    }
    if (silence >= options_.give_up_after) {
      set_state_failed(*peer);
    } else if (silence >= options_.silent_after && peer->state != PeerState::silent) {
      peer->state = PeerState::silent;
      peer->flow.state = UnicastFlow::State::idle;
    }
  }
}

void Sender::Impl::set_state_failed(Peer& peer) {
  if (peer.state == PeerState::verified) return;
  peer.state = PeerState::failed;
  peer.flow.state = UnicastFlow::State::idle;
}

}  // namespace ghost::ardus
