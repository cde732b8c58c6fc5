#include "ardus/sender.h"

#include <algorithm>
#include <cassert>

#include "ardus/sender_impl.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t kCachedWindows = 3;
constexpr std::array<std::uint64_t, 7> kAnnouncePauses = {1, 1, 1, 2, 3, 5, 8};  // seconds; then 10
constexpr double kPathAnswerBits = 360 * 8;  // of a question to the group and a report that answers it, on the wire
constexpr Duration kLongestPathInterval = 250ms;
constexpr Duration kOpeningRepeat = 4ms;
constexpr Duration kLeastProbe = 20ms, kLeastProbeRising = 5ms;  // between two questions to the group
}  // namespace

Sender::Impl::Impl(const SenderOptions& options, const SessionName& name, SenderKeys& keys, BlockSource& source, TimePoint now)
    : options_(options), name_(name), keys_(keys), cache_(options.stream, source, kCachedWindows * window_blocks(options.stream.layout)), rate_control_(options.ceiling, options.fixed_rate),
      ceiling_(options.ceiling), created_(now), wanted_(options.stream.blocks()), pending_(options.stream.blocks()), cursor_(options.stream.blocks()),
      rtt_(options.initial_rtt), buffers_(kBatch * data_datagram(options.stream.layout)) {
  if (options.congestion == Congestion::tfmcc) path_rate_ = std::make_unique<TfmccRate>();
  if (options.congestion == Congestion::background) path_rate_ = std::make_unique<BackgroundRate>();
  pacer_.set_rate(path_rate_ ? std::min(ceiling_, static_cast<std::uint64_t>(path_rate_->rate())) : rate_control_.rate());
  out_.reserve(kBatch);
}

SenderPhase Sender::Impl::phase() const {
  if (!failure_.empty()) return SenderPhase::failed;
  if (over_) return SenderPhase::ended;
  if (!begun_) return SenderPhase::announcing;
  if (streaming_ || !pending_.empty()) return SenderPhase::streaming;
  bool unfinished = false;
  for (const auto& peer : peers_) {
    if (!peer || peer->settled()) continue;
    if (peer->state != PeerState::silent && (!peer->needs.empty() || peer->flow.state != UnicastFlow::State::idle)) return SenderPhase::draining;
    unfinished = true;
  }
  if (!windows_.empty()) return SenderPhase::draining;
  return unfinished ? SenderPhase::settling : SenderPhase::lingering;
}

void Sender::Impl::fail(std::string why) { failure_ = std::move(why); }

std::uint8_t* Sender::Impl::buffer() { return buffers_.data() + buffers_used_++ * datagram_size(); }

void Sender::Impl::emit(Destination to, std::uint32_t index, BytesView bytes, TimePoint now) {
  out_.push_back({to, index, bytes});
  counts_.sent_bytes += bytes.size();
  wire_sent_ += bytes.size() + kWireOverhead;
  pacer_.sent(bytes.size() + kWireOverhead, now);
}

Control Sender::Impl::message(MessageType type) const {
  Control out;
  out.type = type;
  out.session = name_.session;
  out.epoch = keys_.epoch();
  out.digests = attacked_;
  out.sent = keys_.group_sent();
  out.ended = ended();
  out.group = static_cast<std::uint32_t>(group_size());
  out.backoff = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(longest_backoff()).count());
  return out;
}

void Sender::Impl::control(Control message, Destination to, std::uint32_t index, TimePoint now) {
  message.sequence = ++sequence_;
  sent_[sequence_ % sent_.size()] = {static_cast<std::uint32_t>(sequence_), now};
  Bytes datagram = write_control(message);
  keys_.sign(datagram);
  controls_.push_back({to, index, std::move(datagram)});
}

