#include "ardus/chunker.h"

#include <algorithm>

#include "base/sha256.h"

namespace ghost::ardus {

namespace {

// The hash's top bits have felt the last 64 bytes. Two bits more than the usual size asks for before that size is reached, two fewer
// after it: sizes gather around the usual one.
constexpr int kStrictShift = 64 - 18;
constexpr int kLooseShift = 64 - 14;

}  // namespace

const std::array<std::uint64_t, 256>& gear_table() {
  static const std::array<std::uint64_t, 256> table = [] {
    std::array<std::uint64_t, 256> made;
    for (std::size_t value = 0; value < made.size(); ++value) {
      const std::uint8_t byte = static_cast<std::uint8_t>(value);
      made[value] = ByteReader(Sha256().update(as_bytes("ardus gear 1")).update({&byte, 1}).finish()).u64();
    }
    return made;
  }();
  return table;
}

/// The end of the chunk, if it is in begin … end: after the byte with which the hash falls below `limit`. Else 0, and the hash goes on.
/// Four bytes at a time: each hash waits for the one before otherwise, and all four follow from the last of the four before.
static std::size_t cut_between(BytesView data, std::size_t begin, std::size_t end, std::uint64_t limit, std::uint64_t& hash) {
  const std::uint64_t* const gear = gear_table().data();
  std::uint64_t h = hash;
  std::size_t at = begin;
  for (; at + 4 <= end; at += 4) {
    const std::uint64_t g1 = gear[data[at]], g2 = 2 * g1 + gear[data[at + 1]], g3 = 2 * g2 + gear[data[at + 2]], g4 = 2 * g3 + gear[data[at + 3]];
    if (2 * h + g1 < limit) return at + 1;
    if (4 * h + g2 < limit) return at + 2;
    if (8 * h + g3 < limit) return at + 3;
    h = 16 * h + g4;
    if (h < limit) return at + 4;
  }
  for (; at < end; ++at) {
    h = 2 * h + gear[data[at]];
    if (h < limit) return at + 1;
  }
  hash = h;
  return 0;
}

std::size_t first_chunk(BytesView data) {
  if (data.size() <= kSmallestChunk) return data.size();
  const std::size_t end = std::min(data.size(), kLargestChunk);
  const std::size_t usual = std::min(end, kUsualChunk);
  std::uint64_t hash = 0;
  if (const auto cut = cut_between(data, kSmallestChunk, usual, std::uint64_t{1} << kStrictShift, hash)) return cut;
  if (const auto cut = cut_between(data, usual, end, std::uint64_t{1} << kLooseShift, hash)) return cut;
  return end;
}

}  // namespace ghost::ardus
