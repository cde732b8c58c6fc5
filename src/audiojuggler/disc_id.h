#pragma once
#include <string>

#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {

/// MusicBrainz's disc id: SHA-1 of the first session's audio TOC in its base64. "49HHV7Eb8UKF3aQiNmu1GR8vKTY-".
std::string musicbrainz_id(const Toc& toc);
/// freedb's, of all tracks: 8 hexadecimal digits.
std::string freedb_id(const Toc& toc);
/// What AccurateRip files a disc under, "012-0013bd5a-00b8d489-c60af50d": audio tracks, two sums over their places, freedb's id.
std::string accuraterip_id(const Toc& toc);

}  // namespace ghost::audiojuggler