void Sender::Impl::announce(TimePoint now) {
  if (announced_ > 0 && now < next_announce_) return;
  ++announced_;
  const auto wall = announce_wall_ + std::chrono::duration_cast<WallTime::duration>(now - announce_epoch_);
  for (std::uint32_t i = 0; i < announcements_.size(); ++i) {
    Announcement& one = announcements_[i];
    one.sequence = announced_;
    one.time_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch()).count());
    controls_.push_back({Destination::announcement, i, sign_announcement(one, *announce_key_)});
  }
  const std::size_t pause = static_cast<std::size_t>(announced_ - 1);
  next_announce_ = now + std::chrono::seconds(pause < kAnnouncePauses.size() ? kAnnouncePauses[pause] : 10);
}

/// So often that the answers stay below a thousandth of what is sent; below three while the rate is still looked for, which is asked for as soon
/// as the answers can speak of the present one.
Duration Sender::Impl::probe_interval() const {
  const std::size_t group = group_size(), sample = std::max<std::size_t>(1, group / kSampled);  // one in so many answers
  const double answers = static_cast<double>((group + sample - 1) / sample) * 140 * 8;
  const double share = rate_control_.rising() ? 0.003 : 0.001;
  const double seconds = answers / (share * static_cast<double>(pacer_.rate()));
  const Duration enough(static_cast<Duration::rep>(seconds * 1e9));
  if (!streaming_ && windows_.empty()) return 1s;  // only single receivers are served: it says that the group is still there
  const Duration measured = pacer_.time_of(measurable() * packet_size() * 5 / 4);
  const Duration least = rate_control_.rising() ? std::clamp<Duration>(measured, kLeastProbeRising, kLeastProbe) : kLeastProbe;
  // An answer comes while its question is still known.
  const Duration trips = std::max<Duration>(2 * std::min(rtt_, shortest_rtt_), 2 * rtt_ / static_cast<std::int64_t>(probes_.size()));
  return std::clamp<Duration>(std::max(enough, trips), least, 1s);
}

/// Where the rate goes by the ways, it is asked for once a round trip, so that question and answer of one stay below a twentieth of what is sent.
Duration Sender::Impl::path_interval() const {
  const Duration enough(static_cast<Duration::rep>(kPathAnswerBits * 20e9 / static_cast<double>(pacer_.rate())));
  // Queues are watched more closely than that.
  const Duration trip = options_.congestion == Congestion::tfmcc ? std::min(rtt_, kLongestPathInterval) : Duration{};
  return std::clamp<Duration>(std::max(enough, trip), 20ms, 200ms);
}

PathQuestion Sender::Impl::path_question(TimePoint now) {
  PathQuestion out;
  out.time = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
  if (options_.congestion == Congestion::tfmcc) out.rate = static_cast<std::uint32_t>(std::min<std::uint64_t>(pacer_.rate() / 1000, 0xffffffff));
  out.limiting = out.told = path_rate_->limiting();
  if (!to_tell_.empty()) {
    out.told = to_tell_.front();
    to_tell_.pop_front();
  }
  const auto us = [](Duration time) { return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count()); };
  if (const Peer* told = find(out.told)) out.round_trip = us(told->mean_trip);
  if (out.round_trip == 0) out.told = {};
  out.longest = us(rtt_);
  return out;
}

void Sender::Impl::probe(TimePoint now) {
  if (path_rate_) step_path_rate(now);
  else if (!opening_.active()) step_rate(now);
  Control out = message(MessageType::probe);
  const auto group = static_cast<std::uint32_t>(group_size());
  if (!path_rate_) {
    out.sample = std::max(1u, group / kSampled);
  } else {
    const bool rising = path_rate_->limiting().value == 0;
    if (now >= next_sample_) out.sample = std::max(1u, group / (rising ? kSampledRising : kSampled));
    if (out.sample > 0) next_sample_ = now + (rising ? path_interval() : probe_interval());
    out.path = path_question(now);
  }
  const Probe& probe = probes_[probes_sent_++ % probes_.size()] = {sequence_ + 1, out.sample};
  control(std::move(out), Destination::group, 0, now);
  for (const auto& peer : peers_) {
    if (peer && peer->in_group() && !peer->has_all() && !peer->asked && is_sampled(probe.sequence, peer->number, probe.sample)) peer->asked = now;
  }
  next_probe_ = now + (path_rate_ && !group_is_done() ? path_interval() : probe_interval());
}

