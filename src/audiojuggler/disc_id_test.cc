#include "audiojuggler/disc_id.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

Toc toc(const std::vector<std::int32_t>& starts, std::int32_t lead_out) {
  Toc out;
  for (const std::int32_t start : starts) {
    Track track;
    track.number = static_cast<std::uint8_t>(out.tracks.size() + 1);
    track.start = Lba(start);
    out.tracks.push_back(track);
  }
  out.lead_out = Lba(lead_out);
  return out;
}

// The example of MusicBrainz's own description of its disc id.
TEST(DiscId, OfMusicBrainzIsThatOfItsExample) {
  EXPECT_EQ(musicbrainz_id(toc({0, 15213, 32164, 46442, 63264, 80339}, 95312)), "49HHV7Eb8UKF3aQiNmu1GR8vKTY-");
}

// A disc of 22 tracks whose ids libdiscid's tests know.
TEST(DiscId, OfALongDisc) {
  std::vector<std::int32_t> starts = {150,    9700,   25887,  39297,  53795,  63735,  77517,  94877,  107270, 123552, 135522,
                                      148422, 161197, 174790, 192022, 205545, 218010, 228700, 239590, 255470, 266932, 288750};
  for (auto& start : starts) start -= 150;
  const Toc disc = toc(starts, 303602 - 150);
  EXPECT_EQ(musicbrainz_id(disc), "xUp1F2NkfP8s8jaeFn_Av3jNEI4-");
  EXPECT_EQ(freedb_id(disc), "370fce16");
}

// An enhanced disc, whose ids whipper's tests took from freedb, MusicBrainz and AccurateRip: the data session counts for some.
TEST(DiscId, OfAnEnhancedDisc) {
  Toc disc = toc({0, 15537, 31691, 50866, 66466, 81202, 99409, 115920, 133093, 149847, 161560, 177682, 207106}, 210385);
  disc.tracks[12].audio = false;
  disc.tracks[12].session = 2;
  EXPECT_EQ(musicbrainz_id(disc), "KnpGsLhvH.lPrNc1PBL21lb9Bg4-");
  EXPECT_EQ(freedb_id(disc), "c60af50d");
  EXPECT_EQ(accuraterip_id(disc), "012-0013bd5a-00b8d489-c60af50d");
}

TEST(DiscId, OfNothingIsNothing) {
  EXPECT_EQ(musicbrainz_id({}), "");
  EXPECT_EQ(freedb_id({}), "");
}

}  // namespace
}  // namespace ghost::audiojuggler
