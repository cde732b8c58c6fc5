#include "ardus/fec.h"

#include <isa-l/erasure_code.h>

#include <array>
#include <cassert>

namespace ghost::ardus::fec {

namespace {

/// Logarithms to the base 2 and their powers, for products of many factors.
struct Tables {
  std::array<std::uint8_t, 256> log{};
  std::array<std::uint8_t, 510> power{};
};

constexpr Tables make_tables() {
  Tables t;
  unsigned value = 1;
  for (std::size_t i = 0; i < 255; ++i) {
    t.power[i] = t.power[i + 255] = static_cast<std::uint8_t>(value);
    t.log[value] = static_cast<std::uint8_t>(i);
    value <<= 1;
    if ((value & 0x100) != 0) value ^= 0x11d;
  }
  return t;
}

constexpr Tables kField = make_tables();

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  return a == 0 || b == 0 ? std::uint8_t{0} : kField.power[std::size_t{kField.log[a]} + kField.log[b]];
}

unsigned log_of(std::uint16_t a, std::uint16_t b) { return kField.log[static_cast<std::uint8_t>(a ^ b)]; }

std::uint8_t power_of(int exponent) {
  exponent %= 255;
  return kField.power[static_cast<std::size_t>(exponent < 0 ? exponent + 255 : exponent)];
}

/// The inverse of the Cauchy matrix 1/(x_i xor y_j), in closed form: O(e²).
/// inverse[j][i] = prod_k (x_i+y_k)(x_k+y_j) / ((x_i+y_j) prod_{k≠i}(x_i+x_k) prod_{k≠j}(y_j+y_k))
std::vector<std::uint8_t> invert(std::span<const std::uint16_t> x, std::span<const std::uint16_t> y) {
  const std::size_t e = x.size();
  std::vector<int> of_x(e), of_y(e);
  for (std::size_t i = 0; i < e; ++i) {
    for (std::size_t k = 0; k < e; ++k) {
      of_x[i] += static_cast<int>(log_of(x[i], y[k]));
      of_y[i] += static_cast<int>(log_of(x[k], y[i]));
      if (k == i) continue;
      of_x[i] -= static_cast<int>(log_of(x[i], x[k]));
      of_y[i] -= static_cast<int>(log_of(y[i], y[k]));
    }
  }
  std::vector<std::uint8_t> inverse(e * e);
  for (std::size_t j = 0; j < e; ++j) {
    for (std::size_t i = 0; i < e; ++i) inverse[j * e + i] = power_of(of_x[i] + of_y[j] - static_cast<int>(log_of(x[i], y[j])));
  }
  return inverse;
}

/// out[r] = sum over inputs of matrix[r][i] * inputs[i].
void combine(std::size_t symbol_size, std::vector<std::uint8_t>& matrix, std::vector<std::uint8_t*>& inputs, std::vector<std::uint8_t*>& outputs) {
  const int k = static_cast<int>(inputs.size()), rows = static_cast<int>(outputs.size());
  std::vector<std::uint8_t> tables(std::size_t{32} * inputs.size() * outputs.size());
  ec_init_tables(k, rows, matrix.data(), tables.data());
  ec_encode_data(static_cast<int>(symbol_size), k, rows, tables.data(), inputs.data(), outputs.data());
}

// ISA-L takes its inputs as pointers to bytes it does not change.
std::uint8_t* input(const std::uint8_t* bytes) { return const_cast<std::uint8_t*>(bytes); }

}  // namespace

std::uint8_t coefficient(std::uint16_t parity, std::uint16_t source) {
  assert(parity >= kFirstParity && parity < kSymbolEnd && source < kBlockSymbols);
  return power_of(-static_cast<int>(log_of(parity, source)));
}

void encode(BytesView source, std::size_t symbol_size, SymbolIndex first, std::size_t count, std::span<std::uint8_t> out) {
  const std::size_t k = source.size() / symbol_size;
  assert(k >= 1 && k <= kBlockSymbols && source.size() == k * symbol_size && symbol_size % 32 == 0);
  assert(first.value >= kFirstParity && first.value + count <= kSymbolEnd && out.size() == count * symbol_size);
  std::vector<std::uint8_t> matrix(count * k);
  std::vector<std::uint8_t*> inputs(k), outputs(count);
  for (std::size_t i = 0; i < k; ++i) inputs[i] = input(source.data() + i * symbol_size);
  for (std::size_t row = 0; row < count; ++row) {
    outputs[row] = out.data() + row * symbol_size;
    for (std::size_t i = 0; i < k; ++i) {
      matrix[row * k + i] = coefficient(static_cast<std::uint16_t>(first.value + row), static_cast<std::uint16_t>(i));
    }
  }
  combine(symbol_size, matrix, inputs, outputs);
}

void decode(std::span<std::uint8_t> block, std::size_t symbol_size, std::span<const std::uint16_t> lost, std::span<const Parity> parity) {
  const std::size_t k = block.size() / symbol_size, e = lost.size();
  assert(block.size() == k * symbol_size && parity.size() >= e && e <= k);
  if (e == 0) return;
  std::vector<std::uint16_t> rows(e), present;
  for (std::size_t i = 0; i < e; ++i) rows[i] = parity[i].index.value;
  for (std::uint16_t i = 0, next = 0; i < k; ++i) {
    if (next < e && lost[next] == i) {
      ++next;
    } else {
      present.push_back(i);
    }
  }
  // lost = inverse * (parity - C * present): one pass over k inputs with the matrix [inverse * C | inverse].
  const std::vector<std::uint8_t> inverse = invert(rows, lost);
  std::vector<std::uint8_t> matrix(e * k);
  for (std::size_t p = 0; p < present.size(); ++p) {
    for (std::size_t i = 0; i < e; ++i) {
      const std::uint8_t factor = coefficient(rows[i], present[p]);
      for (std::size_t j = 0; j < e; ++j) matrix[j * k + p] ^= multiply(inverse[j * e + i], factor);
    }
  }
  for (std::size_t j = 0; j < e; ++j) {
    for (std::size_t i = 0; i < e; ++i) matrix[j * k + present.size() + i] = inverse[j * e + i];
  }
  std::vector<std::uint8_t*> inputs, outputs;
  for (const std::uint16_t i : present) inputs.push_back(block.data() + i * symbol_size);
  for (std::size_t i = 0; i < e; ++i) inputs.push_back(input(parity[i].bytes));
  for (const std::uint16_t i : lost) outputs.push_back(block.data() + i * symbol_size);
  combine(symbol_size, matrix, inputs, outputs);
}

}  // namespace ghost::ardus::fec
