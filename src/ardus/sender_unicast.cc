// Repair of single receivers: those that came late, are too slow for the group, or don't hear it (docs/spec/ardus.md §5.6).
#include <algorithm>
#include <utility>

#include "ardus/sender_impl.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr Duration kBatchTime = 50ms;   // of sending, before the receiver is asked how it fared
constexpr std::uint64_t kSmallestBatch = 16, kSmallestJumboBatch = 4, kLargestBatch = 4096;  // at the least rate 1.0 and 1.4 s: silence is told after 5
constexpr std::uint64_t kMostUnicast = 8;  // times what it wanted, to one that asked for more than it can have lost
constexpr double kLittleLoss = 0.03, kMuchLoss = 0.08;  // beyond the way's own
constexpr double kLeastCut = 0.7, kMostCut = 0.5;       // of the rate, to see whether less is lost
constexpr double kAsMuchAlone = 0.85;                   // so much of what came through before is as much as before
constexpr double kOwnAtMost = 0.6;
constexpr unsigned kQuestionsAlike = 3;                     // questions before the pause between two is doubled
constexpr std::uint64_t kJudgedBy = 128;                // packets
constexpr std::uint64_t kLeastRate = 200'000;
}  // namespace

void Sender::Impl::start_flow(Peer& peer) {
  UnicastFlow& flow = peer.flow;
  if (flow.pacer.rate() <= 1'000'000) flow.pacer.set_rate(std::max(kLeastRate, pacer_.rate() / 8));
  const double wish = static_cast<double>(flow.pacer.rate()) * std::chrono::duration<double>(kBatchTime).count() / static_cast<double>(packet_size() * 8);
  std::uint64_t room = std::clamp(static_cast<std::uint64_t>(wish), layout() == Layout::jumbo ? kSmallestJumboBatch : kSmallestBatch, kLargestBatch);
  flow.items.clear();
  flow.at = window_blocks(layout());  // begins with the first
  flow.todo = 0;
  const std::uint32_t end = std::min(wanted_.end(), readable_);
  for (std::uint32_t b = peer.needs.next(0); b < end && room > 0 && flow.items.size() < window_blocks(layout()); b = peer.needs.next(b + 1)) {
    const BlockIndex block{b};
    const std::uint8_t deficit = peer.needs.deficit(block);
    UnicastFlow::Item item{block, deficit, std::nullopt};
    if (deficit >= options_.stream.symbols_in(block)) item.cursor = 0;
    flow.items.push_back(item);
    flow.todo += deficit;
    room -= std::min<std::uint64_t>(room, deficit);
  }
  flow.state = flow.todo > 0 ? UnicastFlow::State::sending : UnicastFlow::State::idle;
  flow.tries = 0;
  flow.begin = keys_.sent_to(peer.number);
}

void Sender::Impl::ask(Peer& peer, TimePoint now) {
  UnicastFlow& flow = peer.flow;
  Control out = message(MessageType::window_end);
  out.answer_now = true;
  out.sent = flow.end = keys_.sent_to(peer.number);
  control(std::move(out), Destination::receiver, peer.number.value, now);
  if (!peer.asked) peer.asked = now;
  flow.state = UnicastFlow::State::waiting;
  const Duration patience = std::max<Duration>(2 * std::max(rtt_, peer.rtt), 20ms);
  flow.deadline = now + std::min(std::max<Duration>(1s, patience), patience * (1 << std::min(flow.tries++ / kQuestionsAlike, 6u)));
  flow.asked_at = now;
}

void Sender::Impl::end_flow(Peer& peer, const ReportBody& body, TimePoint now) {
  UnicastFlow& flow = peer.flow;
  flow.state = UnicastFlow::State::idle;
  const std::uint64_t sent = flow.end - flow.begin;
  peer.vain.batch(sent, body.unicast_loss != 0xffff, now);
  flow.judged += sent;
  flow.lost += static_cast<double>(body.unicast_loss) / 65535 * static_cast<double>(sent);
  if (flow.judged < kJudgedBy) return;
  const double rate = judge_rate(flow, std::min(flow.lost / static_cast<double>(flow.judged), 1.0));
  flow.pacer.set_rate(std::clamp(static_cast<std::uint64_t>(rate), kLeastRate, std::max(kLeastRate, pacer_.rate())));
  flow.judged = 0;
  flow.lost = 0;
}

