// What goes to the group: windows of blocks, their parity, and what is asked for (docs/spec/ardus.md §5.1 to §5.4).
#include <algorithm>

#include "ardus/sender_impl.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t kMostWindows = 64;
constexpr unsigned kMostInvited = 3, kMostSlowPasses = 3;
constexpr std::uint64_t kMostSentAgain = 3;  ///< times what a receiver wants, that the group is streamed once more for it
constexpr Duration kInvitation = 100ms;
constexpr std::size_t kSmallGroup = 16, kTinyGroup = 3;
constexpr std::size_t kFewBlocks = 4;  ///< of what is still coming, a window has this part of its blocks at least, but for the last
}  // namespace

void Sender::Impl::count_group() {
  group_ = static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& peer) { return peer && peer->in_group(); }));
  outliers_ = static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& peer) { return peer && peer->in_group() && peer->loss > kOutlierLoss; }));
  lacking_ = static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& peer) { return peer && peer->in_group() && !peer->has_all() && peer->loss <= kOutlierLoss; }));
}

/// T of the back-off: four round trips for many receivers, as RFC 5401 has it; a few may all speak.
Duration Sender::Impl::longest_backoff() const {
  const std::size_t group = group_size();
  return group > kSmallGroup ? 4 * rtt_ : group > kTinyGroup ? rtt_ : Duration{};
}

std::uint32_t Sender::Impl::ended() const {
  if (!begun_) return 0;
  if (!first_pass_) return options_.stream.blocks();
  if (streaming_) return windows_.back().work().front().block.value;
  return pending_.next(0);
}

void Sender::Impl::begin(TimePoint now) {
  if (begun_) return;
  begun_ = true;
  if (!announcements_.empty()) next_announce_ = now;
  announced_ = 0;
  next_probe_ = now;
  wire_since_ = now;
  was_idle_ = false;
  if (!options_.fixed_rate && !path_rate_) opening_.begin(static_cast<double>(rate_control_.rate()), keys_.group_sent(), layout());
}

/// Whether what is to be sent next is there: of blocks that are still coming, enough that a burst of losses is spread over some of them.
bool Sender::Impl::may_open() const {
  if (pending_.empty()) return false;
  const std::size_t few = window_blocks(layout()) / kFewBlocks;
  std::size_t there = 0;
  std::uint32_t b = pending_.next(0);
  for (; b < pending_.end() && b < readable_ && there < few; b = pending_.next(b + 1)) ++there;
  return there == few || b == pending_.end();
}

void Sender::Impl::open_stream_window() {
  if (streaming_ || windows_.size() >= kMostWindows) return;
  if (pending_.empty()) {
    first_pass_ = false;
    stream_again();
  }
  if (!may_open()) return;
  RepairWindow& window = windows_.emplace_back(next_serial_++, true, window_blocks(layout()));
  for (std::uint32_t b = pending_.next(0); b < pending_.end() && b < readable_ && !window.full(); b = pending_.next(b + 1)) {
    const BlockIndex block{b};
    std::uint16_t symbols = static_cast<std::uint16_t>(options_.stream.symbols_in(block));
    if (const auto again = again_.find(b); again != again_.end()) {
      // For whoever has nothing of it the source comes again: it needs no decoding.
      if (again->second >= symbols) cursor_[b] = 0;
      symbols = again->second;
      again_.erase(again);
    }
    pending_.erase(block);
    window.add(block, symbols);
  }
  window.judged = !first_pass_;
  streaming_ = true;
}

/// Blocks that three or more listeners lack, or both of two, most of them because they came late, are streamed again.
void Sender::Impl::stream_again() {
  std::vector<Peer*> lacking;
  for (const auto& peer : peers_) {
    if (peer && peer->in_group() && peer->state != PeerState::silent && !peer->needs.empty() && peer->sent_again < kMostSentAgain * kBlockSymbols * peer->wanted.size()) lacking.push_back(peer.get());
  }
  const std::size_t enough = group_size() == 2 ? 2 : 3;
  again_waits_ = inviting_;
  if (inviting_) return;
  if (lacking.size() < enough) return end_slow_pass();
  if (!prepare_for_slow(lacking)) return;
  for (std::uint32_t b = 0; b < std::min(wanted_.end(), readable_); ++b) {
    std::size_t many = 0;
    std::uint8_t most = 0;
    for (const Peer* peer : lacking) {
      const std::uint8_t deficit = peer->needs.deficit(BlockIndex{b});
      many += deficit > 0;
      most = std::max(most, deficit);
    }
    if (many < enough) continue;
    pending_.insert(BlockIndex{b});
    again_[b] = most;
    digested_.erase(BlockIndex{b});
    for (Peer* peer : lacking) {
      peer->sent_again += peer->needs.deficit(BlockIndex{b});
      peer->needs.erase(BlockIndex{b});
    }
  }
}