/// The first packets leave in trains (§5.7): asks what came of one, until it is known, and sets off the next.
void Sender::Impl::tend_opening(TimePoint now) {
  if (!held_by_opening()) {
    if (opening_.asked() || streaming_ || !pending_.empty()) return;
    opening_.stop();  // all of it was less than the train
    return end_opening(now);
  }
  if (!opening_.asked() || now >= next_probe_) ask_of_opening(now);
  if (!opening_.settled(rtt_, now)) return;
  const bool answered = opening_.answered();
  opening_.judge();
  if (!opening_.active()) {
    if (!answered && !opening_.last()) rate_control_.silence();
    return end_opening(now);
  }
  pacer_.set_rate(static_cast<std::uint64_t>(opening_.rate()));
  next_probe_ = now + probe_interval();
}

/// What the last train told that was answered is where the rate begins.
void Sender::Impl::end_opening(TimePoint now) {
  if (opening_.last()) rate_control_.opened(*opening_.last());
  rate_changed();
  if (opening_.last() && opening_.last()->limited) overrun_ = rate_since_;
  wire_sent_ = 0;
  wire_since_ = now;
  was_idle_ = false;
}

/// Names some receivers, evenly spread, and again those that have not answered: a full queue drops questions, too.
void Sender::Impl::ask_of_opening(TimePoint now) {
  if (!opening_.asked()) {
    std::vector<ReceiverNumber> listeners;
    for (const auto& peer : peers_) {
      if (peer && peer->in_group() && !peer->has_all()) listeners.push_back(peer->number);
    }
    const std::size_t some = std::min<std::size_t>(listeners.size(), kSampled);
    for (std::size_t i = 0; i < some; ++i) opening_.ask(listeners[i * listeners.size() / some]);
    opening_.set_asked(now);
  }
  Control out = message(MessageType::probe);
  out.census = census_ = static_cast<std::uint16_t>(census_ % 0x0fff + 1);
  for (const ReceiverNumber number : opening_.unanswered()) {
    out.receivers.push_back({number, 1});
    if (Peer* peer = find(number); peer != nullptr && !peer->asked) peer->asked = now;
  }
  out.slots = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(kAnswerSlot * out.receivers.size()).count());
  control(std::move(out), Destination::group, 0, now);
  next_probe_ = now + std::max<Duration>(kOpeningRepeat, rtt_ / 8);
}

/// Whether nothing is left to do for the group: only single receivers, if any, are still served.
bool Sender::Impl::group_is_done() const { return begun_ && !streaming_ && pending_.empty() && windows_.empty(); }

/// Asks everybody who is not known to hold everything, but for those who are being served; whoever does not answer is asked again.
void Sender::Impl::census(TimePoint now) {
  Control out = message(MessageType::probe);
  std::uint32_t asked = 0;
  for (const auto& peer : peers_) {
    if (!peer || peer->has_all()) continue;
    const bool served = !peer->needs.empty() || peer->flow.state != UnicastFlow::State::idle;
    if (served && peer->state != PeerState::silent) continue;
    ++asked;
    if (!peer->asked) peer->asked = now;
    auto& runs = out.receivers;
    if (!runs.empty() && (runs.back().first.value + runs.back().count == peer->number.value || runs.size() == kMaxRuns)) {
      runs.back().count = peer->number.value - runs.back().first.value + 1;
    } else {
      runs.push_back({peer->number, 1});
    }
  }
  const Duration slots = kAnswerSlot * asked;
  const Duration pause = slots + gather() + 20ms;
  next_census_ = now + std::min<Duration>(std::max<Duration>(1s, pause), pause * (1 << std::min(census_tries_++, 6u)));
  if (asked == 0) return;
  census_ = static_cast<std::uint16_t>(census_ % 0x0fff + 1);
  out.census = census_;
  out.slots = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(slots).count());
  control(std::move(out), Destination::group, 0, now);
}

