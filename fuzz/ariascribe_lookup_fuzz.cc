// A stranger's datagram: read as a call and as an answer; what is read is written back the same.
#include <cstdint>

#include "ariascribe/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  const BytesView datagram(data, size);
  if (const auto call = ariascribe::decode_call(datagram)) {
    const auto again = ariascribe::encode_call(*call, size);
    if (!again || !std::equal(again->begin(), again->end(), datagram.begin(), datagram.end())) __builtin_trap();
  }
  if (const auto answer = ariascribe::decode_answer(datagram)) {
    if (ariascribe::encode_answer(*answer, ariascribe::kMaxLookupBytes).size() > ariascribe::kMaxLookupBytes) __builtin_trap();
  }
  return 0;
}
