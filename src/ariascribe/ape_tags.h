#pragma once
#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// An APEv2 tag at the end of a file, in front of an ID3v1 tag if there is one: WavPack's tags, and some MP3's.
struct ApeTag {
  struct Item {
    std::string key;
    std::uint32_t flags = 0;
    Bytes value;
  };
  std::uint64_t offset = 0;  ///< where it begins, or would
  std::uint64_t end = 0;     ///< behind it
  std::vector<Item> items;
};

/// Errors: malformed when items reach past the tag, exhausted beyond kMaxTagBytes.
Result<ApeTag> parse_ape(const ByteSource& file);
/// What it says under our names: "Track" "n/m" is TRACKNUMBER and TRACKTOTAL.
std::vector<Tag> ape_tags(const ApeTag& tag);
/// Puts the values of `wanted` in for each of these names; other items stay. Errors: malformed for a name that can be no key.
Status set_ape_tags(ApeTag& tag, const std::vector<std::string>& names, const std::vector<Tag>& wanted);
Bytes ape_bytes(const ApeTag& tag);

/// WavPack: blocks of audio, then an APEv2 tag.
Result<std::vector<Tag>> wavpack_tags(const ByteSource& file);
Result<std::vector<Splice>> wavpack_splices(const ByteSource& file, const std::vector<Tag>& tags);

}  // namespace ghost::ariascribe
