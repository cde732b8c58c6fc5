#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "base/random.h"

namespace ghost::ariascribe {

/// Makes UUIDs of version 7 (RFC 9562 §5.7): the time in front, so that keys made one after the other stand one beside the other; those of one
/// millisecond count on in `rand_a`. One thread at a time.
class UuidSource {
 public:
  /// @param now_ms  Unix time; one that goes back is taken as the last
  /// @return        36 characters, lower case
  std::string next(std::int64_t now_ms) {
    if (now_ms > last_ms_) {
      last_ms_ = now_ms;
      count_ = 0;
    } else if (++count_ == 0x1000) {
      ++last_ms_;
      count_ = 0;
    }
    if (used_ + 8 > random_.size()) {
      random_bytes(random_);
      used_ = 0;
    }
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(last_ms_ >> (40 - 8 * i));
    bytes[6] = static_cast<std::uint8_t>(0x70 | (count_ >> 8));
    bytes[7] = static_cast<std::uint8_t>(count_);
    for (std::size_t i = 8; i < 16; ++i) bytes[i] = random_[used_++];
    bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3F));
    std::string text;
    text.reserve(36);
    constexpr const char* kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < 16; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
      text += kDigits[bytes[i] >> 4];
      text += kDigits[bytes[i] & 15];
    }
    return text;
  }

 private:
  std::int64_t last_ms_ = 0;
  unsigned count_ = 0;
  std::array<std::uint8_t, 4096> random_{};
  std::size_t used_ = 4096;
};

}  // namespace ghost::ariascribe
