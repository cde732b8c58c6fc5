#include <cstdlib>

#include "b2/one_time_code.h"

// What is read as a code is written back as one that is read the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ghost::b2::OneTimeCode;
  const auto code = OneTimeCode::parse(ghost::as_text({data, size}));
  if (!code) return 0;
  const auto again = OneTimeCode::parse(code->text());
  if (!again || !(*again == *code)) std::abort();
  return 0;
}
