#pragma once
#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// Whether frames of MPEG audio layer III stand here, perhaps behind some bytes of nothing.
bool is_mp3(const ByteSource& file, std::uint64_t offset);

/// MP3: an ID3v2 tag in front; the tags of a file without one are those of its APE or ID3v1 tag at the end. Those at the end are never
/// written. Errors: malformed, unsupported and exhausted as parse_id3 has them.
Result<std::vector<Tag>> mp3_tags(const ByteSource& file);
/// An ID3v2 tag keeps its version; a file without gets 2.4, with what its other tags say.
Result<std::vector<Splice>> mp3_splices(const ByteSource& file, const std::vector<Tag>& tags);

}  // namespace ghost::ariascribe
