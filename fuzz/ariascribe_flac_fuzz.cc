// The beginning of a stranger's file: read as FLAC, its tags changed, written, and read again.
#include <cstdint>

#include "ariascribe/flac_tags.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  const BytesView file(data, size);
  (void)ariascribe::flac_head_length(file);
  const auto head = ariascribe::parse_flac_head(file);
  if (!head) return 0;
  const auto changed = ariascribe::flac_head_with_tags(*head, ariascribe::with_values(head->tags, "WORK", {"a work"}));
  if (!changed) return 0;
  const auto again = ariascribe::parse_flac_head(*changed);
  if (!again || ariascribe::first_value(again->tags, "WORK") != "a work") __builtin_trap();
  return 0;
}