/// The next epoch begins when those who listen know its secret.
void Sender::Impl::tend_secret(TimePoint now) {
  if (!keys_.next_secret()) return;
  const std::uint8_t next = static_cast<std::uint8_t>(keys_.epoch() + 1);
  const bool known = std::ranges::all_of(peers_, [next](const auto& peer) {
    return !peer || !peer->in_group() || peer->has_all() || peer->state == PeerState::silent || peer->epoch >= next;
  });
  if (!known && now < secret_used_at_) return;
  keys_.begin_next_epoch();
  secret_used_at_ = TimePoint::max();
  if (keys_.exhausted()) fail_for_keys();
}

/// Somebody left, and there is still somebody to send to.
bool Sender::Impl::secret_due() const {
  if (!secret_wanted_ || over_ || !failure_.empty() || keys_.next_secret()) return false;
  return std::ranges::any_of(peers_, [](const auto& peer) { return peer && !peer->settled(); });
}

void Sender::Impl::fail_for_keys() {
  fail("the session has used up its keys (256 epochs: one for every 2^23 packets, and for each time that members left); send the rest in another session");
}

void Sender::Impl::tick(TimePoint now) {
  count_group();
  attacked_ = attacked(now);
  if (!announcements_.empty()) announce(now);
  if (!begun_) {
    const auto joined = static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& peer) { return peer != nullptr; }));
    const bool late = options_.start_after != Duration::max() && now - created_ >= options_.start_after;
    if (joined > 0 && (joined >= options_.start_receivers || late)) begin(now);
    if (!begun_) return;
  }
  tend_secret(now);
  tend_windows(now);
  invite(now);
  open_stream_window();
  tend_flows(now);
  watch_silence(now);
  if (opening_.active()) tend_opening(now);
  const SenderPhase at = phase();
  if (probe_due(now)) probe(now);
  if (at == SenderPhase::streaming || (at == SenderPhase::draining && !group_is_done())) {
    settled_since_ = TimePoint::max();
  } else if (at == SenderPhase::settling || at == SenderPhase::draining) {
    if (settled_since_ == TimePoint::max()) {
      settled_since_ = now;
      census_tries_ = 0;
      next_census_ = now + kAnswerSlot * static_cast<std::int64_t>(group_size()) + 2 * rtt_ + 2ms;
    }
    if (now >= next_census_) census(now);
  }
}

bool Sender::Impl::emit_control() {
  if (controls_.empty()) return false;
  Waiting next = std::move(controls_.front());
  controls_.pop_front();
  leaving_controls_.push_back(std::move(next.bytes));
  out_.push_back({next.to, next.index, leaving_controls_.back()});
  counts_.sent_bytes += leaving_controls_.back().size();
  return true;
}

void Sender::Impl::poll(TimePoint now) {
  out_.clear();
  leaving_controls_.clear();
  buffers_used_ = 0;
  if (over_ || !failure_.empty()) return;
  tick(now);
  while (out_.size() < kBatch) {
    if (emit_control()) continue;
    if (!begun_ || !failure_.empty() || !pacer_.ready(now)) break;
    if (send_wanted_digests(now)) continue;
    if (send_unicast(now)) continue;
    RepairWindow* window = next_window();
    was_idle_ = was_idle_ || window == nullptr;
    if (window == nullptr || !send_to_group(*window, now)) break;
  }
}

