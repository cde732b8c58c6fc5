#pragma once
#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace ghost::audiojuggler {

/// For tests: the generator of .NET's System.Random (Knuth's subtractive one), of whose noise CUETools' tests know the checksums.
class DotNetNoise {
 public:
  explicit DotNetNoise(std::int32_t seed) {
    std::int64_t last = 161'803'398 - seed, next = 1;
    state_[55] = last;
    for (std::size_t i = 1; i < 55; ++i) {
      const std::size_t at = 21 * i % 55;
      state_[at] = next;
      next = last - next;
      if (next < 0) next += kRange;
      last = state_[at];
    }
    for (int round = 0; round < 4; ++round) {
      for (std::size_t i = 1; i < 56; ++i) {
        const auto difference = static_cast<std::int32_t>(static_cast<std::uint32_t>(state_[i] - state_[1 + (i + 30) % 55]));
        state_[i] = difference < 0 ? difference + kRange : difference;
      }
    }
  }
  Bytes bytes(std::size_t count) {
    Bytes out(count);
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(sample() % 256);
    return out;
  }

 private:
  std::int64_t sample() {
    a_ = a_ == 55 ? 1 : a_ + 1;
    b_ = b_ == 55 ? 1 : b_ + 1;
    std::int64_t out = state_[a_] - state_[b_];
    if (out == kRange) --out;
    if (out < 0) out += kRange;
    return state_[a_] = out;
  }

  static constexpr std::int64_t kRange = 2'147'483'647;
  std::array<std::int64_t, 56> state_{};
  std::size_t a_ = 0, b_ = 21;
};

}  // namespace ghost::audiojuggler
