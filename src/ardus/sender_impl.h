#pragma once
// The inside of Sender: sender.cc has its public face and its clock, sender_stream.cc what goes to the group, sender_feedback.cc what
// comes back, sender_unicast.cc what goes to one receiver.
#include <array>
#include <bitset>
#include <deque>
#include <map>
#include <vector>

#include "ardus/block_cache.h"
#include "ardus/feedback.h"
#include "ardus/loss_meter.h"
#include "ardus/opening.h"
#include "ardus/pacer.h"
#include "ardus/parity_plan.h"
#include "ardus/path_rate.h"
#include "ardus/peer.h"
#include "ardus/rate_control.h"
#include "ardus/repair_window.h"
#include "ardus/sender.h"

namespace ghost::ardus {

inline constexpr std::uint8_t kGroupDeficit = kBlockSymbols / 2;  ///< §5.6: who lacks more of a block is served apart
inline constexpr unsigned kRepairShare = 4;                       ///< repair symbols for each new one at most: 80 %
inline constexpr double kUnicastShare = 0.01;                     ///< of the rate, while the group is being sent to
inline constexpr double kOutlierLoss = 0.3;                       ///< who loses more is not what the group's times are judged by
inline constexpr std::uint32_t kSampled = 16;                     ///< receivers that answer a PROBE
inline constexpr std::uint32_t kSampledRising = 4;                ///< the same in slow start, where the rate goes by the ways
inline constexpr Duration kBetweenSecrets = std::chrono::seconds(5);  ///< §3.4
inline constexpr Duration kSecretPatience = std::chrono::seconds(2);
inline constexpr Duration kAnswerSlot = std::chrono::microseconds(30);

struct Sender::Impl {
  Impl(const SenderOptions& options, const SessionName& name, SenderKeys& keys, BlockSource& source, TimePoint now);

  Layout layout() const { return options_.stream.layout; }
  std::size_t datagram_size() const { return data_datagram(layout()); }           ///< bytes of one of the stream's
  std::uint64_t measurable() const { return 2 * loss_span(layout()); }            ///< packets that a loss is told over, at most
  std::uint64_t packet_size() const { return datagram_size() + kWireOverhead; }        ///< the same on the wire

  // sender.cc
  SenderPhase phase() const;
  void poll(TimePoint now);
  void tick(TimePoint now);
  TimePoint next_wakeup() const;
  bool emit_control();
  bool group_is_done() const;
  void control(Control message, Destination to, std::uint32_t index, TimePoint now);
  Control message(MessageType type) const;
  void announce(TimePoint now);
  void probe(TimePoint now);
  void end_opening(TimePoint now);
  void tend_opening(TimePoint now);
  void ask_of_opening(TimePoint now);
  bool held_by_opening() const { return opening_.active() && keys_.group_sent() >= opening_.end(); }
  /// Whether the group is asked now and then: an opening asks by itself, but not while its train waits for something to send.
  bool asks_group() const { return !held_by_opening() && (phase() == SenderPhase::streaming || phase() == SenderPhase::draining); }
  bool probe_due(TimePoint now) const { return now >= next_probe_ && asks_group(); }
  PathQuestion path_question(TimePoint now);
  Duration probe_interval() const;
  Duration path_interval() const;
  void census(TimePoint now);
  void fail(std::string why);
  void tend_secret(TimePoint now);
  bool secret_due() const;
  void fail_for_keys();
  void emit(Destination to, std::uint32_t index, BytesView bytes, TimePoint now);
  std::uint8_t* buffer();

  // sender_stream.cc
  void begin(TimePoint now);
  bool may_open() const;
  void open_stream_window();
  void stream_again();
  bool prepare_for_slow(const std::vector<Peer*>& lacking);
  void end_slow_pass();
  void invite(TimePoint now);
  void rate_changed();
  void end_of_window(RepairWindow& window, TimePoint now);
  void tend_windows(TimePoint now);
  void judge(RepairWindow& window);
  void send_plan(RepairWindow& window, TimePoint now);
  bool group_work() const;
  RepairWindow* next_window();
  bool send_to_group(RepairWindow& window, TimePoint now);
  SymbolIndex advance(BlockIndex block);
  Duration gather() const { return longest_backoff() + 2 * rtt_; }
  Duration longest_backoff() const;
  std::size_t group_size() const { return group_; }
  void count_group();
  std::uint32_t ended() const;

