#pragma once
#include <string>
#include <vector>

#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// A Vorbis comment: what FLAC, Ogg Vorbis and Opus keep their tags in.
struct VorbisComment {
  std::string vendor;
  std::vector<Tag> tags;
  Bytes behind;  ///< what follows the last tag: Vorbis' framing bit, Opus' own
};

/// Errors: malformed when a length points past the end.
Result<VorbisComment> parse_vorbis_comment(BytesView block);
Bytes vorbis_comment_bytes(const VorbisComment& comment);

}  // namespace ghost::ariascribe
