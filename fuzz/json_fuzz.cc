// Descriptors, JSON and messages of a stranger. Two bytes tell how long the FileDescriptorSet is that follows, 0 for our own; the
// rest is taken for JSON and for a message, of every method in turn.
#include <algorithm>
#include <cstdint>

#include "b2/json.h"
#include "b2/test/v1/kinds.b2.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  if (size < 2) return 0;
  const std::size_t length = std::min<std::size_t>(data[0] + data[1] * std::size_t{256}, size - 2);
  const BytesView set(data + 2, length), rest(data + 2 + length, size - 2 - length);
  const b2::JsonCodec codec(length == 0 ? b2::test::v1::WorkService::static_info().file_descriptor_set : set);
  for (const std::string& service : codec.services()) {
    (void)codec.describe(service);
    const auto methods = codec.methods(service);
    for (const b2::JsonMethod& method : *methods) {
      (void)codec.example_request(service, method.name);
      (void)codec.response_to_json(service, method.name, rest, b2::JsonStyle::compact);
      (void)codec.request_from_json(service, method.name, as_text(rest));
    }
  }
  return 0;
}
