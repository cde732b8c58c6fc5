#include "ardus/receiver.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <utility>

#include "ardus/collector.h"
#include "ardus/digest_book.h"
#include "ardus/feedback.h"
#include "ardus/loss_meter.h"
#include "ardus/path_meter.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

constexpr Duration kRepeat = 20ms;         // §5.4: the least time before a report is repeated
constexpr Duration kLongestRepeat = 1s;
constexpr unsigned kTriesAlike = 2;        // reports before the pause between two is doubled
constexpr Duration kReportSlot = 30us;     // §3.1, §5.5: reports that all have to make spread over so much for each receiver
constexpr double kHopelessLoss = 0.5;      // §5.6: beyond it a receiver leaves the group
constexpr Duration kHopelessAfter = 1s, kHopelessAfterAsked = 5s;  // the second where the rate comes down to the worst way
constexpr std::size_t kNextRuns = kWindowBlocks;  // §5.4: of deficits, that a batch can be made of
// §5.8.
constexpr std::uint64_t kCredible = std::uint64_t{1} << 18;  // packet numbers further beyond what the sender signed are not taken
constexpr std::uint64_t kOvertaken = 2048;                   // so many packets may come before a signed message that left earlier
constexpr std::size_t kCredibleWindows = 3;                  // so far beyond what was sent once a block may be
constexpr std::size_t kDigestedBlocks = 512, kMostCandidates = 64;
constexpr Duration kWaryFor = 10s, kSuspicionPause = 500ms;

std::uint16_t to_wire(double share) { return static_cast<std::uint16_t>(std::lround(std::clamp(share, 0.0, 1.0) * 65535)); }

}  // namespace

struct Receiver::Impl {
  Impl(const ReceiverOptions& options, BlockSet wanted, ReceiverKeys& keys, SymbolStore& store, TimePoint now)
      : options_(options), keys_(keys), store_(store), collector_(options.stream, std::move(wanted), options.max_open_blocks != 0 ? options.max_open_blocks : open_blocks(options.stream.layout)),
        random_(options.seed ^ options.number.value), started_(now), heard_(now), heard_group_(now), deaf_check_(now + options.deaf_after),
        inferred_(options.position.value) {
    if (collector_.lacking().empty()) phase_ = ReceiverPhase::complete;
  }

  // --- what comes in ---

  void take(BytesView datagram, TimePoint now) {
    last_was_forged_ = false;
    const auto type = message_type(datagram);
    if (!type) {
      ++rejected_;
      return;
    }
    switch (*type) {
      case MessageType::data:
      case MessageType::parity: take_symbol(ReceiverKeys::Path::group, datagram, now); break;
      case MessageType::repair: take_symbol(ReceiverKeys::Path::own, datagram, now); break;
      case MessageType::plan:
      case MessageType::window_end:
      case MessageType::probe: take_control(datagram, now); break;
      case MessageType::digest: take_digests(datagram, now); break;
      default: ++rejected_;
    }
  }

  /// It is taken next: where its bytes will go is brought near the CPU. The blocks that are open together are larger than its caches.
  void expect(BytesView datagram) {
    const auto header = read_data_header(datagram, options_.stream.layout);
    if (!header || header->symbol.value >= kFirstParity || !collector_.wants(header->block, header->symbol) || !collector_.is_open(header->block)) return;
    const std::uint8_t* const place = store_.place(header->block, header->symbol);
    for (std::size_t at = 0; place != nullptr && at < kSymbolSize; at += kCacheLine) __builtin_prefetch(place + at, 1);
  }