/// Where most of those who lack something lost it because their ways are slower than the rate, it comes again at what they carry, when the others have
/// all they want. Of two the faster one counts. False: not now.
bool Sender::Impl::prepare_for_slow(const std::vector<Peer*>& lacking) {
  if (path_rate_ || rate_control_.follows_slow()) return true;
  std::vector<double> losses;
  for (const Peer* peer : lacking) losses.push_back(std::max(peer->loss, peer->left_by));
  const auto middle = losses.begin() + static_cast<std::ptrdiff_t>((losses.size() - 1) / 2);
  std::ranges::nth_element(losses, middle);
  if (*middle <= kOutlierLoss) return true;
  if (slow_passes_ == kMostSlowPasses) return false;  // each is served alone
  again_waits_ = !windows_.empty();
  if (again_waits_) return false;
  ++slow_passes_;
  for (Peer* peer : lacking) peer->left_by = 0;
  rate_control_.follow_slow(static_cast<double>(pacer_.rate()) * (1 - *middle));
  rate_changed();
  overrun_ = rate_since_;
  return true;
}

/// Who left the group since its rate was too much is called back when the others are done, and so many are left that one sending serves them better.
void Sender::Impl::invite(TimePoint now) {
  inviting_ = now < invited_until_;
  if (inviting_ || path_rate_ || !group_is_done() || rate_control_.follows_slow()) return;
  std::vector<Peer*> left;
  for (const auto& peer : peers_) {
    if (peer && peer->away && peer->left_by > kOutlierLoss && peer->invited < kMostInvited && !peer->needs.empty() && !peer->settled() && !peer->quarantined && !peer->elsewhere &&
        peer->state != PeerState::silent) {
      left.push_back(peer.get());
    }
  }
  if (left.size() < 3 || slow_passes_ == kMostSlowPasses) return;
  for (Peer* peer : left) {
    Control out = message(MessageType::probe);
    out.answer_now = out.listen_again = true;
    out.sent = keys_.sent_to(peer->number);
    control(std::move(out), Destination::receiver, peer->number.value, now);
    ++peer->invited;
  }
  inviting_ = true;
  invited_until_ = now + kInvitation + 2 * rtt_;
}

void Sender::Impl::end_slow_pass() {
  if (!rate_control_.follows_slow() || !windows_.empty()) return;
  rate_control_.follow_all();
  rate_changed();
}

bool Sender::Impl::group_work() const {
  return std::ranges::any_of(windows_, [](const RepairWindow& window) { return window.todo() > 0; });
}

RepairWindow* Sender::Impl::next_window() {
  if (held_by_opening()) return nullptr;
  open_stream_window();
  RepairWindow* stream = streaming_ ? &windows_.back() : nullptr;
  for (RepairWindow& window : windows_) {
    if (window.first_sending() || window.todo() == 0) continue;
    if (stream != nullptr && since_new_ >= kRepairShare) break;
    ++since_new_;
    return &window;
  }
  since_new_ = 0;
  return stream;
}

SymbolIndex Sender::Impl::advance(BlockIndex block) {
  std::uint16_t& cursor = cursor_[block.value];
  if (cursor < kFirstParity && cursor >= options_.stream.symbols_in(block)) cursor = kFirstParity;
  const SymbolIndex symbol{cursor};
  cursor = cursor + 1 == kSymbolEnd ? std::uint16_t{0} : static_cast<std::uint16_t>(cursor + 1);
  return symbol;
}

