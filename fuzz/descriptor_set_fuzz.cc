// Descriptor sets of strangers, as a host merges those of its children: two bytes tell how long the first is, the rest is the
// second. What comes out is read as a client reads it, and merging it once more changes nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "b2/descriptor_set.h"
#include "b2/json.h"
#include "b2/v1/core.b2.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  if (size < 2) return 0;
  const std::size_t length = std::min<std::size_t>(data[0] + data[1] * std::size_t{256}, size - 2);
  const BytesView first(data + 2, length), second(data + 2 + length, size - 2 - length);
  const BytesView known = b2::v1::CoreService::static_info().file_descriptor_set;
  const BytesView sets[] = {first, known, second, known};
  const Bytes merged = b2::merge_descriptor_sets(sets);
  if (merged.size() > first.size() + second.size() + known.size() + 64) std::abort();  // each file once
  const BytesView again[] = {merged, merged};
  if (b2::merge_descriptor_sets(again) != merged) std::abort();

  const b2::JsonCodec codec(merged);
  for (const std::string& service : codec.services()) {
    (void)codec.describe(service);
    const auto methods = codec.methods(service);
    for (const b2::JsonMethod& method : *methods) (void)codec.example_request(service, method.name);
  }
  return 0;
}
