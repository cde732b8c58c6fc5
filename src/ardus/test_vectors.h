#pragma once
#include <array>

#include "base/bytes.h"
#include "base/ed25519.h"

/// What the vectors under docs/spec/vectors are made of, for the tests that hold the code against them.
namespace ghost::ardus {

inline constexpr std::uint32_t kVectorSession = 0x0a0b0c0d;

/// `first`, `first` + 1, …
template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t first) {
  std::array<std::uint8_t, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

/// RFC 8410's frame around a seed of 32 bytes that count up from `first`.
inline KeyPair key_from(std::uint8_t first) {
  Bytes der = from_hex("302e020100300506032b657004220420").value();
  for (const std::uint8_t byte : counting<32>(first)) der.push_back(byte);
  return KeyPair::from_der(der).value();
}

}  // namespace ghost::ardus
