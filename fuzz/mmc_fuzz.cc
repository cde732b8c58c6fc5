#include <cstdlib>

#include "audiojuggler/drives/mmc.h"

using namespace ghost;
using namespace ghost::audiojuggler;

/// A TOC that was believed must hold together: what stands on it does not look again.
static void must_hold(const Result<Toc>& toc) {
  if (toc && !toc->check()) std::abort();
}

// The first byte says which question the rest answers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView answer(data + 1, size - 1);
  switch (data[0] % 8) {
    case 0: must_hold(mmc::parse_toc(answer)); break;
    case 1: must_hold(mmc::parse_full_toc(answer)); break;
    case 2: (void)mmc::cd_text_packs(answer); break;
    case 3: (void)mmc::parse_inquiry(answer); break;
    case 4: (void)mmc::parse_capabilities(answer); break;
    case 5: {
      const auto mcn = mmc::parse_mcn(answer);
      const auto isrc = mmc::parse_isrc(answer);
      if ((mcn && !is_mcn(*mcn)) || (isrc && !is_isrc(*isrc))) std::abort();
      break;
    }
    case 6: (void)mmc::sense_error(answer); break;
    default: {
      const mmc::ReadCdWish wish{(data[0] & 0x40) != 0, (data[0] & 0x80) != 0};
      std::array<SectorRead, 3> sectors;
      if (mmc::parse_read_cd(answer, wish, sectors) && answer.size() < sectors.size() * wish.sector_bytes()) std::abort();
    }
  }
  return 0;
}
