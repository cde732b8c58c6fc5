#pragma once
#include "base/bytes.h"

namespace ghost::audiojuggler {

/// The checksum of Q sub-channel and CD-TEXT packs: x^16 + x^12 + x^5 + 1, from 0, inverted (IEC 60908 §17, Annex J).
inline std::uint16_t crc16(BytesView bytes) {
  unsigned crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc ^= unsigned{byte} << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000u) != 0 ? (crc << 1 ^ 0x1021u) & 0xFFFFu : crc << 1;
  }
  return static_cast<std::uint16_t>(~crc);
}

}  // namespace ghost::audiojuggler
