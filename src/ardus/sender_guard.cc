// Members that forge symbols, and members that ask for what they can't have lost (docs/spec/ardus.md §5.8, §5.9).
#include <algorithm>

#include "ardus/digest_book.h"
#include "ardus/sender_impl.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr Duration kDigestsFor = 10s;          // after the last suspicion
constexpr Duration kSameDigests = 100ms;       // before those of a block are sent again
constexpr std::size_t kMostDigestJobs = 512;
}  // namespace

void Sender::Impl::take_suspicion(Peer& peer, const ReportBody& body, TimePoint now) {
  digests_until_ = now + kDigestsFor;
  for (const DeficitRun& run : body.deficits) {
    const std::uint32_t end = std::min(ended(), run.first.value + std::min(run.count, options_.stream.blocks()));
    for (std::uint32_t b = run.first.value; b < end; ++b) {
      if (peer.wanted.contains(BlockIndex{b})) want_digests(BlockIndex{b}, now);
    }
  }
}

/// Of what has been sent of the block.
void Sender::Impl::want_digests(BlockIndex block, TimePoint now) {
  Digested& digested = digested_[block];
  if (digest_jobs_.size() >= kMostDigestJobs || now - digested.wanted < std::max<Duration>(kSameDigests, 2 * rtt_)) return;
  digested.wanted = now;
  const std::size_t symbols = options_.stream.symbols_in(block);
  for (std::size_t at = 0; at < symbols; at += kMaxDigests) digest_jobs_.push_back({block, static_cast<std::uint16_t>(at), std::min(kMaxDigests, symbols - at)});
  for (std::size_t at = kFirstParity; at < cursor_[block.value]; at += kMaxDigests) {
    digest_jobs_.push_back({block, static_cast<std::uint16_t>(at), std::min<std::size_t>(kMaxDigests, cursor_[block.value] - at)});
  }
}

bool Sender::Impl::send_wanted_digests(TimePoint now) {
  if (digest_jobs_.empty()) return false;
  const DigestJob job = digest_jobs_.front();
  digest_jobs_.pop_front();
  return send_digests(job.block, job.first, job.count, now);
}

/// Those of a symbol that is about to be sent, and of some that will follow it.
bool Sender::Impl::send_digests_before(const RepairWindow::Work& work, SymbolIndex symbol, TimePoint now) {
  if (!attacked(now) || digested_[work.block].told[symbol.value]) return true;
  if (symbol.value < kFirstParity) {
    const std::size_t first = symbol.value / kMaxDigests * kMaxDigests;
    return send_digests(work.block, static_cast<std::uint16_t>(first), std::min(kMaxDigests, options_.stream.symbols_in(work.block) - first), now);
  }
  const std::size_t follow = std::clamp<std::size_t>(work.todo + std::size_t{1}, 8, kMaxDigests);
  return send_digests(work.block, symbol.value, std::min<std::size_t>(follow, kSymbolEnd - symbol.value), now);
}

bool Sender::Impl::send_digests(BlockIndex block, std::uint16_t first, std::size_t count, TimePoint now) {
  DigestList list{name_.session, block, SymbolIndex{first}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const SymbolIndex symbol{static_cast<std::uint16_t>(first + i)};
    const auto bytes = cache_.symbol(block, symbol, count - i - 1);
    if (!bytes && bytes.error().code == Errc::busy) return true;  // they come with the symbols
    if (!bytes) {
      fail(bytes.error().message);
      return false;
    }
    list.digests.push_back(symbol_digest(*bytes));
    digested_[block].told.set(symbol.value);
  }
  Bytes datagram = write_digests(list);
  keys_.sign_digests(datagram);
  leaving_controls_.push_back(std::move(datagram));
  emit(Destination::group, 0, leaving_controls_.back(), now);
  ++counts_.digest_datagrams;
  return true;
}

}  // namespace ghost::ardus
