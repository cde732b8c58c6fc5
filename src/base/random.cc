#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <cassert>
#include <cerrno>
#include <cmath>
#include <system_error>

namespace ghost {

void random_bytes(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // A kernel without randomness (or a sandbox that forbids it) leaves nothing safe to do.
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

SeededRandom::SeededRandom(std::uint64_t seed) : state_{} {
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRandom::operator()() {
  auto& s = state_;
  const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

std::uint64_t SeededRandom::below(std::uint64_t count) {
  assert(count > 0);
  // Numbers from the incomplete last round of `count` would come up more often: they are drawn again.
  const std::uint64_t uneven = (max() - count + 1) % count;
  std::uint64_t drawn = (*this)();
  while (drawn > max() - uneven) drawn = (*this)();
  return drawn % count;
}

double SeededRandom::unit() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

double SeededRandom::exponential(double mean) { return -mean * std::log1p(-unit()); }

}  // namespace ghost
