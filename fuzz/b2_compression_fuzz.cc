// Compressed messages of a stranger: whatever they hold, what comes out is no longer than was allowed and than they told.
#include <cstdint>
#include <cstdlib>

#include "b2/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ghost::b2::Compression;
  constexpr std::size_t kMost = 256 * 1024;
  static Compression compression;
  const ghost::BytesView input(data, size);
  const auto told = Compression::plain_size(input, kMost);
  const auto plain = compression.decompress(input, kMost);
  if (plain && (!told || plain->size() != *told || plain->size() > kMost || plain->size() / Compression::kMostRatio > size)) std::abort();
  if (plain) {
    if (const auto again = compression.compress(*plain)) {
      const auto back = compression.decompress(*again, kMost);
      if (!back || *back != *plain) std::abort();
    }
  }
  return 0;
}
