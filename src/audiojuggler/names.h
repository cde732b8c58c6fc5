#pragma once
#include <string>
#include <utility>
#include <vector>

#include "audiojuggler/disc.h"
#include "base/bytes.h"

namespace ghost::audiojuggler {

/// Vorbis comments: names in capitals, values in UTF-8.
using Tags = std::vector<std::pair<std::string, std::string>>;

/// The lines of a titles file, without byte order mark and line ends.
std::vector<std::string> title_lines(BytesView text);
/// Names a disc's tracks by lines (docs/guide/grab-a-disc.md): one a track, its title and, after tabs, performer and composer; an empty one leaves
/// what CD-TEXT says. The first may be "disc: TITLE". '#' begins a comment line. malformed when there are not as many as audio tracks.
Status apply_titles(Disc& disc, const std::vector<std::string>& lines);

/// "01 - Title.flac", "01.flac" without a title: no character that a file system or shell minds, at most 200 bytes.
/// @param extension  "flac"
std::string file_name(unsigned number, std::string_view title, std::string_view extension);

/// What disc text says of a track, for its file. `index` into disc.toc.tracks; the hidden track has none.
Tags tags_of(const Disc& disc, std::size_t index);
Tags tags_of_hidden_track(const Disc& disc);

}  // namespace ghost::audiojuggler
