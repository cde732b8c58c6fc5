#pragma once
#include <string_view>
#include <vector>

#include "ariascribe/byte_source.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

enum class TagFormat : std::uint8_t { flac, vorbis, opus, mp3, mp4, wavpack, aiff, wav };

/// "FLAC", "Ogg Vorbis", "Opus", "MP3", "M4A", "WavPack", "AIFF", "WAV".
std::string_view name(TagFormat format);
/// Whether files with this extension (".flac", in any case) are looked at when a folder is.
bool has_tags(std::string_view extension);

/// Which it is, by its first bytes. Errors: malformed, saying how it begins, for what is none of them.
Result<TagFormat> format_of(const ByteSource& file);

/// The tags under our names, whatever the format calls them (docs/spec/ariascribe.md §7.1). Pictures are not read. Errors: malformed
/// when the file is cut off or makes no sense; unsupported and exhausted as its format has them.
Result<std::vector<Tag>> read_tags(const ByteSource& file);

/// What writes these tags: only what holds a name whose values differ changes; every other tag, picture and chapter and the audio stay
/// bit by bit. Errors: as above; unsupported when the format cannot hold the values as they are.
Result<std::vector<Splice>> splices_for(const ByteSource& file, const std::vector<Tag>& tags);

/// SHA-256 of all that is heard: writing tags never changes it.
Result<std::vector<std::uint8_t>> audio_digest(const ByteSource& file);

}  // namespace ghost::ariascribe
