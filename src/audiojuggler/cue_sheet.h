#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audiojuggler/disc.h"
#include "base/bytes.h"

namespace ghost::audiojuggler {

/// What a FILE of a CUE sheet holds.
enum class CueFormat : std::uint8_t {
  binary,    ///< sectors as they are on the disc; samples little-endian
  motorola,  ///< the same, samples big-endian
  wave       ///< a sound file
};

struct CueFile {
  std::string name;  ///< as written
  CueFormat format = CueFormat::binary;
  std::size_t line = 0;
};

struct CueIndex {
  std::uint8_t number = 1;
  std::size_t file = 0;   ///< index into CueSheet::files
  std::uint32_t at = 0;   ///< sectors from the start of that file
  std::size_t line = 0;
};

struct CueTrack {
  std::uint8_t number = 1;
  std::string mode = "AUDIO";
  std::vector<CueIndex> indexes = {};  ///< ascending by number; the first is 0 or 1
  std::uint32_t pregap = 0;            ///< sectors of silence that are in no file
  std::uint32_t postgap = 0;
  bool copy_permitted = false, pre_emphasis = false, four_channels = false;
  std::string isrc = {};
  Text text = {};
  std::vector<std::string> remarks = {};  ///< what follows REM
  std::size_t line = 0;

  bool audio() const { return mode == "AUDIO"; }
};

/// A CUE sheet (docs/spec/audiojuggler.md §2). `line` of its parts is where they stand, for messages.
struct CueSheet {
  std::string catalog;
  std::string cd_text_file;
  Text text;
  std::vector<std::string> remarks;
  std::vector<CueFile> files;
  std::vector<CueTrack> tracks;
};

/// UTF-8 or Latin-1. Errors begin with "line N: " and end with what to write instead.
Result<CueSheet> parse_cue(BytesView text);
/// In UTF-8, lines ended by LF. Quotes, which the format can't express in a text, become apostrophes.
std::string write_cue(const CueSheet& sheet);

/// Bytes a sector of this mode has in the file: 2352 for AUDIO; nothing for a mode that is not known.
std::optional<std::uint32_t> sector_bytes_of_mode(std::string_view mode);

}  // namespace ghost::audiojuggler
