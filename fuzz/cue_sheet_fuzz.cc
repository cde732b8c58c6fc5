#include <cstdlib>

#include "audiojuggler/drives/image_layout.h"

using namespace ghost;
using namespace ghost::audiojuggler;

// A sheet that is accepted is written as one that is accepted again and written the same; whatever its files are, laying it out ends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto sheet = parse_cue({data, size});
  if (!sheet) return 0;
  const std::string written = write_cue(*sheet);
  const auto again = parse_cue(as_bytes(written));
  if (!again || write_cue(*again) != written) std::abort();
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{10'000}, std::uint64_t{2352} * 5000}) {
    std::vector<ImageFile> files;
    for (const CueFile& file : sheet->files) files.push_back({file.name, 0, bytes, file.format == CueFormat::wave});
    const auto layout = lay_out(*sheet, files);
    if (layout && !layout->disc.toc.check()) std::abort();
  }
  return 0;
}
