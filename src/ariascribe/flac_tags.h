#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::ariascribe {

/// A tag and one of its values, as Vorbis comments have them: names are ASCII without regard to case, a name may come several times.
struct Tag {
  std::string name;   ///< "COMPOSER", as it is written in the file
  std::string value;  ///< UTF-8
  bool bare = false;  ///< stands without "=", which no tag should: kept as it is
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// The values of a tag, in order.
std::vector<std::string> values_of(const std::vector<Tag>& tags, std::string_view name);
/// The first value, or "".
std::string first_value(const std::vector<Tag>& tags, std::string_view name);
/// `tags` with these values for a name, at the place of its first one or at the end; no values takes the name out.
std::vector<Tag> with_values(std::vector<Tag> tags, std::string_view name, const std::vector<std::string>& values);

/// All of a FLAC file before its audio: what ID3 may stand in front, "fLaC" and the metadata blocks (RFC 9639 §8).
struct FlacHead {
  Bytes bytes;             ///< as in the file
  std::string vendor;      ///< of the Vorbis comment
  std::vector<Tag> tags;
};

/// How much of a file is looked at for its metadata: more than the largest picture and all blocks beside it.
inline constexpr std::size_t kMaxFlacHead = 64 * 1024 * 1024;

/// How long a head is, judged by its first bytes.
struct HeadLength {
  std::size_t bytes = 0;  ///< the whole head's, or how many are needed to say more
  bool complete = false;
};
/// @param first  from the file's beginning; as many as HeadLength asked for, or all there are
/// Errors: malformed when this is no FLAC file or its blocks make no sense, exhausted beyond kMaxFlacHead.
Result<HeadLength> flac_head_length(BytesView first);

/// Reads a whole head. Errors: malformed, saying which block.
Result<FlacHead> parse_flac_head(BytesView head);

/// The head with other tags: every other block as it was and in its order; padding gives or takes the difference, so that the length
/// stays the same where it can. Errors: exhausted when the tags need more than a block holds (16 MiB).
Result<Bytes> flac_head_with_tags(const FlacHead& head, const std::vector<Tag>& tags);

}  // namespace ghost::ariascribe