  void take_symbol(ReceiverKeys::Path path, BytesView datagram, TimePoint now) {
    const bool group = path == ReceiverKeys::Path::group;
    const auto header = read_data_header(datagram, options_.stream.layout);
    if (!header || header->session != options_.session || (group && !credible(header->number))) {
      ++rejected_;
      return;
    }
    ReplayWindow& replay = group ? group_replay_ : own_replay_;
    const bool fresh = replay.fresh(header->number);
    if (guarded(*header, datagram, group, fresh)) return take_guarded(*header, datagram, group, fresh, now);
    if (!fresh) {
      ++rejected_;
      return;
    }
    // Straight into its place where the block is open already; memory is taken for authentic symbols only.
    const bool wanted = collector_.wants(header->block, header->symbol);
    const bool open = wanted && collector_.is_open(header->block);
    std::uint8_t* place = open ? store_.place(header->block, header->symbol) : wanted ? first_symbol_.data() : nullptr;
    if (!keys_.open(path, *header, datagram, place)) {
      ++rejected_;
      return;
    }
    took(*header, datagram, group, now);
    if (wanted && !open) begin_block(*header);
    wanted ? keep(*header, now) : void(++useless_);
  }

  /// It is authentic, and its number has not been used before.
  void took(const DataHeader& header, BytesView datagram, bool group, TimePoint now) {
    heard_ = now;
    if (!group) {
      own_replay_.take(header.number);
      own_loss_.arrived(header.number);
      ++unicast_symbols_;
      return;
    }
    hear_group(now);
    group_replay_.take(header.number);
    group_loss_.arrived(header.number);
    hopeless_loss_.arrived(header.number);
    path_.arrived(header.number, now);
    if (options_.guarded) {
      tags_.resize(ReplayWindow::kSize);
      tags_[header.number % ReplayWindow::kSize] = tag_of(datagram);
    }
  }

  // --- members that forge symbols: §5.8 ---

  static std::uint16_t tag_of(BytesView datagram) { return static_cast<std::uint16_t>(datagram[datagram.size() - 1] << 8 | datagram[datagram.size() - 2]); }

  /// Without a signed message for so many packets nothing is known of a number.
  bool credible(std::uint64_t number) const { return !options_.guarded || group_seen_ == 0 || number < group_seen_ + kCredible; }

  /// Whether to look twice: a member forges symbols, a packet number was used for another packet before, or the symbol is held already.
  bool guarded(const DataHeader& header, BytesView datagram, bool group, bool fresh) const {
    if (!options_.guarded) return false;
    if (wary_) return group || fresh;
    if (!group) return false;
    if (!fresh) {
      const bool in_reach = header.number < group_replay_.end() && group_replay_.end() - header.number <= ReplayWindow::kSize;
      return in_reach && !tags_.empty() && tags_[header.number % ReplayWindow::kSize] != tag_of(datagram);
    }
    return collector_.holds(header.block, header.symbol);
  }

  void take_guarded(const DataHeader& header, BytesView datagram, bool group, bool fresh, TimePoint now) {
    if (!keys_.open(group ? ReceiverKeys::Path::group : ReceiverKeys::Path::own, header, datagram, first_symbol_.data())) {
      ++rejected_;
      return;
    }
    if (!wary_ && !fresh) begin_suspicion(now);  // the sender uses a number once
    if (group && wary_) {
      heard_ = now;
      hear_group(now);
      group_loss_.came();
    } else {
      took(header, datagram, group, now);
    }
    if (collector_.holds(header.block, header.symbol)) return compare_with_held(header, group, now);
    if (!collector_.wants(header.block, header.symbol) || (group && header.block.value >= inferred_ + kCredibleWindows * window_blocks(options_.stream.layout))) {
      ++useless_;
      return;
    }
    const DigestBook::Verdict verdict = group ? book_.judge(header.block, header.symbol, first_symbol_) : DigestBook::Verdict::right;
    if (verdict == DigestBook::Verdict::wrong) {
      last_was_forged_ = true;
      return met_forgery(now);
    }
    begin_block(header);
    ++symbols_;
    store_.keep(header.block, header.symbol);
    collector_.hold(header.block, header.symbol);
    if (verdict == DigestBook::Verdict::right) book_.set_right(header.block, header.symbol);
    finish_if_right(header.block, now);
  }

