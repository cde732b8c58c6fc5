#include <cstdlib>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/crc16.h"

using namespace ghost;
using namespace ghost::audiojuggler;

// Packs as they come, then with their checksums mended, so that what is behind the checksum is reached. What was read can be written, and
// is read again as it was.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)decode_cd_text({data, size});
  Bytes packs(data, data + size - size % kPackBytes);
  for (std::size_t at = 0; at < packs.size(); at += kPackBytes) {
    const std::uint16_t crc = crc16(BytesView(packs).subspan(at, 16));
    packs[at + 16] = static_cast<std::uint8_t>(crc >> 8);
    packs[at + 17] = static_cast<std::uint8_t>(crc & 0xFF);
  }
  const auto text = decode_cd_text(packs);
  if (!text) return 0;
  const auto written = encode_cd_text(*text, 1, 99);
  if (!written) return 0;
  const auto again = decode_cd_text(*written);
  if (!again || again->disc != text->disc || again->mcn != text->mcn || again->isrc != text->isrc) std::abort();
  return 0;
}
