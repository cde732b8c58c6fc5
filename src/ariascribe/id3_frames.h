#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ariascribe/byte_source.h"

namespace ghost::ariascribe {

/// One frame of an ID3v2 tag, kept as it stands: a frame nobody names is written back bit by bit.
struct Id3Frame {
  std::string id;       ///< "TIT2"; three letters in ID3v2.2
  std::size_t size = 0; ///< header and content
  Bytes raw;            ///< header and content; empty where Id3Load::texts passed it by
};

/// An ID3v2.2, 2.3 or 2.4 tag.
struct Id3Tag {
  int version = 4;                ///< 2, 3 or 4
  std::uint64_t size = 0;         ///< in the file: header, frames, padding, footer; 0 where there is none
  bool all_unsynchronised = false;  ///< 2.4's flag of the header: it speaks of every frame, and stays as it is
  std::vector<Id3Frame> frames;
};

/// Which frames' contents are read: all of them, or those that hold text.
enum class Id3Load : std::uint8_t { all, texts };

/// Whether the frames of this id hold text.
bool id3_is_text(std::string_view id);

/// Bytes an ID3v2 tag takes at this place, with its footer; 0 when none stands there.
std::uint64_t id3_length(const ByteSource& file, std::uint64_t offset);

/// Reads the tag at this place; an Id3Tag of size 0 when none stands there. Errors: malformed where a frame is cut off, unsupported for
/// a version that is none of the three, exhausted beyond kMaxTagBytes.
Result<Id3Tag> parse_id3(const ByteSource& file, std::uint64_t offset, Id3Load load);

/// The content of a frame that holds text, without what compression, grouping and unsynchronisation put around it; nothing when it is
/// compressed, encrypted or not read.
std::optional<Bytes> id3_content(const Id3Tag& tag, const Id3Frame& frame);

/// The texts of a content that begins with the byte of its encoding, as UTF-8.
std::vector<std::string> id3_texts(BytesView content);

/// A frame of texts: UTF-8 in 2.4, else Latin-1 where they are ASCII and UTF-16 where not.
Id3Frame id3_text_frame(int version, std::string id, const std::vector<std::string>& texts);

/// The tag with padding up to `room` bytes where it fits in, else with fresh padding. Errors: exhausted beyond kMaxTagBytes.
Result<Bytes> id3_bytes(const Id3Tag& tag, std::size_t room);

}  // namespace ghost::ariascribe