bool Sender::Impl::send_to_group(RepairWindow& window, TimePoint now) {
  if (opening_.active() && opening_.began() == TimePoint{}) opening_.sent_first(now);
  const SenderKeys::Ticket ticket = keys_.group_ticket();
  if (keys_.exhausted()) {
    fail_for_keys();
    return false;
  }
  RepairWindow::Work& work = window.next(ticket.number);
  const SymbolIndex symbol = advance(work.block);
  if (!send_digests_before(work, symbol, now)) return false;
  const auto bytes = cache_.symbol(work.block, symbol, work.todo);
  if (!bytes && bytes.error().code != Errc::busy) {
    fail(bytes.error().message);
    return false;
  }
  if (const RepairWindow::Work* const ahead = window.upcoming()) cache_.expect(ahead->block, SymbolIndex{cursor_[ahead->block.value]});
  const bool parity = symbol.value >= kFirstParity;
  const std::uint64_t mbit = (pacer_.rate() + 999'999) / 1'000'000;
  const DataHeader header{parity ? MessageType::parity : MessageType::data, ticket.epoch, name_.session, ticket.number, work.block, symbol,
                          static_cast<std::uint16_t>(std::min<std::uint64_t>(mbit, 0xffff))};
  if (bytes) {
    std::uint8_t* datagram = buffer();
    keys_.seal_group(header, *bytes, datagram);
    emit(Destination::group, 0, {datagram, datagram_size()}, now);
    ++counts_.sent_packets;
    if (parity || !window.first_sending() || !first_pass_) ++counts_.repair_symbols;
  } else {  // as if it were lost: it is asked for again
    window.take_back(work);
    pacer_.sent(packet_size(), now);
  }
  unicast_credit_ = std::min(unicast_credit_ + kUnicastShare * static_cast<double>(packet_size()), 30'000.0);
  if (window.first_sending() && window.todo() == 0) end_of_window(window, now);
  return true;
}

/// The first sending is over but for the parity that will be needed anyway.
void Sender::Impl::end_of_window(RepairWindow& window, TimePoint now) {
  const bool planned = window.rounds > 0;
  if (!planned) {
    window.rounds = 1;
    window.correction = plan_.correction();
    const bool last = pending_.empty();
    for (RepairWindow::Work& work : window.work()) {
      window.send_more(work, plan_.symbols(options_.stream.symbols_in(work.block), group_size(), last));
    }
    if (window.todo() > 0) return;
  }
  window.rounds = 0;
  window.end_first_sending();
  streaming_ = false;
  if (pending_.empty()) first_pass_ = false;
  tend_windows(now);
}

void Sender::Impl::judge(RepairWindow& window) {
  if (window.judged) return;
  window.judged = true;
  std::size_t asked = 0, extra = 0;
  for (const RepairWindow::Work& work : window.work()) {
    asked += work.extra > 0;
    extra += work.extra;
  }
  // One or two of many that had a bad moment say nothing about the next window.
  if (group_size() > kSmallGroup && window.reporters < 3) extra = std::min(extra, asked);
  plan_.result(window.correction, window.work().size(), asked, extra);
}

void Sender::Impl::tend_windows(TimePoint now) {
  for (auto at = windows_.begin(); at != windows_.end();) {
    RepairWindow& window = *at;
    if (window.first_sending()) {
      ++at;
      continue;
    }
    if (window.todo() > 0) {
      if (now >= window.plan_at) send_plan(window, now);
      ++at;
      continue;
    }
    const bool gathered = window.last_end == TimePoint::min() || now >= window.last_end + gather();
    if (window.news && gathered) {
      Control out = message(MessageType::window_end);
      out.window = window.serial();
      out.blocks = window.runs(RepairWindow::Tell::sent);
      control(std::move(out), Destination::group, 0, now);
      window.last_end = now;
      window.plan_at = TimePoint::max();
      window.news = false;
      if (++window.rounds == 2) judge(window);
      window.reporters_before = window.reporters;
      window.reporters = 0;
    } else if (!window.news && now >= window.last_end + gather() + 2ms) {
      judge(window);
      at = windows_.erase(at);
      continue;
    }
    ++at;
  }
}

/// Tells what is about to be repaired, so that those who would ask for no more stay silent.
void Sender::Impl::send_plan(RepairWindow& window, TimePoint now) {
  window.plan_at = TimePoint::max();
  Control out = message(MessageType::plan);
  out.window = window.serial();
  out.blocks = window.runs(RepairWindow::Tell::to_come);
  std::uint64_t ahead = 0;
  for (const RepairWindow& other : windows_) {
    if (!other.first_sending()) ahead += other.todo();
  }
  const Duration due = pacer_.time_of(ahead * packet_size()) * (streaming_ ? 5 : 4) / 4;
  out.due = static_cast<std::uint16_t>(std::min<std::int64_t>(due / 1ms + 1, 0xffff));
  control(std::move(out), Destination::group, 0, now);
}

}  // namespace ghost::ardus