  /// Two authentic symbols for one place: at most one of them is the sender's. Both are kept until its digest decides.
  void compare_with_held(const DataHeader& header, bool group, TimePoint now) {
    if (std::ranges::equal(store_.bytes(header.block, header.symbol), first_symbol_)) {
      ++useless_;
      if (!group) set_right(header.block, header.symbol, now);
      return;
    }
    begin_suspicion(now);
    if (book_.is_right(header.block, header.symbol)) {
      last_was_forged_ = true;
      return met_forgery(now);
    }
    if (!group || book_.judge(header.block, header.symbol, first_symbol_) == DigestBook::Verdict::right) {
      met_forgery(now);
      replace(header.block, header.symbol, first_symbol_);
      return set_right(header.block, header.symbol, now);
    }
    if (candidates_.size() == kMostCandidates) candidates_.pop_front();
    candidates_.push_back({header.block, header.symbol, first_symbol_});
  }

  void replace(BlockIndex block, SymbolIndex symbol, BytesView bytes) {
    store_.forget(block, symbol);
    std::ranges::copy(bytes, store_.place(block, symbol));
    store_.keep(block, symbol);
  }

  void set_right(BlockIndex block, SymbolIndex symbol, TimePoint now) {
    book_.set_right(block, symbol);
    finish_if_right(block, now);
  }

  /// Enough of its symbols are the sender's: those that nobody vouches for are left out.
  void finish_if_right(BlockIndex block, TimePoint now) {
    if (!wary_ || !collector_.lacking().contains(block) || book_.right(block) < options_.stream.symbols_in(block)) return;
    for (std::uint16_t s = 0; s < kSymbolEnd; ++s) {
      const SymbolIndex symbol{s};
      if (collector_.holds(block, symbol) && !book_.is_right(block, symbol)) store_.forget(block, symbol);
    }
    proven_.insert(block);
    book_.forget(block);
    close(block, now);
  }

  void close(BlockIndex block, TimePoint now) {
    collector_.close(block);
    store_.finish(block);  // may call reject()
    check_complete(now);
  }

  void met_forgery(TimePoint now) {
    ++forged_;
    begin_suspicion(now);
  }

  /// A member has forged something: what comes by the group is believed only when the sender's digests name it.
  void begin_suspicion(TimePoint now) {
    if (!options_.guarded) return;
    suspected_ = now;
    if (!wary_) begin_wariness();
    if (now < next_suspicion_) return;
    next_suspicion_ = now + kSuspicionPause;
    want_report_in_turn(now);
  }

  void begin_wariness() {
    wary_ = true;
    group_loss_.restart(group_seen_);
  }

  /// The sender says whether it gives digests. Without, after a while, everything is as before.
  void take_digest_flag(bool digests, TimePoint now) {
    if (!options_.guarded) return;
    if (digests) {
      digests_told_ = now;
      if (!wary_) begin_wariness();
    } else if (wary_ && now - std::max(suspected_, digests_told_) > kWaryFor) {
      wary_ = false;
      candidates_.clear();
      book_.clear();
      group_replay_.restart(group_seen_);
      tags_.clear();
      const BlockSet& lacking = collector_.lacking();
      for (std::uint32_t b = lacking.next(0); b < lacking.end(); b = lacking.next(b + 1)) {
        if (collector_.deficit(BlockIndex{b}) == 0) close(BlockIndex{b}, now);
      }
    }
  }

  /// Numbers that the sender had not used when it signed this were a member's.
  void check_numbers(std::uint64_t sent, TimePoint now) {
    if (!options_.guarded || wary_ || group_replay_.end() <= sent + kOvertaken) return;
    begin_suspicion(now);
  }

  void take_digests(BytesView datagram, TimePoint now) {
    const auto list = read_digests(datagram);
    const bool of_use = list && wary_ && list->session == options_.session && collector_.lacking().contains(list->block);
    if (!of_use || knows_all(*list)) return;
    if (!keys_.verify_digests(datagram)) {
      ++rejected_;
      return;
    }
    heard_ = now;
    book_.add(*list);
    for (std::size_t i = 0; i < list->digests.size(); ++i) {
      judge_held(list->block, SymbolIndex{static_cast<std::uint16_t>(list->first.value + i)}, now);
    }
    std::erase_if(candidates_, [&](const Candidate& each) { return each.block == list->block && book_.knows(each.block, each.symbol); });
    finish_if_right(list->block, now);
  }

