#include "ardus/simulation.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <queue>

#include "ardus/block_decoder.h"
#include "ardus/receiver.h"
#include "ardus/simulation_link.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

const TimePoint kStart = TimePoint{} + 1h;

/// Content that needs no room: each block's bytes follow from the seed and its index.
class SimulatedSource : public BlockSource {
 public:
  SimulatedSource(const StreamShape& stream, std::uint64_t seed) : stream_(stream), seed_(seed) {}

  Status read(BlockIndex block, std::span<std::uint8_t> out) override {
    fill(block, out);
    return {};
  }
  bool equals(BlockIndex block, BytesView bytes) {
    expected_.resize(bytes.size());
    fill(block, expected_);
    return std::ranges::equal(expected_, bytes);
  }

 private:
  void fill(BlockIndex block, std::span<std::uint8_t> out) const {
    const std::uint64_t from = std::uint64_t{block.value} * block_bytes(stream_.layout);
    const std::size_t content = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), stream_.bytes - from));
    std::uint64_t state = seed_ * 0x9e3779b97f4a7c15u + block.value;
    for (std::size_t at = 0; at < out.size(); at += sizeof state) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const std::uint64_t word = state ^ state >> 29;
      std::memcpy(out.data() + at, &word, sizeof word);
    }
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(content), out.end(), std::uint8_t{0});
  }

  StreamShape stream_;
  std::uint64_t seed_;
  Bytes expected_;
};

/// Counts symbols and keeps none.
class CountingStore : public SymbolStore {
 public:
  std::uint8_t* place(BlockIndex, SymbolIndex) override { return nullptr; }
  void keep(BlockIndex, SymbolIndex) override {}
  void finish(BlockIndex) override {}
  void drop(BlockIndex) override {}
  BytesView bytes(BlockIndex, SymbolIndex) override { return {}; }
  void forget(BlockIndex, SymbolIndex) override {}
};

/// Says that it lacks a lot, again and again.
class LyingKeys : public SessionReceiverKeys {
 public:
  using SessionReceiverKeys::SessionReceiverKeys;
  std::uint32_t blocks = 0;
  Bytes seal_report(const ReportHeader& header, const ReportBody& body) override {
    ReportHeader lie = header;
    ReportBody false_body = body;
    lie.phase = ReceiverPhase::receiving;
    false_body.done = 0;
    false_body.everything = true;
    false_body.deficits = {{BlockIndex{0}, blocks, 60}};
    return SessionReceiverKeys::seal_report(lie, false_body);
  }
};

/// Says that it lost everything.
class ComplainingKeys : public SessionReceiverKeys {
 public:
  using SessionReceiverKeys::SessionReceiverKeys;
  Bytes seal_report(const ReportHeader& header, const ReportBody& body) override {
    ReportBody false_body = body;
    false_body.loss = 65535;
    return SessionReceiverKeys::seal_report(header, false_body);
  }
};

/// Believes everything: the simulated network gives it nothing that was damaged.
class TrustingKeys : public SessionReceiverKeys {
 public:
  using SessionReceiverKeys::SessionReceiverKeys;
  bool open(Path, const DataHeader&, BytesView, std::uint8_t*) override { return true; }
  bool verify(BytesView) override { return true; }
};

class ComparingSink : public BlockSink {
 public:
  explicit ComparingSink(SimulatedSource& source) : source_(source) {}
  /// Stands for the hashes of the chunks: a block that no proof was asked for is asked for anew.
  void on_block(BlockIndex block, BytesView bytes) override {
    if (source_.equals(block, bytes)) return void(held.insert(block));
    if (receiver == nullptr || receiver->proven(block)) {
      ++wrong;
    } else {
      ++rejected;
      receiver->reject(block, now);
    }
  }
  std::uint64_t wrong = 0, rejected = 0;
  BlockSet held;
  Receiver* receiver = nullptr;  ///< where a member forges symbols
  TimePoint now;

 private:
  SimulatedSource& source_;
};

/// Datagrams that left together, shared by all who get them.
struct Burst {
  std::vector<Bytes> datagrams;
};

struct SimulatedReceiver {
  SimulatedReceiver(const SimulationOptions& options, std::size_t index, SimulatedSource& source, const StreamShape& stream)
      : down(options.loss, options.burst, options.seed * 7919 + index * 2), up(options.loss, 1, options.seed * 7919 + index * 2 + 1),
        faults(options.seed * 104729 + index), queue(index + options.slow >= options.receivers ? options.slow_rate : options.link_rate),
        slow(queue.limited() && index + options.slow >= options.receivers), sink(source) {
    decoder.emplace(stream, sink);
    sink.held = index < options.held.size() ? options.held[index] : BlockSet(stream.blocks());
  }