TimePoint Sender::Impl::next_wakeup() const {
  if (over_ || !failure_.empty()) return TimePoint::max();
  TimePoint at = announcements_.empty() ? TimePoint::max() : next_announce_;
  if (!begun_) {
    const bool anybody = std::ranges::any_of(peers_, [](const auto& peer) { return peer != nullptr; });
    return anybody && options_.start_after != Duration::max() ? std::min(at, created_ + options_.start_after) : at;
  }
  if (!controls_.empty()) return TimePoint::min();
  if (!digest_jobs_.empty()) at = std::min(at, pacer_.next());
  if (keys_.next_secret()) at = std::min(at, secret_used_at_);
  if (secret_due()) at = std::min(at, next_secret_at_);
  if ((group_work() || (!streaming_ && may_open())) && !held_by_opening()) at = std::min(at, pacer_.next());
  if (held_by_opening()) at = opening_.asked() ? std::min({at, next_probe_, opening_.next_wakeup(rtt_)}) : TimePoint::min();  // the question is part of the train
  if (inviting_) at = std::min(at, invited_until_);
  for (const RepairWindow& window : windows_) {
    if (window.first_sending() || window.todo() > 0) {
      at = std::min(at, window.plan_at);
    } else {
      at = std::min(at, window.last_end == TimePoint::min() ? TimePoint::min() : window.last_end + gather() + (window.news ? Duration{} : Duration(2ms)));
    }
  }
  const bool unicast = !flows_.empty() && unicast_may_go();
  for (const Peer* peer : flows_) {
    if (unicast && peer->flow.state == UnicastFlow::State::sending) at = std::min(at, std::max(peer->flow.pacer.next(), pacer_.next()));
    if (peer->flow.state == UnicastFlow::State::waiting) at = std::min(at, peer->flow.deadline);
  }
  const SenderPhase in = phase();
  if (asks_group()) at = std::min(at, next_probe_);
  if (in == SenderPhase::settling || (in == SenderPhase::draining && group_is_done())) at = std::min(at, settled_since_ == TimePoint::max() ? TimePoint::min() : next_census_);
  return at;
}

// --- the public face ---

Sender::Sender(const SenderOptions& options, const SessionName& name, SenderKeys& keys, BlockSource& source, TimePoint now)
    : impl_(std::make_unique<Impl>(options, name, keys, source, now)) {}
Sender::~Sender() = default;

void Sender::announce(std::vector<Announcement> announcements, const KeyPair& key, WallTime wall, TimePoint now) {
  impl_->announcements_ = std::move(announcements);
  impl_->announce_key_ = &key;
  impl_->announce_wall_ = wall;
  impl_->announce_epoch_ = impl_->next_announce_ = now;
}

JoinedReceiver Sender::add_receiver(BlockSet wanted, const Secret& secret, TimePoint now) {
  Impl& i = *impl_;
  assert(wanted.end() == i.options_.stream.blocks());
  const ReceiverNumber number{static_cast<std::uint32_t>(i.peers_.size() + 1)};
  i.keys_.add_receiver(number, secret);
  i.peers_.push_back(std::make_unique<Peer>(number, std::move(wanted), now));
  Peer& peer = *i.peers_.back();
  if (peer.wanted.empty()) peer.state = PeerState::complete;
  const std::uint32_t position = i.begun_ ? i.ended() : 0;
  // The window under way counts as sent: what it got of it, it got.
  std::uint32_t from = position;
  if (i.streaming_ && i.first_pass_) from = i.windows_.back().work().back().block.value + 1;
  for (std::uint32_t b = peer.wanted.next(0); b < peer.wanted.end(); b = peer.wanted.next(b + 1)) {
    const BlockIndex block{b};
    const bool fresh = i.wanted_.insert(block);
    if (fresh) i.counts_.source_packets += i.options_.stream.symbols_in(block);
    if (!i.begun_ || (b >= from && i.first_pass_)) {
      i.pending_.insert(block);
    } else {
      peer.needs.set(block, static_cast<std::uint8_t>(i.options_.stream.symbols_in(block)));
    }
  }
  return {number, BlockIndex{from}};
}

void Sender::remove_receiver(ReceiverNumber receiver) {
  if (Peer* peer = impl_->find(receiver)) {
    impl_->keys_.remove_receiver(peer->number);
    std::erase(impl_->flows_, peer);
    impl_->peers_[receiver.value - 1].reset();
  }
}

void Sender::evict(ReceiverNumber receiver, TimePoint) {
  const Peer* peer = impl_->find(receiver);
  if (peer == nullptr) return;
  // One that holds everything has nothing to learn any more.
  impl_->secret_wanted_ = impl_->secret_wanted_ || (impl_->begun_ && peer->state != PeerState::verified);
  remove_receiver(receiver);
}

bool Sender::wants_secret(TimePoint now) const {
  return impl_->secret_due() && now >= impl_->next_secret_at_;
}

