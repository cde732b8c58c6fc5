#pragma once
#include <string>
#include <vector>

#include "ariascribe/tags.h"
#include "base/bytes.h"

namespace ghost::ariascribe {

/// For tests: a FLAC file by its looks: a STREAMINFO of zeros, a Vorbis comment unless there are no tags, an application block,
/// padding unless it is 0, then `audio` bytes that stand for audio.
inline Bytes flac_file(const std::vector<Tag>& tags, std::size_t padding, std::size_t audio = 3000) {
  Bytes out = to_bytes(as_bytes("fLaC"));
  const auto block = [&](std::uint8_t type, bool last, const Bytes& content) {
    out.push_back(static_cast<std::uint8_t>(type | (last ? 0x80 : 0)));
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<std::uint8_t>(content.size() >> shift));
    out.insert(out.end(), content.begin(), content.end());
  };
  block(0, false, Bytes(34, 0));
  if (!tags.empty()) {
    Bytes comment;
    ByteWriter writer(comment);
    writer.u32(4).bytes(as_bytes("test")).u32(static_cast<std::uint32_t>(tags.size()));
    for (const Tag& tag : tags) {
      const std::string text = tag.bare ? tag.name : tag.name + "=" + tag.value;
      writer.u32(static_cast<std::uint32_t>(text.size())).bytes(as_bytes(text));
    }
    block(4, false, comment);
  }
  block(2, padding == 0, Bytes{'t', 'e', 's', 't', 1, 2, 3});
  if (padding != 0) block(1, true, Bytes(padding, 0));
  for (std::size_t i = 0; i < audio; ++i) out.push_back(static_cast<std::uint8_t>(i * 31 + i / 256));
  return out;
}

}  // namespace ghost::ariascribe