/// As the group's rate (docs/decisions/0011): loss that stays when less is sent is the way's own, and no reason to be slow.
double Sender::Impl::judge_rate(UnicastFlow& flow, double loss) {
  const auto rate = static_cast<double>(flow.pacer.rate());
  if (const auto before = static_cast<double>(std::exchange(flow.less_than, 0)); before > 0) {
    if (rate * (1 - loss) < kAsMuchAlone * before * (1 - flow.loss_before)) {
      flow.own = std::min(flow.loss_before, kOwnAtMost);
      return before;
    }
    flow.doubling = false;
  }
  if (loss < flow.own) flow.own += (loss - flow.own) / 8;
  const double excess = (loss - flow.own) / (1 - flow.own);
  if (excess < kLittleLoss) return rate * (flow.doubling ? 2 : 1.05);
  if (excess <= kMuchLoss) return rate;
  flow.less_than = flow.pacer.rate();
  flow.loss_before = loss;
  return rate * std::clamp(1 - excess, kMostCut, kLeastCut);
}

void Sender::Impl::tend_flows(TimePoint now) {
  flows_.clear();
  for (const auto& peer : peers_) {
    if (!peer || peer->has_all() || peer->state == PeerState::silent) continue;
    UnicastFlow& flow = peer->flow;
    if (flow.state == UnicastFlow::State::waiting && now >= flow.deadline) ask(*peer, now);
    // What listeners lack may come again to all of them, once everything was sent.
    const bool later = peer->in_group() && (streaming_ || !pending_.empty() || again_waits_);
    if (flow.state == UnicastFlow::State::idle && !peer->needs.empty() && !later && !peer->elsewhere) start_flow(*peer);
    if (flow.state != UnicastFlow::State::idle) flows_.push_back(peer.get());
  }
}

/// The group is being sent to, or could be; not while what is to be sent next is still to come.
bool Sender::Impl::group_first() const { return streaming_ || may_open() || group_work(); }

bool Sender::Impl::unicast_may_go() const { return unicast_credit_ >= static_cast<double>(packet_size()) || !group_first(); }

/// Sends one symbol to a receiver that is due one; while the group is being sent to, no more than a hundredth of the rate.
bool Sender::Impl::send_unicast(TimePoint now) {
  if (flows_.empty() || !unicast_may_go()) return false;
  for (Peer* peer : flows_) {
    if (peer->flow.state != UnicastFlow::State::sending || !peer->flow.pacer.ready(now)) continue;
    if (group_first()) unicast_credit_ -= static_cast<double>(packet_size());
    return send_symbol_to(*peer, now);
  }
  return false;
}

bool Sender::Impl::send_symbol_to(Peer& peer, TimePoint now) {
  UnicastFlow& flow = peer.flow;
  const auto ticket = keys_.receiver_ticket(peer.number);
  peer.insatiable = peer.quarantined && peer.unicast_symbols > kMostUnicast * (peer.wanted.size() + window_blocks(layout())) * kBlockSymbols;
  if (!ticket || peer.insatiable) {
    set_state_failed(peer);
    return false;
  }
  do {
    flow.at = flow.at + 1 < flow.items.size() ? flow.at + 1 : 0;
  } while (flow.items[flow.at].todo == 0);
  UnicastFlow::Item& item = flow.items[flow.at];
  const SymbolIndex symbol = item.cursor ? SymbolIndex{(*item.cursor)++} : advance(item.block);
  const auto bytes = cache_.symbol(item.block, symbol, item.todo);
  if (!bytes && bytes.error().code != Errc::busy) {
    fail(bytes.error().message);
    return false;
  }
  if (bytes) {  // else it is as if it were lost, and asked for again
    const DataHeader header{MessageType::repair, ticket->epoch, name_.session, ticket->number, item.block, symbol, 0};
    std::uint8_t* datagram = buffer();
    keys_.seal_to(peer.number, header, *bytes, datagram);
    emit(Destination::receiver, peer.number.value, {datagram, datagram_size()}, now);
    ++counts_.sent_packets;
    ++counts_.repair_symbols;
    ++counts_.unicast_symbols;
    ++peer.unicast_symbols;
  }
  flow.pacer.sent(packet_size(), now);
  --item.todo;
  if (--flow.todo == 0) ask(peer, now);
  return true;
}

}  // namespace ghost::ardus
