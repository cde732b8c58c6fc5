#include <cstdlib>

#include "base/bytes.h"
#include "portlight/registry.h"

using namespace ghost;

// A registry made of a stranger's CSV over a small one is written and read again the same, and answers for every number in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto old = portlight::Registry::parse("10\ttcp,udp\t=\tone\tOne\t\t\t\t\t\n11\ttcp\t=\tkept\tKept\t\t\t\t\t\n20-29\t\t+\trun\t\t\t\t\t\t\n");
  const auto fresh = old->updated_from_csv(as_text({data, size}));
  if (!fresh) return 0;
  const auto again = portlight::Registry::parse(fresh->text());
  if (!again || again->text() != fresh->text()) std::abort();
  for (const portlight::Registration& row : fresh->rows()) {
    if (fresh->range(row.first, row.last).empty()) std::abort();
    (void)fresh->lookup(row.last, portlight::Transport::udp).history();
  }
  return 0;
}
