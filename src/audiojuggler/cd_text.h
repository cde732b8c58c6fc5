#pragma once
#include <map>
#include <string>

#include "audiojuggler/disc.h"
#include "base/bytes.h"

namespace ghost::audiojuggler {

constexpr std::size_t kPackBytes = 18;

/// What the CD-TEXT packs of a lead-in say (docs/spec/audiojuggler.md §4), first language.
struct CdText {
  Text disc;
  std::map<std::uint8_t, Text> tracks = {};
  std::string mcn = {};
  std::map<std::uint8_t, std::string> isrc = {};
  std::size_t bad_packs = 0;  ///< whose checksum was wrong: their text is missing
};

/// From packs of 18 bytes, in front of which the 4-byte header of READ TOC may stand and behind which a zero may. unsupported, with the reason,
/// when the text is in a character set other than ISO 8859-1 and ASCII; malformed when these are no packs.
Result<CdText> decode_cd_text(BytesView packs);
/// The reverse: one block in ISO 8859-1, language English. unsupported for a character that it lacks, exhausted when the 255 packs of a block
/// do not suffice.
Result<Bytes> encode_cd_text(const CdText& text, std::uint8_t first_track, std::uint8_t last_track);
/// Puts what CD-TEXT says where `disc` says nothing.
void fill_from(Disc& disc, const CdText& text);

}  // namespace ghost::audiojuggler
