#include <cstdlib>

#include "audiojuggler/drives/image_layout.h"

using namespace ghost;
using namespace ghost::audiojuggler;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto toc = parse_toc_file({data, size});
  if (!toc) return 0;
  const auto names = files_of(*toc);
  if (names.size() > 20) return 0;
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{2352} * 5000}) {
    std::vector<ImageFile> files;
    for (const std::string& name : names) files.push_back({name, 0, bytes, name.ends_with(".wav")});
    const auto layout = lay_out(*toc, files);
    if (layout && !layout->disc.toc.check()) std::abort();
  }
  return 0;
}