  // sender_feedback.cc
  bool heard_since(std::uint32_t echo, TimePoint time) const { return echo != 0 && sent_[echo % sent_.size()].sequence == echo && sent_[echo % sent_.size()].time >= time; }
  void take_report(BytesView datagram, TimePoint now);
  void take_state(Peer& peer, const SenderKeys::Report& report, TimePoint now);
  void take_round_trip(Peer& peer, const ReportBody& body, TimePoint now);
  void take_loss(Peer& peer, const ReportBody& body, TimePoint now);
  void take_deficits(Peer& peer, const ReportBody& body, TimePoint now);
  void take_deficit(Peer& peer, BlockIndex block, std::uint8_t deficit, std::uint64_t seen, TimePoint now);
  RepairWindow& window_for(BlockIndex block);
  /// It is one of three or more that lose far more than most of the group do: their ways are slower than the rate.
  bool outlier(const Peer& peer) const { return peer.loss > kOutlierLoss && outliers_ >= 3 && outliers_ * 2 < group_ && !rate_control_.follows_slow(); }
  void take_path(Peer& peer, const PathReport& path, TimePoint now);
  void step_rate(TimePoint now);
  void step_path_rate(TimePoint now);
  double quantile_of_losses();
  bool is_news(Peer& peer, const ReportBody& body) const;
  void watch_silence(TimePoint now);
  void ask_alone(Peer& peer, TimePoint now);
  static void set_state_failed(Peer& peer);

  // sender_guard.cc
  bool attacked(TimePoint now) const { return now < digests_until_; }
  void take_suspicion(Peer& peer, const ReportBody& body, TimePoint now);
  void want_digests(BlockIndex block, TimePoint now);
  bool send_wanted_digests(TimePoint now);
  bool send_digests_before(const RepairWindow::Work& work, SymbolIndex symbol, TimePoint now);
  bool send_digests(BlockIndex block, std::uint16_t first, std::size_t count, TimePoint now);

  // sender_unicast.cc
  void start_flow(Peer& peer);
  void end_flow(Peer& peer, const ReportBody& body, TimePoint now);
  static double judge_rate(UnicastFlow& flow, double loss);
  void tend_flows(TimePoint now);
  bool group_first() const;
  bool unicast_may_go() const;
  bool send_unicast(TimePoint now);
  bool send_symbol_to(Peer& peer, TimePoint now);
  void ask(Peer& peer, TimePoint now);

  Peer* find(ReceiverNumber number) {
    return number.value > 0 && number.value <= peers_.size() ? peers_[number.value - 1].get() : nullptr;
  }

  SenderOptions options_;
  SessionName name_;
  SenderKeys& keys_;
  BlockCache cache_;
  Pacer pacer_;
  RateControl rate_control_;
  Opening opening_;                           ///< of a session whose rate is found by quantile
  std::unique_ptr<PathRate> path_rate_;       ///< the rate goes by it, where there is one
  std::uint64_t ceiling_;                     ///< bit/s on the wire
  std::deque<ReceiverNumber> to_tell_;        ///< whose round trip is to be told
  TimePoint next_sample_{};                   ///< PROBEs before it ask nobody but the one that path_rate_ goes by
  ParityPlan plan_;
  std::vector<std::unique_ptr<Peer>> peers_;  ///< by number - 1; null once removed
  std::vector<Peer*> flows_;                  ///< whose flow is not idle
  std::size_t group_ = 0;                     ///< who listens to the group and is not done, at the last tick
  std::size_t outliers_ = 0;                  ///< of them, who lose so much that the group does not wait for them
  std::size_t lacking_ = 0;                   ///< of them, who lack something and get most of what is sent
  bool begun_ = false, over_ = false;
  std::string failure_;
  TimePoint created_;

  // Secrets after somebody left.
  bool secret_wanted_ = false;
  TimePoint next_secret_at_ = TimePoint::min();  ///< not before, is another one wanted
  TimePoint secret_used_at_ = TimePoint::max();  ///< at the latest

