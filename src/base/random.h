#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <span>

namespace ghost {

/// Fills `out` with random bytes of the kernel, fit for keys. Waits until the kernel has gathered entropy (early boot).
void random_bytes(std::span<std::uint8_t> out);

/// Random numbers that are the same for the same seed on every machine: for simulations, jitter and tests, never for secrets.
/// xoshiro256** (Blackman, Vigna 2018), seeded through splitmix64. Fits where the standard wants a UniformRandomBitGenerator; its
/// own functions are used instead of <random>'s distributions, whose results differ between libraries.
class SeededRandom {
 public:
  using result_type = std::uint64_t;
  explicit SeededRandom(std::uint64_t seed);

  std::uint64_t operator()();
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return std::numeric_limits<std::uint64_t>::max(); }

  /// Evenly one of 0 … count-1; count > 0.
  std::uint64_t below(std::uint64_t count);
  /// Evenly in [0, 1).
  double unit();
  /// True with the given probability: never at 0, always at 1.
  bool chance(double probability) { return unit() < probability; }
  /// Exponentially distributed, for gaps between independent events.
  double exponential(double mean);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace ghost