  SimulatedLoss down, up;
  SeededRandom faults;
  SimulatedQueue queue;
  bool slow;
  bool real = false;
  bool evicted = false;
  TimePoint evicted_at;
  std::optional<std::uint64_t> symbols_then;  ///< that it had when the first packet came which it was not to open
  ComparingSink sink;
  std::optional<BlockDecoder> decoder;
  CountingStore counter;
  std::unique_ptr<SessionReceiverKeys> keys;
  std::unique_ptr<Receiver> core;
  ReceiverNumber number;
  std::vector<Bytes> held_back;  ///< reordered: come after the next burst
  TimePoint wakes = TimePoint::max();
  TimePoint done = TimePoint::max();
};

class Simulation {
 public:
  Simulation(const SimulationOptions& options, const std::function<void(double)>& progress)
      : options_(options), progress_(progress), stream_{options.bytes, options.layout}, key_(KeyPair::generate()), random_(options.seed), name_{1, drawn<SessionNonce>(), key_.public_key()},
        keys_(name_, drawn<Secret>(), key_, options.keys), source_(stream_, options.seed), sender_(sender_options(options), name_, keys_, source_, kStart), bottleneck_(options.bottleneck, options.bottleneck_queue), flows_(options.others.size()) {
    for (std::size_t i = 0; i < options.receivers; ++i) receivers_.push_back(std::make_unique<SimulatedReceiver>(options, i, source_, stream_));
    const std::size_t real = std::min(options.real, options.receivers);
    for (std::size_t i = 0; i < real; ++i) receivers_[i * options.receivers / real]->real = true;
  }