  bool knows_all(const DigestList& list) const {
    for (std::size_t i = 0; i < list.digests.size(); ++i) {
      if (!book_.knows(list.block, SymbolIndex{static_cast<std::uint16_t>(list.first.value + i)})) return false;
    }
    return true;
  }

  void judge_held(BlockIndex block, SymbolIndex symbol, TimePoint now) {
    if (!collector_.holds(block, symbol) || book_.is_right(block, symbol)) return;
    const auto is_right = [&](BytesView bytes) { return book_.judge(block, symbol, bytes) == DigestBook::Verdict::right; };
    if (is_right(store_.bytes(block, symbol))) return book_.set_right(block, symbol);
    met_forgery(now);
    const auto right = std::ranges::find_if(candidates_, [&](const Candidate& each) { return each.block == block && each.symbol == symbol && is_right(each.bytes); });
    if (right != candidates_.end()) {
      replace(block, symbol, right->bytes);
      return book_.set_right(block, symbol);
    }
    store_.forget(block, symbol);
    collector_.lose(block, symbol);
  }

  /// What the sender is asked for: of a block that is whole but for digests, one symbol, so that it is named at all.
  std::uint8_t need(BlockIndex block) const {
    const std::uint8_t deficit = collector_.deficit(block);
    return deficit == 0 && wary_ && collector_.lacking().contains(block) ? std::uint8_t{1} : deficit;
  }

  bool waits_for_digests() const {
    return wary_ && std::ranges::any_of(asked_, [&](const Asked& asked) {
      return collector_.is_open(asked.block) && book_.right(asked.block) + collector_.deficit(asked.block) < options_.stream.symbols_in(asked.block);
    });
  }

  void begin_block(const DataHeader& header) {
    if (const auto oldest = collector_.in_the_way(header.block)) {
      collector_.drop(*oldest);
      store_.drop(*oldest);
      book_.restart(*oldest);
    }
    if (std::uint8_t* place = store_.place(header.block, header.symbol)) std::ranges::copy(first_symbol_, place);
  }

  void keep(const DataHeader& header, TimePoint now) {
    ++symbols_;
    store_.keep(header.block, header.symbol);
    if (!collector_.take(header.block, header.symbol)) return;
    store_.finish(header.block);  // may call reject()
    check_complete(now);
  }

  void check_complete(TimePoint now) {
    if (phase_ != ReceiverPhase::receiving || !collector_.lacking().empty()) return;
    phase_ = ReceiverPhase::complete;
    asked_.clear();
    want_report_in_turn(now);
  }

  /// Somewhere in the time that a report of each of the group takes.
  void want_report_in_turn(TimePoint now) {
    const Duration slots = kReportSlot * group_;
    want_report(now + Duration(static_cast<Duration::rep>(random_.unit() * static_cast<double>(slots.count()))));
  }

  void hear_group(TimePoint now) {
    heard_group_ = now;
    group_ever_ = true;
    if (deaf_) {
      deaf_ = false;
      tries_ = 0;
    }
  }

  void take_control(BytesView datagram, TimePoint now) {
    const auto control = read_control(datagram);
    if (!control || control->session != options_.session || !control_replay_.fresh(control->sequence) || !keys_.verify(datagram)) {
      ++rejected_;
      return;
    }
    control_replay_.take(control->sequence);
    heard_ = now;
    echo_ = static_cast<std::uint32_t>(control->sequence);
    echo_at_ = now;
    group_ = std::max(control->group, 1u);
    longest_backoff_ = std::chrono::microseconds(std::min(control->backoff, 5'000'000u));
    if (control->answer_now) {
      own_seen_ = std::max(own_seen_, control->sent);
      own_loss_.passed(control->sent);
      everything_ = answers_ = true;
      next_only_ = control->type == MessageType::window_end && away();
      // A PROBE that the group got before did not come here.
      const Duration missed = std::chrono::microseconds(control->slots);
      if (control->type == MessageType::probe && missed > Duration{} && now - heard_group_ > missed) go_deaf(now);
      if (control->listen_again && !wants_group_) listen_again(now);
      want_report(now);
      return;
    }
    hear_group(now);
    keys_.passed(control->epoch, control->sent);
    check_numbers(control->sent, now);
    take_digest_flag(control->digests, now);
    group_seen_ = std::max(group_seen_, control->sent);
    group_loss_.passed(control->sent);
    hopeless_loss_.passed(control->sent);
    check_hopeless(now);
    infer_ended(control->ended, now);
    if (control->type == MessageType::plan) take_plan(*control, now);
    if (control->type == MessageType::window_end) take_window_end(*control, now);
    if (control->type == MessageType::probe) take_probe(*control, now);
  }

