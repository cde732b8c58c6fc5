#pragma once
#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// FLAC (RFC 9639 §8): "fLaC" and metadata blocks, one of them a Vorbis comment; an ID3v2 tag that stands in front is kept.

/// The tags; no other block is read. Errors: malformed when this is no FLAC file, is cut off, or its blocks make no sense; exhausted
/// when the metadata is longer than kMaxTagBytes.
Result<std::vector<Tag>> flac_tags(const ByteSource& file);

/// What writes these tags: every other block as it was and in its order; padding gives or takes the difference, so that the length
/// stays the same where it can. Errors: as above, and exhausted when the tags need more than a block holds (16 MiB).
Result<std::vector<Splice>> flac_splices(const ByteSource& file, const std::vector<Tag>& tags);

/// Where the audio begins.
Result<std::uint64_t> flac_audio(const ByteSource& file);

}  // namespace ghost::ariascribe
