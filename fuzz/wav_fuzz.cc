#include <cstdlib>

#include "audiojuggler/formats/wav.h"

using namespace ghost;
using namespace ghost::audiojuggler;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto info = parse_wav({data, size}, size);
  if (info && (info->data_offset > size || info->data_bytes > size - info->data_offset)) std::abort();
  return 0;
}
