#pragma once
#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace ghost::ardus {

/// Sizes of content-defined chunks, in bytes (docs/spec/ardus.md, "Chunks").
constexpr std::size_t kSmallestChunk = 16 * 1024;
constexpr std::size_t kUsualChunk = 64 * 1024;
constexpr std::size_t kLargestChunk = 256 * 1024;

/// Where the first chunk of `data` ends: its length in bytes. Content decides (FastCDC, Xia et al. 2016, with normalised chunking), so
/// that bytes put in or taken out move the cuts near them and no others.
/// @param data  what is left of a file: all of it, or at least kLargestChunk bytes
/// @return      0 for no data; else 1 … kLargestChunk, and less than kSmallestChunk at the end of a file only
std::size_t first_chunk(BytesView data);

/// One random number for each value of a byte: the first 8 bytes, little-endian, of SHA-256("ardus gear 1" and the byte).
const std::array<std::uint64_t, 256>& gear_table();

}  // namespace ghost::ardus