  /// Blocks that were sent while their WINDOW_END got lost are asked for too.
  void infer_ended(std::uint32_t ended, TimePoint now) {
    ended = std::min(ended, options_.stream.blocks());
    if (ended <= inferred_) return;
    bool any = false;
    for (std::uint32_t b = collector_.lacking().next(inferred_); b < ended; b = collector_.lacking().next(b + 1)) any |= ask(BlockIndex{b}, now);
    inferred_ = ended;
    if (any) start_backoff(now);
  }

  void take_window_end(const Control& control, TimePoint now) {
    bool any = false;
    for (const BlockRun& run : control.blocks) {
      const std::uint32_t end = std::min(run.first.value + run.count, options_.stream.blocks());
      for (std::uint32_t b = collector_.lacking().next(run.first.value); b < end; b = collector_.lacking().next(b + 1)) any |= ask(BlockIndex{b}, now);
    }
    if (!any) return;
    tries_ = 0;
    start_backoff(now);
  }

  void take_plan(const Control& control, TimePoint now) {
    const TimePoint quiet = now + std::chrono::milliseconds(control.due) + kRepeat + longest_backoff_;
    for (const BlockRun& run : control.blocks) {
      for (Asked& asked : asked_) {
        if (asked.block < run.first || asked.block.value - run.first.value >= run.count) continue;
        if (collector_.deficit(asked.block) <= run.symbols) asked.quiet_until = std::max(asked.quiet_until, quiet);
      }
    }
  }

  void take_probe(const Control& control, TimePoint now) {
    for (const ReceiverRun& run : control.receivers) {
      if (options_.number < run.first || options_.number.value - run.first.value >= run.count) continue;
      census_ = control.census & 0x0fff;
      everything_ = true;
      next_only_ = false;
      want_report(now + census_slot(control.sequence, options_.number, std::chrono::microseconds(std::min(control.slots, 10'000'000u))));
    }
    if (control.path) take_path_question(*control.path, now);
    if (phase_ == ReceiverPhase::receiving && is_sampled(control.sequence, options_.number, control.sample)) {
      want_report(now + Duration(static_cast<Duration::rep>(random_.unit() * static_cast<double>(longest_backoff_.count()))));
    }
  }

  /// The one the rate goes by answers at once; who could get less than is sent says so, the sooner the less it is (§5.10).
  void take_path_question(const PathQuestion& question, TimePoint now) {
    path_.hear(question, options_.number, now);
    const auto share = path_.too_fast();
    if (phase_ != ReceiverPhase::receiving || away()) return;
    if (question.limiting == options_.number) return want_report(now);
    if (!share) {
      path_report_at_ = TimePoint::max();
    } else if (path_report_at_ == TimePoint::max()) {
      const double ease = (std::clamp(*share, 0.5, 0.9) - 0.5) / 0.4;
      const Duration random = backoff(random_.unit(), longest_backoff_, group_);
      path_report_at_ = now + Duration(static_cast<Duration::rep>(0.25 * ease * static_cast<double>(longest_backoff_.count()) + 0.75 * static_cast<double>(random.count())));
    }
  }

  /// A link that can't carry the group's rate is cleared for unicast.
  void check_hopeless(TimePoint now) {
    if (group_loss_.measured() < loss_span(options_.stream.layout) || group_loss_.loss() < kHopelessLoss) {
      hopeless_since_ = TimePoint::max();
    } else if (hopeless_since_ == TimePoint::max()) {
      hopeless_since_ = now;
      hopeless_loss_.answered();
    }
    const Duration after = path_.asked() ? kHopelessAfterAsked : kHopelessAfter;
    if (!wants_group_ || phase_ != ReceiverPhase::receiving || hopeless_since_ == TimePoint::max() || now - hopeless_since_ < after) return;
    if (hopeless_loss_.sent() < loss_span(options_.stream.layout)) return;      // a burst that was too fast, and little since
    if (hopeless_loss_.loss() < kHopelessLoss) {  // the rate has come down to it
      hopeless_since_ = TimePoint::max();
      return;
    }
    wants_group_ = false;
    everything_ = true;
    next_only_ = false;
    want_report(now);
  }

