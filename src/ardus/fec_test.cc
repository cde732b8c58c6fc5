#include "ardus/fec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace ghost::ardus::fec {

namespace {

Bytes random_block(std::size_t k, std::size_t symbol_size, std::uint64_t seed) {
  SeededRandom random(seed);
  Bytes block(k * symbol_size);
  for (auto& byte : block) byte = static_cast<std::uint8_t>(random());
  return block;
}

/// Loses `lost`, gives `kept` parity symbols, and says whether the block came back.
bool comes_back(const Bytes& block, std::size_t symbol_size, const std::vector<std::uint16_t>& lost, const std::vector<std::uint16_t>& kept) {
  Bytes parity(kept.size() * symbol_size);
  std::vector<Parity> arrived;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const std::span<std::uint8_t> at = std::span(parity).subspan(i * symbol_size, symbol_size);
    encode(block, symbol_size, SymbolIndex{kept[i]}, 1, at);
    arrived.push_back({SymbolIndex{kept[i]}, at.data()});
  }
  Bytes damaged = block;
  for (const std::uint16_t i : lost) std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(i * symbol_size), symbol_size, std::uint8_t{0xee});
  decode(damaged, symbol_size, lost, arrived);
  return damaged == block;
}

/// `count` different numbers of first … end-1, ascending.
std::vector<std::uint16_t> choose(SeededRandom& random, std::uint16_t first, std::uint16_t end, std::size_t count) {
  std::vector<std::uint16_t> all(end - first);
  std::iota(all.begin(), all.end(), first);
  for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.below(all.size() - i)]);
  all.resize(count);
  std::sort(all.begin(), all.end());
  return all;
}

/// Carry-less multiplication reduced by 0x11d, bit by bit: what the tables must agree with.
std::uint8_t slow_multiply(std::uint8_t a, std::uint8_t b) {
  unsigned product = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((b >> bit & 1) != 0) product ^= static_cast<unsigned>(a) << bit;
  }
  for (unsigned bit = 15; bit >= 8; --bit) {
    if ((product >> bit & 1) != 0) product ^= 0x11du << (bit - 8);
  }
  return static_cast<std::uint8_t>(product);
}

}  // namespace

TEST(Fec, EveryCoefficientIsTheInverseOfTheXorOfItsIndices) {
  for (std::uint16_t parity = 128; parity < 256; ++parity) {
    for (std::uint16_t source = 0; source < 128; ++source) {
      ASSERT_EQ(slow_multiply(coefficient(parity, source), static_cast<std::uint8_t>(parity ^ source)), 1);
    }
  }
}

TEST(Fec, ParityIsTheSumTheSpecificationStates) {
  const Bytes block = random_block(5, 32, 1);
  Bytes parity(2 * 32);
  encode(block, 32, SymbolIndex{200}, 2, parity);
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t at = 0; at < 32; ++at) {
      std::uint8_t sum = 0;
      for (std::uint16_t i = 0; i < 5; ++i) {
        sum = static_cast<std::uint8_t>(sum ^ slow_multiply(coefficient(static_cast<std::uint16_t>(200 + row), i), block[i * 32u + at]));
      }
      ASSERT_EQ(parity[row * 32 + at], sum);
    }
  }
}

TEST(Fec, EveryPatternOfLossOfASmallBlockIsRepaired) {
  constexpr std::size_t k = 5, n_parity = 4;
  const Bytes block = random_block(k, 32, 2);
  for (unsigned lost_bits = 0; lost_bits < 1u << k; ++lost_bits) {
    for (unsigned parity_bits = 0; parity_bits < 1u << n_parity; ++parity_bits) {
      if (std::popcount(parity_bits) < std::popcount(lost_bits)) continue;
      std::vector<std::uint16_t> lost, kept;
      for (std::uint16_t i = 0; i < k; ++i) {
        if ((lost_bits >> i & 1) != 0) lost.push_back(i);
      }
      for (std::uint16_t i = 0; i < n_parity; ++i) {
        if ((parity_bits >> i & 1) != 0) kept.push_back(static_cast<std::uint16_t>(128 + 40 * i));
      }
      ASSERT_TRUE(comes_back(block, 32, lost, kept)) << lost_bits << " " << parity_bits;
    }
  }
}

TEST(Fec, RandomLossesOfAFullBlockAreRepaired) {
  SeededRandom random(3);
  const Bytes block = random_block(128, 64, 4);
  for (int round = 0; round < 60; ++round) {
    const std::size_t e = round < 40 ? 1 + random.below(16) : 1 + random.below(128);
    ASSERT_TRUE(comes_back(block, 64, choose(random, 0, 128, e), choose(random, 128, 256, e))) << e;
  }
}

TEST(Fec, ABlockLostAltogetherComesBackFromParityAlone) {
  std::vector<std::uint16_t> lost(128), kept(128);
  std::iota(lost.begin(), lost.end(), std::uint16_t{0});
  std::iota(kept.begin(), kept.end(), std::uint16_t{128});
  EXPECT_TRUE(comes_back(random_block(128, 32, 5), 32, lost, kept));
}

TEST(Fec, AShortBlockUsesTheSameMatrix) {
  SeededRandom random(6);
  for (const std::size_t k : {1u, 2u, 77u, 127u}) {
    const Bytes block = random_block(k, kSymbolSize, k);
    const std::size_t e = 1 + random.below(std::min<std::size_t>(k, 20));
    EXPECT_TRUE(comes_back(block, kSymbolSize, choose(random, 0, static_cast<std::uint16_t>(k), e), choose(random, 128, 256, e))) << k;
  }
}

}  // namespace ghost::ardus::fec
