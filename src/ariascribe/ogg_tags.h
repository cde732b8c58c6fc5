#pragma once
#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// Ogg (RFC 3533) with Vorbis or Opus (RFC 7845): the second packet is a Vorbis comment.
enum class OggCodec : std::uint8_t { vorbis, opus };

/// Errors: malformed when pages or packets make no sense, unsupported for other codecs and for several streams woven into each other.
Result<OggCodec> ogg_codec(const ByteSource& file);
Result<std::vector<Tag>> ogg_tags(const ByteSource& file);
/// The pages of the header, written again. Where their number changes, each later page gets its new number and checksum; what the pages
/// carry stays. Errors: also data_loss when such a page's checksum is wrong already.
Result<std::vector<Splice>> ogg_splices(const ByteSource& file, const std::vector<Tag>& tags);

/// Places and lengths of what the pages behind the header carry.
Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> ogg_audio(const ByteSource& file);

}  // namespace ghost::ariascribe