  void listen_again(TimePoint now) {
    wants_group_ = true;
    heard_group_ = now;
    group_loss_ = LossMeter(loss_span(options_.stream.layout));
    hopeless_since_ = TimePoint::max();
  }

  // --- what is lacking and when to say so ---

  struct Asked {
    BlockIndex block;
    TimePoint quiet_until;  ///< nothing is said of it before: it was promised, or has just been asked for
  };

  /// The block is due. True when it was not known to be, or may be asked for again.
  bool ask(BlockIndex block, TimePoint now) {
    const auto at = std::ranges::lower_bound(asked_, block, {}, &Asked::block);
    if (at != asked_.end() && at->block == block) {
      at->quiet_until = now;
    } else {
      asked_.insert(at, {block, now});
    }
    return true;
  }

  void start_backoff(TimePoint now) { want_report_if_lacking(now + backoff(random_.unit(), longest_backoff_, group_)); }

  void want_report(TimePoint at) {
    must_report_at_ = std::min(must_report_at_, at);
  }
  void want_report_if_lacking(TimePoint at) { lacking_report_at_ = std::min(lacking_report_at_, at); }

  bool lacks_something_due(TimePoint now) const {
    return std::ranges::any_of(asked_, [&](const Asked& asked) { return asked.quiet_until <= now; });
  }

  void forget_done() {
    std::erase_if(asked_, [&](const Asked& asked) { return !collector_.lacking().contains(asked.block); });
  }

  bool away() const { return deaf_ || !wants_group_; }

  /// Reports all it lacks, and goes on so until the group is heard.
  void go_deaf(TimePoint now) {
    if (phase_ != ReceiverPhase::receiving || !wants_group_) return;
    deaf_ = true;
    everything_ = true;
    next_only_ = false;
    want_report(now);
    deaf_check_ = now + std::min<Duration>(4s, 1s * (1 << std::min(tries_++, 2u)));
  }

  void check_deaf(TimePoint now) {
    if (now < deaf_check_) return;
    const bool waiting = phase_ == ReceiverPhase::receiving && wants_group_;
    if (waiting && (deaf_ || now - heard_group_ >= options_.deaf_after)) {
      go_deaf(now);
    } else {
      deaf_check_ = waiting ? heard_group_ + options_.deaf_after : now + options_.deaf_after;
    }
    // One that has left the group hears of nothing: it asks again when its unicast has dried up.
    if (phase_ == ReceiverPhase::receiving && !wants_group_ && now - heard_ >= 1s) {
      everything_ = true;
      next_only_ = false;
      want_report(now);
      deaf_check_ = now + 1s;
    }
  }

  void poll(TimePoint now) {
    out_.clear();
    check_deaf(now);
    const bool must = now >= std::min(must_report_at_, path_report_at_);
    bool lacking = false;
    if (now >= lacking_report_at_) {
      lacking_report_at_ = TimePoint::max();
      forget_done();
      lacking = lacks_something_due(now);
      if (!lacking) wait_for_quiet();
    }
    if (must || lacking) report(now);
  }

  /// Everything lacking was promised: look again when the promises are over.
  void wait_for_quiet() {
    for (const Asked& asked : asked_) want_report_if_lacking(asked.quiet_until);
  }