  SimulationResult run() {
    for (const Restart& one : options_.restarts) schedule({kStart + one.at, 0, Kind::restart, one.receiver, nullptr});
    for (const Eviction& eviction : options_.evictions) schedule({kStart + eviction.at, 0, Kind::eviction, eviction.receiver, nullptr});
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
      const auto late = std::ranges::find(options_.late, i, &LateJoin::receiver);
      if (late == options_.late.end()) {
        join(i, kStart);
      } else {
        schedule({kStart + late->at, 0, Kind::join, i, nullptr});
      }
    }
    for (std::size_t i = 0; i < flows_.size(); ++i) schedule({kStart + options_.others[i].from, 0, Kind::flow_timer, i, nullptr});
    if (options_.content_at > Duration{}) {
      sender_.set_readable(BlockIndex{0});
      schedule({kStart + options_.content_at, 0, Kind::content, 0, nullptr});
    }
    sender_.begin(kStart);
    pump_sender(kStart);
    while (!queue_.empty() && !finished_) {
      const Event event = queue_.top();
      queue_.pop();
      now_ = event.time;
      if (now_ - kStart >= options_.killed_at) break;
      if (now_ - kStart > options_.limit) {
        failure_ = "the session did not end within its time";
        break;
      }
      handle(event);
    }
    return result();
  }

 private:
  enum class Kind : std::uint8_t { burst, burst_through, unicast, report, sender_timer, receiver_timer, join, through, eviction, told_secret, restart, content, flow_acknowledged, flow_timer };
  struct Event {
    TimePoint time;
    std::uint64_t order;
    Kind kind;
    std::size_t receiver;
    std::shared_ptr<const Burst> burst;
    std::uint64_t segment = 0;
    TimePoint sent{};
    bool operator<(const Event& other) const { return time != other.time ? time > other.time : order > other.order; }
  };

  static SenderOptions sender_options(const SimulationOptions& options) {
    SenderOptions out;
    out.stream = {options.bytes, options.layout};
    out.ceiling = options.rate;
    out.fixed_rate = options.fixed_rate;
    out.congestion = options.congestion;
    out.start_receivers = options.receivers + 1;  // begin() is called
    out.give_up_after = options.give_up_after;
    return out;
  }

  /// As random as the seed makes it.
  template <class T>
  T drawn() {
    T out;
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    return out;
  }

  void restart(std::size_t index) {
    SimulatedReceiver& receiver = *receivers_[index];
    if (!receiver.core) return;
    sender_.remove_receiver(receiver.number);
    receiver.core.reset();
    receiver.decoder.emplace(stream_, receiver.sink);
    receiver.held_back.clear();
    receiver.wakes = receiver.done = TimePoint::max();
    join(index, now_);
  }

  void evict(std::size_t index) {
    SimulatedReceiver& receiver = *receivers_[index];
    sender_.evict(receiver.number, now_);
    receiver.evicted = true;
    receiver.evicted_at = now_;
    pump_sender(now_);
  }

  /// Control connections bring it to each after half a round trip.
  void spread_secret() {
    if (!sender_.wants_secret(now_)) return;
    sender_.set_next_secret(drawn<Secret>(), now_);
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
      if (receivers_[i]->core && !receivers_[i]->evicted) schedule({now_ + options_.rtt / 2, 0, Kind::told_secret, i, nullptr});
    }
  }

  void tell_secret(std::size_t index) {
    SimulatedReceiver& receiver = *receivers_[index];
    if (!keys_.next_secret()) return;
    receiver.keys->learn(static_cast<std::uint8_t>(keys_.epoch() + 1), *keys_.next_secret());
    receiver.core->keys_told(now_);
    pump_receiver(index);
  }

  void schedule(Event event) {
    event.order = ++order_;
    queue_.push(std::move(event));
  }

  void join(std::size_t index, TimePoint now) {
    SimulatedReceiver& receiver = *receivers_[index];
    const Secret secret = drawn<Secret>();
    BlockSet wanted = BlockSet::all(stream_.blocks());
    for (std::uint32_t b = 0; b < wanted.end(); ++b) {
      if (receiver.sink.held.contains(BlockIndex{b})) wanted.erase(BlockIndex{b});
    }
    const JoinedReceiver joined = sender_.add_receiver(wanted, secret, now);
    receiver.number = joined.number;
    if (index + options_.liars >= options_.receivers) {
      auto liar = std::make_unique<LyingKeys>(name_, keys_.epoch(), keys_.epoch_secret(), joined.number, secret, options_.keys);
      liar->blocks = stream_.blocks();
      receiver.keys = std::move(liar);
    } else if (index < options_.complainers) {
      receiver.keys = std::make_unique<ComplainingKeys>(name_, keys_.epoch(), keys_.epoch_secret(), joined.number, secret, options_.keys);
    } else if (receiver.real) {
      receiver.keys = std::make_unique<SessionReceiverKeys>(name_, keys_.epoch(), keys_.epoch_secret(), joined.number, secret, options_.keys);
    } else {
      receiver.keys = std::make_unique<TrustingKeys>(name_, keys_.epoch(), keys_.epoch_secret(), joined.number, secret, options_.keys);
    }
    if (keys_.next_secret()) receiver.keys->learn(static_cast<std::uint8_t>(keys_.epoch() + 1), *keys_.next_secret());
    ReceiverOptions options;
    options.session = name_.session;
    options.number = joined.number;
    options.stream = stream_;
    options.position = joined.position;
    options.seed = options_.seed;
    options.guarded = receiver.real;
    SymbolStore& store = receiver.real ? static_cast<SymbolStore&>(*receiver.decoder) : receiver.counter;
    receiver.core = std::make_unique<Receiver>(options, wanted, *receiver.keys, store, now);
    by_number_.push_back(index);
    if (options_.insider != nullptr) receiver.sink.receiver = receiver.core.get();
    if (wanted.empty()) {  // its receipt comes at once
      receiver.core->set_verified(now);
      sender_.set_verified(receiver.number, now);
    }
    pump_receiver(index);
    if (now_ > kStart) pump_sender(now);
  }

  bool out(std::size_t index) const {
    return std::ranges::any_of(options_.outages, [&](const Outage& outage) {
      return outage.receiver == index && now_ - kStart >= outage.from && (outage.until == Duration::max() || now_ - kStart < outage.until);
    });
  }

  void handle(const Event& event) {
    switch (event.kind) {
      case Kind::burst: deliver_burst(event.burst, 0, bottleneck_.limited() ? options_.before_bottleneck : receivers_.size()); break;
      case Kind::burst_through: deliver_burst(event.burst, options_.before_bottleneck, receivers_.size()); break;
      case Kind::unicast: deliver(event.receiver, *event.burst); break;
      case Kind::through: hand_over(event.receiver, {event.burst->datagrams.front()}); break;
      case Kind::report:
        for (const Bytes& report : event.burst->datagrams) sender_.on_datagram(report, now_);
        confirm(event.receiver);
        pump_sender(now_);
        finished_ = finished();
        break;
      case Kind::sender_timer:
        if (event.time == sender_wakes_) pump_sender(now_);
        finished_ = finished();
        break;
      case Kind::receiver_timer:
        if (event.time == receivers_[event.receiver]->wakes) pump_receiver(event.receiver);
        break;
      case Kind::join: join(event.receiver, now_); break;
      case Kind::eviction: evict(event.receiver); break;
      case Kind::content:
        sender_.set_readable(BlockIndex{stream_.blocks()});
        pump_sender(now_);
        break;
      case Kind::restart: restart(event.receiver); break;
      case Kind::told_secret: tell_secret(event.receiver); break;
      case Kind::flow_acknowledged:
        flows_[event.receiver].acknowledged(event.segment, now_ - event.sent, now_);
        pump_flow(event.receiver);
        break;
      case Kind::flow_timer: tick_flow(event.receiver); break;
    }
  }

  /// Stands for the receipt over the control connection.
  void confirm(std::size_t index) {
    SimulatedReceiver& receiver = *receivers_[index];
    if (sender_.receiver(receiver.number, now_).state != PeerState::complete) return;
    if (!receiver.core->complete() || receiver.sink.wrong > 0) {
      sender_.set_failed(receiver.number, now_);
      return;
    }
    receiver.core->set_verified(now_);
    sender_.set_verified(receiver.number, now_);
  }

  void pump_sender(TimePoint now) {
    while (true) {
      const bool told = keys_.next_secret().has_value();
      const auto outgoing = sender_.poll(now);
      if (told && !keys_.next_secret()) secret_used_ = now;
      if (outgoing.empty()) break;
      auto burst = std::make_shared<Burst>();
      for (const Outgoing& one : outgoing) {
        const bool to_group = one.to == Destination::group;
        if (!to_group && one.to != Destination::receiver) continue;
        const bool direct = !to_group && by_number_[one.index - 1] < options_.before_bottleneck;
        if (to_group && (!bottleneck_.limited() || options_.before_bottleneck > 0)) burst->datagrams.push_back(to_bytes(one.bytes));
        if (to_group && !bottleneck_.limited()) continue;
        const TimePoint through = direct ? now : pass_bottleneck(one.bytes.size() + kWireOverhead, &BottleneckShare::session, now);
        if (through == TimePoint::max()) continue;
        auto alone = std::make_shared<Burst>();
        alone->datagrams.push_back(to_bytes(one.bytes));
        schedule({through + options_.rtt / 2, 0, to_group ? Kind::burst_through : Kind::unicast, to_group ? 0 : by_number_[one.index - 1], std::move(alone)});
      }
      if (!burst->datagrams.empty()) schedule({now + options_.rtt / 2, 0, Kind::burst, 0, std::move(burst)});
    }
    spread_secret();
    const TimePoint next = std::max(sender_.next_wakeup(), now + 1us);
    if (next != sender_wakes_ && sender_.next_wakeup() != TimePoint::max()) {
      sender_wakes_ = next;
      schedule({next, 0, Kind::sender_timer, 0, nullptr});
    }
  }

  /// When it is through, TimePoint::max() when it was dropped.
  TimePoint pass_bottleneck(std::uint64_t wire_bytes, std::uint64_t BottleneckShare::*whose, TimePoint now) {
    if (!bottleneck_.limited()) return now;
    const TimePoint through = bottleneck_.pass(wire_bytes, now);
    if (through == TimePoint::max()) return through;
    const auto tenth = static_cast<std::size_t>((through - kStart) / 100ms);
    if (shares_.size() <= tenth) shares_.resize(tenth + 1);
    shares_[tenth].*whose += wire_bytes * 8;
    return through;
  }

  void pump_flow(std::size_t index) {
    const CrossTraffic& traffic = options_.others[index];
    if (traffic.until != Duration::max() && now_ - kStart >= traffic.until) return;
    RenoFlow& flow = flows_[index];
    std::uint64_t segment = flow.next();
    for (unsigned left = flow.take(); left > 0; --left, ++segment) {
      const TimePoint through = pass_bottleneck(RenoFlow::kWireBytes, &BottleneckShare::others, now_);
      if (through != TimePoint::max()) schedule({through + options_.rtt, 0, Kind::flow_acknowledged, index, nullptr, segment, now_});
    }
  }

  void tick_flow(std::size_t index) {
    if (flows_[index].next() == 0) flows_[index].start(now_);
    else if (now_ >= flows_[index].timeout()) flows_[index].on_timeout(now_);
    pump_flow(index);
    if (now_ - kStart < options_.others[index].until) schedule({std::max(flows_[index].timeout(), now_ + 1ms), 0, Kind::flow_timer, index, nullptr});
  }

  /// With what a member adds to it, for all but itself and those who would believe anything.
  std::shared_ptr<const Burst> attacked(const std::shared_ptr<const Burst>& burst) {
    auto both = std::make_shared<Burst>();
    Insider::Forged forged;
    options_.insider->hears(burst->datagrams, {name_, keys_.epoch(), keys_.epoch_secret(), stream_, receivers_[0]->number, *receivers_[0]->keys}, forged);
    for (const Bytes& datagram : forged.to_sender) sender_.on_datagram(datagram, now_);
    for (const std::vector<Bytes>* part : {&std::as_const(forged.before), &burst->datagrams, &std::as_const(forged.after)}) both->datagrams.insert(both->datagrams.end(), part->begin(), part->end());
    return both;
  }

  void deliver_burst(const std::shared_ptr<const Burst>& burst, std::size_t from, std::size_t end) {
    const auto heard = options_.insider != nullptr ? attacked(burst) : burst;
    for (std::size_t i = from; i < end; ++i) {
      if (i >= options_.deaf && receivers_[i]->core && receivers_[i]->core->wants_group()) deliver(i, receivers_[i]->real && i > 0 ? *heard : *burst);
    }
    if (progress_ && ++bursts_ % 64 == 0) progress_(share_done());
  }

  /// What of the datagrams comes through, in which order, and how.
  void deliver(std::size_t index, const Burst& burst) {
    SimulatedReceiver& receiver = *receivers_[index];
    if (out(index)) return;
    arriving_.clear();
    const bool faulty = options_.duplicate > 0 || options_.reorder > 0 || options_.corrupt > 0;
    std::vector<Bytes> held = std::exchange(receiver.held_back, {});
    spare_.clear();
    if (!faulty && receiver.down.good() >= burst.datagrams.size()) {
      receiver.down.pass(burst.datagrams.size());
      for (const Bytes& datagram : burst.datagrams) arriving_.push_back(datagram);
    } else {
      for (const Bytes& datagram : burst.datagrams) {
        if (receiver.down.lose()) continue;
        faulty ? disturb(receiver, datagram) : arriving_.push_back(datagram);
      }
    }
    for (const Bytes& datagram : held) arriving_.push_back(datagram);
    if (receiver.queue.limited()) {
      queue_up(index);
    } else if (!arriving_.empty()) {
      hand_over(index, arriving_);
    }
  }

  void disturb(SimulatedReceiver& receiver, const Bytes& datagram) {
    if (receiver.faults.chance(options_.corrupt)) {
      if (!receiver.real) return;  // its keys would find it out
      spare_.push_back(datagram);
      spare_.back()[receiver.faults.below(datagram.size())] ^= static_cast<std::uint8_t>(1 + receiver.faults.below(255));
      arriving_.push_back(spare_.back());
      return;
    }
    if (receiver.faults.chance(options_.reorder)) {
      receiver.held_back.push_back(datagram);
      return;
    }
    arriving_.push_back(datagram);
    if (receiver.faults.chance(options_.duplicate)) arriving_.push_back(datagram);
  }

  void queue_up(std::size_t index) {
    for (const BytesView datagram : arriving_) {
      const TimePoint at = receivers_[index]->queue.pass(datagram.size() + kWireOverhead, now_);
      if (at == TimePoint::max()) continue;
      auto alone = std::make_shared<Burst>();
      alone->datagrams.push_back(to_bytes(datagram));
      schedule({at, 0, Kind::through, index, std::move(alone)});
    }
  }

  void hand_over(std::size_t index, const std::vector<BytesView>& datagrams) {
    SimulatedReceiver& receiver = *receivers_[index];
    receiver.sink.now = now_;
    if (receiver.evicted && receiver.real && !receiver.symbols_then && now_ > secret_used_ + options_.rtt && secret_used_ > receiver.evicted_at) {
      receiver.symbols_then = receiver.core->progress(now_).symbols;
    }
    receivers_[index]->core->on_datagrams(datagrams, now_);
    pump_receiver(index);
  }

  void pump_receiver(std::size_t index) {
    SimulatedReceiver& receiver = *receivers_[index];
    const TimePoint due = receiver.core->next_wakeup();
    if (due <= now_) {
      for (const Outgoing& one : receiver.core->poll(now_)) {
        ++feedback_datagrams_;
        feedback_bytes_ += one.bytes.size();
        if (out(index) || receiver.up.lose()) continue;
        auto report = std::make_shared<Burst>();
        report->datagrams.push_back(to_bytes(one.bytes));
        schedule({now_ + (index < options_.complainers ? Duration{} : options_.rtt / 2), 0, Kind::report, index, std::move(report)});
      }
    }
    if (receiver.done == TimePoint::max() && receiver.core->complete()) receiver.done = now_;
    const TimePoint wakes = receiver.core->next_wakeup();
    if (wakes == TimePoint::max() || (wakes >= receiver.wakes && receiver.wakes > now_)) return;
    receiver.wakes = std::max(wakes, now_ + 1us);
    schedule({receiver.wakes, 0, Kind::receiver_timer, index, nullptr});
  }

  bool finished() const {
    const SenderPhase phase = sender_.phase();
    if (phase == SenderPhase::failed) return true;
    return phase == SenderPhase::lingering && std::ranges::all_of(receivers_, [](const auto& receiver) { return receiver->core != nullptr; });
  }

  double share_done() const {
    double done = 0;
    for (const auto& receiver : receivers_) {
      if (receiver->core) done += 1 - static_cast<double>(receiver->core->lacking().size()) / stream_.blocks();
    }
    return done / static_cast<double>(receivers_.size());
  }

  SimulationResult result() {
    SimulationResult out;
    out.sender = sender_.progress(now_);
    out.receivers = receivers_.size();
    out.verified = out.sender.verified;
    out.source_packets = out.sender.source_packets;
    out.feedback_datagrams = feedback_datagrams_;
    out.feedback_bytes = feedback_bytes_;
    out.payload_bytes = stream_.bytes;
    out.epoch = keys_.epoch();
    out.phase = sender_.phase();
    out.virtual_seconds = std::chrono::duration<double>(now_ - kStart).count();
    out.shares = std::move(shares_);
    out.failure = failure_.empty() ? out.sender.failure : failure_;
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
      const SimulatedReceiver& receiver = *receivers_[i];
      out.wrong_blocks += receiver.sink.wrong;
      out.held.push_back(receiver.sink.held);
      out.rejected_blocks += receiver.sink.rejected;
      if (receiver.core) out.forged_symbols += receiver.core->progress(now_).forged_symbols;
      out.evicted += receiver.evicted;
      if (receiver.symbols_then) out.read_after_eviction += receiver.core->progress(now_).symbols - *receiver.symbols_then;
      const bool verified = receiver.core && sender_.receiver(receiver.number, now_).state == PeerState::verified;
      out.decoded += receiver.real && verified;
      out.done_seconds.push_back(0);
      if (receiver.done == TimePoint::max()) continue;
      const double seconds = std::chrono::duration<double>(receiver.done - kStart).count();
      out.done_seconds.back() = seconds;
      out.slowest_seconds = std::max(out.slowest_seconds, seconds);
      const bool plain = i >= options_.deaf && !receiver.slow && std::ranges::count(options_.outages, i, &Outage::receiver) == 0 && std::ranges::count(options_.late, i, &LateJoin::receiver) == 0;
      if (plain) out.received_seconds = std::max(out.received_seconds, seconds);
    }
    return out;
  }

  SimulationOptions options_;
  const std::function<void(double)>& progress_;
  StreamShape stream_;
  KeyPair key_;
  SeededRandom random_;
  SessionName name_;
  SenderKeys keys_;
  SimulatedSource source_;
  Sender sender_;
  SimulatedQueue bottleneck_;
  std::vector<RenoFlow> flows_;
  std::vector<BottleneckShare> shares_;
  std::vector<std::unique_ptr<SimulatedReceiver>> receivers_;
  std::vector<std::size_t> by_number_;
  std::priority_queue<Event> queue_;
  std::uint64_t order_ = 0, bursts_ = 0;
  TimePoint now_ = kStart, sender_wakes_ = TimePoint::max(), secret_used_{};
  std::vector<BytesView> arriving_;
  std::deque<Bytes> spare_;
  std::uint64_t feedback_datagrams_ = 0, feedback_bytes_ = 0;
  std::string failure_;
  bool finished_ = false;
};

}  // namespace

SimulationResult simulate(const SimulationOptions& options, const std::function<void(double)>& progress) {
  return Simulation(options, progress).run();
}

}  // namespace ghost::ardus
