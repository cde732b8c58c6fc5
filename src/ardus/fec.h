#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ardus/payload.h"

/// Cauchy Reed-Solomon over GF(2^8), polynomial 0x11d (docs/spec/ardus.md §4): parity symbol s of a block with k source symbols is
/// the sum over i < k of source i times 1 / (s xor i). Any k of the symbols 0 … k-1, 128 … 255 give the block back.
namespace ghost::ardus::fec {

/// The factor of source symbol `source` (below 128) in parity symbol `parity` (128 … 255).
std::uint8_t coefficient(std::uint16_t parity, std::uint16_t source);

/// Writes parity symbols first … first+count-1.
/// @param source       the block: k * symbol_size bytes, 1 <= k <= 128
/// @param symbol_size  a multiple of 32
/// @param out          count * symbol_size bytes
void encode(BytesView source, std::size_t symbol_size, SymbolIndex first, std::size_t count, std::span<std::uint8_t> out);

/// A parity symbol that arrived.
struct Parity {
  SymbolIndex index;          ///< 128 … 255
  const std::uint8_t* bytes;  ///< symbol_size bytes
};

/// Fills in the lost source symbols of a block. Inverts only what is lost: e × e for e lost symbols.
/// @param block        k * symbol_size bytes; those of the lost symbols are overwritten
/// @param lost         indices of the lost source symbols, ascending, each below k
/// @param parity       at least as many different parity symbols as are lost; the first ones are used
void decode(std::span<std::uint8_t> block, std::size_t symbol_size, std::span<const std::uint16_t> lost, std::span<const Parity> parity);

}  // namespace ghost::ardus::fec
