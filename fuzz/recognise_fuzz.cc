#include <cstdlib>

#include "base/text.h"
#include "portlight/recognise.h"

using namespace ghost;
using namespace ghost::portlight;

// Whatever a listener says, to whatever was asked, what is made of it can be shown and hints only at probes there are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Transport transport = (data[0] & 0x80) != 0 ? Transport::udp : Transport::tcp;
  const auto all = probes();
  const std::size_t which = data[0] & 0x7f;
  const std::string_view after = which < all.size() ? all[which].name : std::string_view();
  const auto found = recognise(transport, after, BytesView(data, size).subspan(1));
  if (!found) return 0;
  if (found->protocol.empty() || found->confidence <= 0 || found->confidence > 1) std::abort();
  for (const std::string& text : {found->protocol, found->product, found->version, found->said}) {
    if (printable(text) != text) std::abort();
  }
  if (!found->follow.empty() && find_probe(found->follow, Transport::tcp) == nullptr) std::abort();
  return 0;
}
