#pragma once
#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// WAV (RIFF, RF64) and AIFF (FORM): chunks, one of them "id3 " or "ID3 " with an ID3v2 tag. A file without one has the tags of its
/// LIST INFO or NAME and AUTH chunks, which are never written.
struct Chunk {
  std::string id;
  std::uint64_t offset = 0;  ///< of its header of eight bytes
  std::uint64_t size = 0;    ///< of its content
};

/// The chunks in order. Errors: malformed where one is cut off; exhausted for more than 100,000.
Result<std::vector<Chunk>> chunks_of(const ByteSource& file);

Result<std::vector<Tag>> chunk_tags(const ByteSource& file);
/// Errors: also unsupported when the last chunk does not say where it ends, exhausted past 4 GiB.
Result<std::vector<Splice>> chunk_splices(const ByteSource& file, const std::vector<Tag>& tags);

}  // namespace ghost::ariascribe
