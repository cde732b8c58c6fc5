#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace ghost::ardus {

using AeadKey = std::array<std::uint8_t, 16>;

/// AES-128-GCM under one key, with packet numbers as nonces (docs/spec/ardus.md §3.2).
class PacketCipher {
 public:
  enum class By : std::uint8_t {
    fastest,  ///< libipsec-mb where it was built in and this CPU has AES and carry-less multiplication: a quarter of the time a packet
    openssl
  };
  explicit PacketCipher(const AeadKey& key, By by = By::fastest);
  ~PacketCipher();
  PacketCipher(PacketCipher&&) noexcept;
  PacketCipher& operator=(PacketCipher&&) noexcept;

  /// Writes plain.size() + 16 bytes at `out`, which does not overlap `plain`.
  void seal(std::uint64_t number, BytesView header, BytesView plain, std::uint8_t* out);
  /// Writes sealed.size() - 16 bytes at `out`; false when the tag is wrong, and then what was written means nothing.
  bool open(std::uint64_t number, BytesView header, BytesView sealed, std::uint8_t* out);

 private:
  struct Cipher;
  struct ByOpenssl;
  struct ByIpsecMb;
  std::unique_ptr<Cipher> cipher_;
};

}  // namespace ghost::ardus
