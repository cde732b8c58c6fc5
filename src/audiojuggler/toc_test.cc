#include "audiojuggler/toc.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

Track track(std::uint8_t number, std::int32_t start, bool audio = true, std::uint8_t session = 1) {
  Track out;
  out.number = number;
  out.start = Lba(start);
  out.audio = audio;
  out.session = session;
  return out;
}

TEST(Msf, IsWrittenAndReadInMinutesSecondsAndSectors) {
  EXPECT_EQ(msf_text(0), "00:00:00");
  EXPECT_EQ(msf_text((3 * 60 + 25) * 75 + 7), "03:25:07");
  EXPECT_EQ(*parse_msf("03:25:07"), (3u * 60 + 25) * 75 + 7);
  EXPECT_EQ(*parse_msf("100:00:00"), 450'000u);
}

TEST(Msf, RefusesWhatIsNoPosition) {
  for (const char* text : {"", "1", "1:2", "00:60:00", "00:00:75", "-1:00:00", "00:00:0x", "1000:00:00", "::", "00:00:00 "}) {
    EXPECT_FALSE(parse_msf(text)) << text;
  }
}

TEST(Toc, EndsATrackWhereTheNextStarts) {
  const Toc toc{{track(1, 33), track(2, 1000)}, Lba(2000)};
  EXPECT_EQ(toc.sectors_of(0), 967u);
  EXPECT_EQ(toc.sectors_of(1), 1000u);
  EXPECT_EQ(toc.hidden_sectors(), 33u);
  EXPECT_TRUE(toc.check());
}

TEST(Toc, KeepsOutOfThePregapOfDataAndOfTheGapBetweenSessions) {
  Toc toc{{track(1, 0), track(2, 20'000, false)}, Lba(30'000)};
  toc.tracks[1].pregap = 150;
  EXPECT_EQ(toc.end_of(0), Lba(19'850));
  toc.tracks[1].session = 2;
  EXPECT_EQ(toc.end_of(0), Lba(8'600));
  EXPECT_EQ(toc.audio_tracks(), 1u);
}

TEST(Toc, TellsWhatIsWrongWithIt) {
  EXPECT_FALSE((Toc{{}, Lba(5)}.check()));
  EXPECT_EQ((Toc{{track(1, 5), track(2, 5)}, Lba(9)}.check().error().message), "track 2 does not start after track 1");
  EXPECT_FALSE((Toc{{track(2, 0), track(1, 5)}, Lba(9)}.check()));
  EXPECT_FALSE((Toc{{track(1, 0)}, Lba(0)}.check()));
  EXPECT_FALSE((Toc{{track(1, 0)}, Lba(449'851)}.check()));
}

}  // namespace
}  // namespace ghost::audiojuggler
