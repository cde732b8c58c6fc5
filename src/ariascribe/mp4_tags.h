#pragma once
#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// M4A and its like (ISO 14496-12): tags are the items of moov/udta/meta/ilst. What has no item of Apple's is "----" with the mean
/// com.apple.iTunes and our name.
/// Errors: malformed when atoms reach past each other, exhausted beyond kMaxTagBytes.
Result<std::vector<Tag>> mp4_tags(const ByteSource& file);
/// The atom moov with other items; room left by `free` is used, else what stands behind moves and the tables of chunks follow it.
/// Errors: also unsupported where it would have to move and is in fragments or encrypted.
Result<std::vector<Splice>> mp4_splices(const ByteSource& file, const std::vector<Tag>& tags);

/// Places and lengths of the contents of mdat, and of the chunks that the tables name (length up to 16).
struct Mp4Audio {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> data;
  std::vector<std::uint64_t> chunks;
};
Result<Mp4Audio> mp4_audio(const ByteSource& file);

}  // namespace ghost::ariascribe
