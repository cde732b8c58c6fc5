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
  Bytes out;
  out.reserve(sectors * kSectorBytes);
  int left = 0, right = 0;
  for (std::size_t i = 0; i < sectors * kSectorFrames; ++i) {
    left += static_cast<int>(random.below(401)) - 200 - left / 64;
    right += static_cast<int>(random.below(401)) - 200 - right / 64;
    for (const int sample : {left, right}) {
      out.push_back(static_cast<std::uint8_t>(sample & 0xFF));
      out.push_back(static_cast<std::uint8_t>(sample >> 8 & 0xFF));
    }
  }
  return out;
}

inline void write_test_file(const std::filesystem::path& path, BytesView bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace ghost::audiojuggler
