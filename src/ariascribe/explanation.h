#pragma once
#include <string>
#include <vector>

#include "ariascribe/album.h"
#include "ariascribe/matcher.h"

namespace ghost::ariascribe {

/// A work that was weighed for a track.
struct Considered {
  WorkHandle work;
  double probability = 0;            ///< from the track's own texts
  bool chosen = false;
  std::vector<std::string> fits;     ///< what of the texts it answers to, a sentence each
  std::vector<std::string> lost_by;  ///< what it does not
};

/// What a track's neighbours made of one field.
struct AlbumStep {
  std::string field, alone, together, reason;
};

/// Why a track is what it is said to be.
struct Explanation {
  Identification found;
  std::vector<Considered> considered;  ///< the likeliest first
  double none = 1;                     ///< the probability of "none of these"
  std::vector<AlbumStep> changed;
};

/// Explains one track of an album, or a track alone where the album has one.
/// @param track  which; below album.tracks.size()
Explanation explain(const Matcher& matcher, const AlbumInput& album, std::size_t track);

}  // namespace ghost::ariascribe