  // The group.
  BlockSet wanted_;                ///< by any receiver
  BlockSet pending_;               ///< to be sent (again) by the stream
  std::map<std::uint32_t, std::uint16_t> again_;  ///< symbols of those that are sent again
  std::uint32_t readable_ = ~std::uint32_t{0};    ///< blocks below it; the others are still to come here
  bool first_pass_ = true;
  TimePoint invited_until_ = TimePoint::min();  ///< who left the group may come back before …
  bool inviting_ = false;                       ///< … which is yet to come
  unsigned slow_passes_ = 0;       ///< times that the rate went by slower ways
  bool again_waits_ = false;       ///< for the repair of the others, before slow ones get it once more
  std::vector<std::uint16_t> cursor_;  ///< next symbol of each block
  std::deque<RepairWindow> windows_;
  std::uint32_t next_serial_ = 1;
  bool streaming_ = false;  ///< windows_.back() is being sent for the first time
  unsigned since_new_ = 0;  ///< repair symbols since the last new one
  double unicast_credit_ = 0;

  // Members that forge symbols.
  TimePoint digests_until_{};
  bool attacked_ = false;  ///< at the last tick
  struct Digested {
    std::bitset<kSymbolEnd> told;
    TimePoint wanted{};   ///< when they were last asked for
  };
  std::map<BlockIndex, Digested> digested_;
  struct DigestJob {
    BlockIndex block;
    std::uint16_t first;
    std::size_t count;
  };
  std::deque<DigestJob> digest_jobs_;

  // Control and feedback.
  std::uint64_t sequence_ = 0;
  struct Sent {
    std::uint32_t sequence = 0;
    TimePoint time;
  };
  std::array<Sent, 64> sent_{};
  struct Probe {
    std::uint64_t sequence = 0;
    std::uint32_t sample = 0;
  };
  std::array<Probe, 32> probes_{};   ///< the last ones; answers to several may be under way
  std::size_t probes_sent_ = 0;
  TimePoint next_probe_ = TimePoint::max();
  unsigned unanswered_probes_ = 0;
  std::size_t answers_ = 0;      ///< since the last probe
  TimePoint answered_{};         ///< when the last of them came
  std::vector<double> losses_;   ///< told since the last step of the rate
  std::size_t behind_ = 0;       ///< said since then that they don't keep up …
  std::size_t waited_for_ = 0;   ///< … of them, for whose sake the group may be slowed down
  double loss_ = 0;
  std::array<Duration, 32> trips_{};  ///< the last round trips that were measured
  std::size_t trips_measured_ = 0;
  Duration rtt_;                     ///< of the slowest that the group waits for
  Duration shortest_rtt_ = std::chrono::seconds(2);
  std::uint64_t wire_sent_ = 0;      ///< bytes, since wire_since_
  TimePoint wire_since_{};
  std::uint64_t sent_before_ = 0;    ///< bit/s in the step before; 0: not known
  bool was_idle_ = true;             ///< in that time there was not always something to send
  std::uint64_t rate_since_ = 0;     ///< packet number from which on the rate is what it is
  std::uint64_t overrun_ = 0;        ///< packet number before which more was sent than the ways carry: parity is not planned by that; 0: never
  std::uint16_t census_ = 0;
  TimePoint next_census_ = TimePoint::max();
  unsigned census_tries_ = 0;
  TimePoint settled_since_ = TimePoint::max();

  // Announcements.
  std::vector<Announcement> announcements_;
  const KeyPair* announce_key_ = nullptr;
  WallTime announce_wall_;
  TimePoint announce_epoch_, next_announce_ = TimePoint::max();
  std::uint64_t announced_ = 0;

  // What leaves.
  struct Waiting {
    Destination to;
    std::uint32_t index;
    Bytes bytes;
  };
  std::deque<Waiting> controls_;
  std::deque<Bytes> leaving_controls_;
  std::vector<std::uint8_t> buffers_;
  std::size_t buffers_used_ = 0;
  std::vector<Outgoing> out_;
  mutable SenderProgress counts_;
};

}  // namespace ghost::ardus
