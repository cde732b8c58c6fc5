// ardus_code_bench [K ERASED…]: CPU of a dense linear code over GF(256) with blocks of K symbols, by the number of symbols lost of each: what making
// the parity costs a sender, and a receiver getting the block back from it; each block is checked. And how much must be sent so that the worst of N
// receivers can decode every block. Without arguments, K = 128 and 1,024 at the losses of docs/performance.md.
#include <fmt/format.h>
#include <isa-l/erasure_code.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/random.h"

using namespace ghost;

namespace {

constexpr std::size_t kSymbol = 1408;

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec) * 1e-6;
}

using Symbols = std::vector<std::vector<std::uint8_t>>;

std::vector<std::uint8_t*> places(Symbols& symbols) {
  std::vector<std::uint8_t*> all;
  for (auto& each : symbols) all.push_back(each.data());
  return all;
}

void combine(std::vector<std::uint8_t>& matrix, std::vector<std::uint8_t*> in, std::vector<std::uint8_t*> out) {
  const int k = static_cast<int>(in.size()), rows = static_cast<int>(out.size());
  std::vector<std::uint8_t> tables(32 * in.size() * out.size());
  ec_init_tables(k, rows, matrix.data(), tables.data());
  ec_encode_data(static_cast<int>(kSymbol), k, rows, tables.data(), in.data(), out.data());
}

/// Gauss-Jordan over GF(256); false when the matrix is singular, which a random one is in one case of 255.
bool invert(std::vector<std::uint8_t>& a, std::vector<std::uint8_t>& inverse, std::size_t n) {
  inverse.assign(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) inverse[i * n + i] = 1;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    while (pivot < n && a[pivot * n + column] == 0) ++pivot;
    if (pivot == n) return false;
    for (std::size_t i = 0; i < n; ++i) std::swap(a[pivot * n + i], a[column * n + i]), std::swap(inverse[pivot * n + i], inverse[column * n + i]);
    const std::uint8_t scale = gf_inv(a[column * n + column]);
    for (std::size_t i = 0; i < n; ++i) a[column * n + i] = gf_mul(a[column * n + i], scale), inverse[column * n + i] = gf_mul(inverse[column * n + i], scale);
    for (std::size_t row = 0; row < n; ++row) {
      const std::uint8_t factor = a[row * n + column];
      if (row == column || factor == 0) continue;
      for (std::size_t i = 0; i < n; ++i) {
        a[row * n + i] ^= gf_mul(factor, a[column * n + i]);
        inverse[row * n + i] ^= gf_mul(factor, inverse[column * n + i]);
      }
    }
  }
  return true;
}

/// CPU-seconds a GB of content: of making `lost` parity symbols a block, and of getting the first `lost` source symbols back from them.
void measure(std::size_t k, std::size_t lost, double least_seconds) {
  SeededRandom random(k * 1000 + lost);
  Symbols source(k, std::vector<std::uint8_t>(kSymbol)), parity(lost, std::vector<std::uint8_t>(kSymbol)), rest = parity, back = parity;
  for (auto& symbol : source) {
    for (auto& byte : symbol) byte = static_cast<std::uint8_t>(random());
  }
  double encoding = 0, decoding = 0, bytes = 0;
  while (encoding + decoding < least_seconds) {
    std::vector<std::uint8_t> matrix(k * lost), square(lost * lost), inverse;
    for (auto& each : matrix) each = static_cast<std::uint8_t>(random());
    const double begin = cpu_seconds();
    combine(matrix, places(source), places(parity));
    const double encoded = cpu_seconds();
    // A receiver takes what it has off the parity, inverts the square of what it lacks, and combines.
    std::vector<std::uint8_t> known(lost * (k - lost));
    for (std::size_t row = 0; row < lost; ++row) {
      for (std::size_t i = 0; i < k; ++i) (i < lost ? square[row * lost + i] : known[row * (k - lost) + i - lost]) = matrix[row * k + i];
    }
    auto in = places(source);
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(lost));
    combine(known, in, places(rest));
    for (std::size_t row = 0; row < lost; ++row) {
      for (std::size_t i = 0; i < kSymbol; ++i) rest[row][i] ^= parity[row][i];
    }
    if (!invert(square, inverse, lost)) continue;
    combine(inverse, places(rest), places(back));
    decoding += cpu_seconds() - encoded;
    encoding += encoded - begin;
    bytes += static_cast<double>(k * kSymbol);
    for (std::size_t i = 0; i < lost; ++i) {
      if (back[i] != source[i]) std::exit((fmt::print("k={} lost={}: decoded something else\n", k, lost), 1));
    }
  }
  fmt::print("k={:<5} lost={:<4} making parity {:6.2f}  decoding {:6.2f} CPU-s/GB\n", k, lost, encoding * 1e9 / bytes, decoding * 1e9 / bytes);
}

/// Packets a block so that with a probability of half the worst of `receivers` gets k of them, over k/(1 − p).
double worst_of(std::size_t k, double p, double receivers) {
  for (std::size_t n = k;; ++n) {
    // P(Binomial(n, 1 − p) >= k), summed from the losses.
    double one = std::pow(1 - p, static_cast<double>(n)), enough = 0;
    double log_one = static_cast<double>(n) * std::log1p(-p);
    for (std::size_t lost = 0; lost <= n - k; ++lost) {
      if (lost > 0) log_one += std::log(static_cast<double>(n - lost + 1) / static_cast<double>(lost)) + std::log(p / (1 - p));
      one = std::exp(log_one);
      enough += one;
    }
    if (std::pow(std::min(enough, 1.0), receivers) >= 0.5) return static_cast<double>(n) * (1 - p) / static_cast<double>(k) - 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    for (int i = 2; i < argc; ++i) measure(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[i], nullptr, 10), 0.01);
    return 0;
  }
  for (const std::size_t k : {std::size_t{128}, std::size_t{1024}}) {
    for (const double p : {0.001, 0.01, 0.05}) {
      const double mean = static_cast<double>(k) * p;
      measure(k, std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(mean + 3.2 * std::sqrt(mean)))), 1);  // of the worst of 1,000
      fmt::print("k={:<5} loss={:<5} the worst of 1,000 receivers: {:+.2f} % over the floor\n", k, p, 100 * worst_of(k, p, 1000));
    }
    for (const std::size_t lost : {k / 100, k / 20}) measure(k, std::max<std::size_t>(lost, 1), 1);  // of a usual receiver
  }
  return 0;
}
