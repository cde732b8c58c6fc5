#include "audiojuggler/names.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

Disc disc(std::size_t tracks) {
  Disc out;
  for (std::size_t i = 0; i < tracks; ++i) {
    Track track;
    track.number = static_cast<std::uint8_t>(i + 1);
    track.start = Lba(static_cast<std::int32_t>(i * 1000));
    out.toc.tracks.push_back(track);
  }
  out.toc.lead_out = Lba(static_cast<std::int32_t>(tracks * 1000));
  out.tracks.resize(tracks);
  return out;
}

std::string value(const Tags& tags, std::string_view name) {
  for (const auto& [key, text] : tags) {
    if (key == name) return text;
  }
  return "";
}

TEST(FileName, IsSafeAndShortEnough) {
  EXPECT_EQ(file_name(1, "1. ALLEGRO", "flac"), "01 - 1. ALLEGRO.flac");
  EXPECT_EQ(file_name(12, "", "wav"), "12.wav");
  EXPECT_EQ(file_name(3, "../../etc/passwd", "flac"), "03 - ..-..-etc-passwd.flac");
  EXPECT_EQ(file_name(3, "a\x1b[2J\tb: \"c\"?", "flac"), "03 - a [2J b- 'c'-.flac");
  EXPECT_EQ(file_name(3, " . . ", "flac"), "03.flac");
  std::string umlauts;
  for (int i = 0; i < 150; ++i) umlauts += "ü";
  const std::string cut = file_name(1, umlauts, "flac");
  EXPECT_LE(cut.size(), 200u);
  EXPECT_EQ(cut.substr(cut.size() - 7), "ü.flac");
}

TEST(Titles, NameTheDiscAndItsTracks) {
  Disc one = disc(2);
  one.tracks[1].text.title = "from the disc";
  const auto lines = title_lines(as_bytes("\xEF\xBB\xBF" "# of the booklet\r\ndisc: Klavierstücke\tPlayers\r\nSonatine: 1. Allegro\tA. Player\tClementi\r\n\r\n\r\n"));
  ASSERT_TRUE(apply_titles(one, lines));
  EXPECT_EQ(one.text.title, "Klavierstücke");
  EXPECT_EQ(one.text.performer, "Players");
  EXPECT_EQ(one.tracks[0].text.title, "Sonatine: 1. Allegro");
  EXPECT_EQ(one.tracks[0].text.composer, "Clementi");
  EXPECT_EQ(one.tracks[1].text.title, "from the disc");
}

TEST(Titles, AreRefusedWhenTheyDoNotFit) {
  Disc one = disc(2);
  EXPECT_EQ(apply_titles(one, {"a", "b", "c"}).error().message, "the titles name 3 tracks, the disc has 2; write one line a track, empty where there is nothing to say");
}

TEST(TagsOfATrack, SayWhatTheDiscSays) {
  Disc one = disc(2);
  one.mcn = "4012345678901";
  one.text = {"Album", "Players", "", "", "", ""};
  one.tracks[1] = {{"Title", "", "", "Bach", "", ""}, "DEABC2600001"};
  const Tags tags = tags_of(one, 1);
  EXPECT_EQ(value(tags, "TITLE"), "Title");
  EXPECT_EQ(value(tags, "ARTIST"), "Players");
  EXPECT_EQ(value(tags, "PERFORMER"), "");
  EXPECT_EQ(value(tags, "COMPOSER"), "Bach");
  EXPECT_EQ(value(tags, "TRACKNUMBER"), "2");
  EXPECT_EQ(value(tags, "TRACKTOTAL"), "2");
  EXPECT_EQ(value(tags, "ISRC"), "DEABC2600001");
  EXPECT_EQ(value(tags, "MCN"), "4012345678901");
  EXPECT_EQ(value(tags, "MUSICBRAINZ_DISCID").size(), 28u);
  EXPECT_EQ(value(tags_of_hidden_track(one), "TRACKNUMBER"), "0");
}

}  // namespace
}  // namespace ghost::audiojuggler