  void report(TimePoint now) {
    must_report_at_ = path_report_at_ = TimePoint::max();
    forget_done();
    const bool suspects = wary_ && (now - suspected_ < kSuspicionPause * 2 || waits_for_digests());
    ReportBody body;
    body.backlog = backlog_;
    body.away = away();
    body.everything = everything_;
    body.echo = echo_;
    if (echo_ != 0) body.echo_delay = static_cast<std::uint32_t>(std::min<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - echo_at_).count(), 0xffffffff));
    body.seen = wary_ ? group_seen_ : std::max(group_seen_, group_replay_.end());
    body.unicast_seen = static_cast<std::uint32_t>(std::max(own_seen_, own_replay_.end()));
    body.loss = to_wire(group_loss_.loss());
    body.unicast_loss = to_wire(own_loss_.loss());
    if (std::exchange(answers_, false)) own_loss_.answered();
    if (path_.asked() && !away()) body.path = path_.report();
    body.done = collector_.done();
    body.census = census_;
    everything_ ? add_everything(body, next_only_ ? kNextRuns : kMaxReportBody / 3) : add_asked(body);
    datagram_ = keys_.seal_report({phase_, options_.session, reports_, options_.number, keys_.newest_epoch(), suspects}, body);
    if (datagram_.empty()) return;
    ++reports_;
    report_bytes_ += datagram_.size();
    out_.push_back({Destination::sender, 0, datagram_});
    everything_ = next_only_ = false;
    census_ = 0;
    if (!asked_.empty()) plan_repeat(now);
  }

  void plan_repeat(TimePoint now) {
    const Duration wait = std::min(kLongestRepeat, std::max(kRepeat, longest_backoff_) * (1 << std::min(tries_++ / kTriesAlike, 6u)));
    for (Asked& asked : asked_) asked.quiet_until = std::max(asked.quiet_until, now + wait);
    lacking_report_at_ = TimePoint::max();
    wait_for_quiet();
  }

  static void add(ReportBody& body, BlockIndex block, std::uint8_t deficit) {
    if (!body.deficits.empty()) {
      DeficitRun& last = body.deficits.back();
      if (last.deficit == deficit && last.first.value + last.count == block.value) {
        ++last.count;
        return;
      }
    }
    body.deficits.push_back({block, 1, deficit});
  }

  void add_asked(ReportBody& body) const {
    for (const Asked& asked : asked_) {
      if (const std::uint8_t deficit = need(asked.block); deficit > 0) add(body, asked.block, deficit);
    }
  }

  /// What has been sent; for one that does not hear the group, what it lacks at all. No more than the first `most` runs.
  void add_everything(ReportBody& body, std::size_t most) const {
    const std::uint32_t end = away() ? options_.stream.blocks() : inferred_;
    const BlockSet& lacking = collector_.lacking();
    for (std::uint32_t b = lacking.next(0); b < end; b = lacking.next(b + 1)) {
      body.more = body.deficits.size() == most;
      if (body.more) break;
      add(body, BlockIndex{b}, need(BlockIndex{b}));
    }
  }

  TimePoint next_wakeup() const {
    return std::min({must_report_at_, lacking_report_at_, path_report_at_, phase_ == ReceiverPhase::receiving ? deaf_check_ : TimePoint::max()});
  }

  ReceiverOptions options_;
  ReceiverKeys& keys_;
  SymbolStore& store_;
  Collector collector_;
  SeededRandom random_;
  ReceiverPhase phase_ = ReceiverPhase::receiving;

  ReplayWindow group_replay_, own_replay_, control_replay_;
  LossMeter group_loss_{loss_span(options_.stream.layout)};
  BatchLoss own_loss_, hopeless_loss_;
  PathMeter path_;
  std::uint64_t group_seen_ = 0, own_seen_ = 0;
  TimePoint hopeless_since_ = TimePoint::max();
  TimePoint started_, heard_, heard_group_, deaf_check_;
  bool group_ever_ = false, deaf_ = false, wants_group_ = true, backlog_ = false;

  std::uint32_t inferred_;  ///< blocks below were sent once, as far as is known
  std::vector<Asked> asked_;  ///< by block
  TimePoint must_report_at_ = TimePoint::max(), lacking_report_at_ = TimePoint::max(), path_report_at_ = TimePoint::max();
  /// The next report: names all that is lacking; answers a question on its own path; that ends a batch, so that what the next batch is of will do.
  bool everything_ = false, answers_ = false, next_only_ = false;
  std::uint16_t census_ = 0;
  unsigned tries_ = 0;
  std::uint32_t group_ = 1;
  Duration longest_backoff_{};
  std::uint32_t echo_ = 0;
  TimePoint echo_at_;

  // Members that forge symbols.
  struct Candidate {
    BlockIndex block;
    SymbolIndex symbol;
    Bytes bytes;
  };
  bool wary_ = false, last_was_forged_ = false;
  TimePoint suspected_{}, digests_told_{}, next_suspicion_{};
  std::vector<std::uint16_t> tags_;  ///< of the packets in group_replay_'s reach
  DigestBook book_{kDigestedBlocks};
  std::deque<Candidate> candidates_;
  BlockSet proven_{options_.stream.blocks()};
  std::uint64_t forged_ = 0;

  Bytes first_symbol_ = Bytes(options_.stream.symbol_size());
  Bytes datagram_;
  std::vector<Outgoing> out_;
  std::uint64_t symbols_ = 0, unicast_symbols_ = 0, useless_ = 0, rejected_ = 0, reports_ = 0, report_bytes_ = 0;
};

