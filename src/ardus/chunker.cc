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

std::size_t first_chunk(BytesView data) {
  if (data.size() <= kSmallestChunk) return data.size();
  const auto& gear = gear_table();
  const std::size_t end = std::min(data.size(), kLargestChunk);
  const std::size_t usual = std::min(end, kUsualChunk);
  std::uint64_t hash = 0;
  std::size_t at = kSmallestChunk;
  for (; at < usual; ++at) {
    hash = (hash << 1) + gear[data[at]];
    if (hash >> kStrictShift == 0) return at + 1;
  }
  for (; at < end; ++at) {
    hash = (hash << 1) + gear[data[at]];
    if (hash >> kLooseShift == 0) return at + 1;
  }
  return end;
}

}  // namespace ghost::ardus
