#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"

namespace ghost {

/// 32 bytes of SHA-256 or of HMAC-SHA-256.
using Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of what is fed to it, piece by piece, by OpenSSL.
class Sha256 {
 public:
  Sha256();
  Sha256& update(BytesView bytes);
  /// The digest of everything since construction or the last finish(); starts anew.
  Digest finish();

 private:
  alignas(8) std::byte state_[112];  ///< SHA256_CTX, whose header would bring OpenSSL to everyone
};

Digest sha256(BytesView bytes);
Digest hmac_sha256(BytesView key, BytesView message);

/// HKDF with SHA-256 (RFC 5869): `length` bytes of key material, at most 8160, from `secret`. `info` keeps the uses of one secret
/// apart.
Bytes hkdf_sha256(BytesView secret, BytesView salt, std::string_view info, std::size_t length);

/// Compares in a time that does not tell where the first difference is. Unequal lengths are unequal at once.
bool equal_in_constant_time(BytesView a, BytesView b);

/// Overwrites a secret in a way the compiler keeps.
void wipe(std::span<std::uint8_t> secret);

}  // namespace ghost