Receiver::Receiver(const ReceiverOptions& options, BlockSet wanted, ReceiverKeys& keys, SymbolStore& store, TimePoint now)
    : impl_(std::make_unique<Impl>(options, std::move(wanted), keys, store, now)) {}
Receiver::~Receiver() = default;

void Receiver::on_datagrams(std::span<const BytesView> datagrams, TimePoint now) {
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    if (i + 1 < datagrams.size()) impl_->expect(datagrams[i + 1]);
    impl_->take(datagrams[i], now);
  }
}

std::span<const Outgoing> Receiver::poll(TimePoint now) {
  impl_->poll(now);
  return impl_->out_;
}

TimePoint Receiver::next_wakeup() const { return impl_->next_wakeup(); }

void Receiver::set_held(BlockIndex block, TimePoint now) {
  if (!impl_->collector_.set_held(block)) return;
  impl_->store_.drop(block);
  impl_->check_complete(now);
}

void Receiver::reject(BlockIndex block, TimePoint now) {
  if (!impl_->proven_.erase(block)) impl_->met_forgery(now);
  impl_->collector_.set_lacking(block);
  if (impl_->phase_ == ReceiverPhase::complete) impl_->phase_ = ReceiverPhase::receiving;
  impl_->ask(block, now);
  impl_->start_backoff(now);
}

bool Receiver::last_was_forged() const { return impl_->last_was_forged_; }
bool Receiver::proven(BlockIndex block) const { return impl_->proven_.contains(block); }
void Receiver::suspect(TimePoint now) { impl_->begin_suspicion(now); }

void Receiver::set_backlog(bool behind) { impl_->backlog_ = behind; }

void Receiver::set_verified(TimePoint) { impl_->phase_ = ReceiverPhase::verified; }

void Receiver::keys_told(TimePoint now) { impl_->want_report_in_turn(now); }

void Receiver::set_failed(TimePoint now) {
  impl_->phase_ = ReceiverPhase::failed;
  impl_->want_report(now);
}

bool Receiver::complete() const { return impl_->collector_.lacking().empty(); }
bool Receiver::wants_group() const { return impl_->wants_group_; }
const BlockSet& Receiver::lacking() const { return impl_->collector_.lacking(); }

ReceiverProgress Receiver::progress(TimePoint now) const {
  const Impl& i = *impl_;
  ReceiverProgress out;
  out.phase = i.phase_;
  out.blocks_wanted = i.collector_.wanted();
  out.blocks_done = i.collector_.done();
  out.symbols = i.symbols_;
  out.unicast_symbols = i.unicast_symbols_;
  out.useless_symbols = i.useless_;
  out.rejected_datagrams = i.rejected_;
  out.forged_symbols = i.forged_;
  out.wary = i.wary_;
  out.reports = i.reports_;
  out.report_bytes = i.report_bytes_;
  out.loss = i.group_loss_.loss();
  out.heard_group = i.group_ever_;
  out.deaf = i.deaf_;
  out.wants_group = i.wants_group_;
  out.silence = now - i.heard_;
  return out;
}

}  // namespace ghost::ardus
