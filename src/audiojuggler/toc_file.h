#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audiojuggler/disc.h"
#include "base/bytes.h"

namespace ghost::audiojuggler {

/// A run of a track in a TOC file: silence, or a part of a file.
struct TocPiece {
  std::string file = {};                      ///< "" for silence
  std::uint64_t byte_offset = 0;              ///< `#N` of the file
  std::uint64_t start_frames = 0;             ///< PCM frames after it
  std::optional<std::uint64_t> frames = {};   ///< length; nothing: to the end of the file
  bool little_endian = false;                 ///< SWAP: raw samples are big-endian in this format unless it says so
  std::size_t line = 0;
};

struct TocTrack {
  std::string mode = "AUDIO";
  bool copy_permitted = false, pre_emphasis = false, four_channels = false;
  std::string isrc = {};
  Text text = {};
  std::vector<TocPiece> pieces = {};
  std::uint32_t pregap = 0;                       ///< sectors before index 1, part of the pieces
  bool start_is_here = false;                     ///< START without a position: the pregap is all pieces so far …
  std::size_t start_pieces = 0;                   ///< … of which there were this many
  std::vector<std::uint32_t> indexes = {};        ///< of index 2 and up, sectors after index 1
  std::size_t line = 0;

  bool audio() const { return mode == "AUDIO"; }
};

/// A disc description of cdrdao (docs/spec/audiojuggler.md §3).
struct TocFile {
  std::string catalog;
  Text text;
  std::vector<TocTrack> tracks;
};

/// Latin-1 or UTF-8; texts may have octal escapes. Errors begin with "line N: ".
Result<TocFile> parse_toc_file(BytesView text);

}  // namespace ghost::audiojuggler
