#pragma once
#include <span>
#include <string>
#include <vector>

#include "ariascribe/matcher.h"

namespace ghost::ariascribe {

/// A disc's tracks, or a folder's files, in order.
struct AlbumInput {
  std::string album, artist;
  std::vector<TrackInput> tracks;
};

/// Identifies tracks together (docs/spec/ariascribe.md §5.4): works stretch over neighbours, their movements rise, composers and
/// players are shared. The best of all ways through the disc is taken (Viterbi).
std::vector<Identification> identify_album(const Matcher& matcher, const AlbumInput& album);

}  // namespace ghost::ariascribe