void Sender::set_next_secret(const Secret& secret, TimePoint now) {
  impl_->secret_wanted_ = false;
  impl_->keys_.set_next_secret(secret);
  impl_->next_secret_at_ = now + kBetweenSecrets;
  impl_->secret_used_at_ = now + kSecretPatience;
}

void Sender::set_verified(ReceiverNumber receiver, TimePoint now) {
  Peer* peer = impl_->find(receiver);
  if (peer == nullptr) return;
  peer->state = PeerState::verified;
  peer->done = peer->wanted.size();
  peer->heard = now;
  peer->needs.clear();
  peer->flow.state = UnicastFlow::State::idle;
}

void Sender::set_elsewhere(ReceiverNumber receiver, bool elsewhere) {
  Peer* peer = impl_->find(receiver);
  if (peer == nullptr) return;
  peer->elsewhere = elsewhere;
  if (elsewhere) peer->flow.state = UnicastFlow::State::idle;
}

void Sender::set_failed(ReceiverNumber receiver, TimePoint now) {
  Peer* peer = impl_->find(receiver);
  if (peer == nullptr || peer->state == PeerState::verified) return;
  peer->state = PeerState::failed;
  peer->heard = now;
}

void Sender::begin(TimePoint now) { impl_->begin(now); }
void Sender::end() { impl_->over_ = true; }

void Sender::set_readable(BlockIndex end) { impl_->readable_ = end.value; }

void Sender::set_ceiling(std::uint64_t ceiling, bool fixed) {
  impl_->ceiling_ = ceiling;
  impl_->rate_control_.set_ceiling(ceiling, fixed);
  impl_->pacer_.set_rate(impl_->path_rate_ ? std::min(impl_->pacer_.rate(), ceiling) : impl_->rate_control_.rate());
}

void Sender::on_datagram(BytesView datagram, TimePoint now) { impl_->take_report(datagram, now); }

std::span<const Outgoing> Sender::poll(TimePoint now) {
  impl_->poll(now);
  return impl_->out_;
}

TimePoint Sender::next_wakeup() const { return impl_->next_wakeup(); }

SenderPhase Sender::phase() const { return impl_->phase(); }

SenderProgress Sender::progress(TimePoint now) const {
  const Impl& i = *impl_;
  SenderProgress out = i.counts_;
  (void)now;
  out.phase = i.phase();
  out.blocks = i.wanted_.size();
  out.blocks_sent = i.begun_ ? i.wanted_.size() - (i.first_pass_ ? i.pending_.size() : 0) : 0;
  out.rate = i.pacer_.rate();
  out.loss = i.loss_;
  out.rtt = i.rtt_;
  out.attacked = i.attacked_;
  out.failure = i.failure_;
  for (const auto& peer : i.peers_) {
    if (!peer) continue;
    ++out.receivers;
    out.verified += peer->state == PeerState::verified;
    out.silent += peer->state == PeerState::silent;
    out.failed += peer->state == PeerState::failed;
  }
  return out;
}

PeerProgress Sender::receiver(ReceiverNumber number, TimePoint now) const {
  PeerProgress out;
  out.number = number;
  const Peer* peer = impl_->find(number);
  if (peer == nullptr) return out;
  out.state = peer->state;
  out.blocks_wanted = peer->wanted.size();
  out.blocks_done = peer->done;
  out.loss = peer->loss;
  out.away = peer->away;
  out.alone = peer->quarantined;
  out.alone_blocks = peer->needs.blocks();
  out.silence = now - peer->heard;
  out.unicast_symbols = peer->unicast_symbols;
  out.nothing_comes = peer->vain.nothing_comes();
  out.quarantined = peer->quarantined;
  out.insatiable = peer->insatiable;
  out.suspects = peer->suspects;
  return out;
}

std::vector<PeerProgress> Sender::receivers(TimePoint now) const {
  std::vector<PeerProgress> out;
  for (const auto& peer : impl_->peers_) {
    if (peer) out.push_back(receiver(peer->number, now));
  }
  return out;
}

}  // namespace ghost::ardus
