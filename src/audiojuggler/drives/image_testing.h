#pragma once
#include <filesystem>
#include <fstream>
#include <string>

#include "audiojuggler/toc.h"
#include "base/bytes.h"
#include "base/random.h"

namespace ghost::audiojuggler {

/// For tests: `sectors` of something like music (smooth, so that encoders have work), the same for the same seed.
inline Bytes test_samples(std::size_t sectors, std::uint64_t seed) {
  SeededRandom random(seed);
  Bytes out(sectors * kSectorBytes);
  int left = 0, right = 0;
  for (std::uint8_t* at = out.data(); at != out.data() + out.size(); at += kFrameBytes) {
    const std::uint64_t dice = random();
    left += static_cast<int>(dice & 255) - 128 - left / 64;
    right += static_cast<int>(dice >> 8 & 255) - 128 - right / 64;
    at[0] = static_cast<std::uint8_t>(left & 0xFF);
    at[1] = static_cast<std::uint8_t>(left >> 8 & 0xFF);
    at[2] = static_cast<std::uint8_t>(right & 0xFF);
    at[3] = static_cast<std::uint8_t>(right >> 8 & 0xFF);
  }
  return out;
}

inline void write_test_file(const std::filesystem::path& path, BytesView bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace ghost::audiojuggler
