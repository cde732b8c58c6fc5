#include <cstdlib>

#include "base/bytes.h"
#include "net/address.h"

using ghost::net::Address;

// What parse() takes, text() writes so that parse() takes it again; what it refuses, it refuses with a short sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = ghost::as_text({data, size});
  for (const std::uint16_t default_port : {std::uint16_t{0}, std::uint16_t{2203}}) {
    const auto address = Address::parse(text, default_port);
    if (!address) {
      if (address.error().message.empty() || address.error().message.size() > 500) std::abort();
      continue;
    }
    const auto again = Address::parse(address->text());
    if (!again || *again != *address) std::abort();
  }
  return 0;
}
