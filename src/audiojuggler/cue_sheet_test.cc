#include "audiojuggler/cue_sheet.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

constexpr std::string_view kSheet =
    "REM DATE 2026\r\n"
    "CATALOG 4012345678901\r\n"
    "CDTEXTFILE \"demo.cdt\"\r\n"
    "TITLE \"Klavierst\xFC" "cke\"\r\n"
    "PERFORMER \"Ghostlight Players\"\r\n"
    "FILE \"demo disc.bin\" BINARY\r\n"
    "  TRACK 01 AUDIO\r\n"
    "    TITLE \"1. ALLEGRO\"\r\n"
    "    FLAGS DCP PRE\r\n"
    "    ISRC DE-ABC-26-00001\r\n"
    "    INDEX 00 00:00:00\r\n"
    "    INDEX 01 00:00:33\r\n"
    "  TRACK 02 AUDIO\r\n"
    "    PREGAP 00:02:00\r\n"
    "    INDEX 01 01:00:00\r\n"
    "    INDEX 02 01:30:00\r\n"
    "    POSTGAP 00:01:00\r\n";

std::string error_of(std::string_view text) {
  const auto sheet = parse_cue(as_bytes(text));
  return sheet ? "" : sheet.error().message;
}

TEST(CueSheet, ReadsEverythingASheetOfADiscHas) {
  const auto sheet = parse_cue(as_bytes(kSheet));
  ASSERT_TRUE(sheet) << sheet.error().message;
  EXPECT_EQ(sheet->catalog, "4012345678901");
  EXPECT_EQ(sheet->cd_text_file, "demo.cdt");
  EXPECT_EQ(sheet->text.title, "Klavierstücke");
  EXPECT_EQ(sheet->remarks, std::vector<std::string>{"DATE 2026"});
  ASSERT_EQ(sheet->files.size(), 1u);
  EXPECT_EQ(sheet->files[0].name, "demo disc.bin");
  ASSERT_EQ(sheet->tracks.size(), 2u);
  const CueTrack& first = sheet->tracks[0];
  EXPECT_EQ(first.isrc, "DEABC2600001");
  EXPECT_TRUE(first.copy_permitted && first.pre_emphasis && !first.four_channels);
  ASSERT_EQ(first.indexes.size(), 2u);
  EXPECT_EQ(first.indexes[1].at, 33u);
  EXPECT_EQ(sheet->tracks[1].pregap, 150u);
  EXPECT_EQ(sheet->tracks[1].postgap, 75u);
  EXPECT_EQ(sheet->tracks[1].indexes[1].number, 2);
}

TEST(CueSheet, IsTheSameAfterWritingAndReading) {
  const auto sheet = parse_cue(as_bytes(kSheet));
  ASSERT_TRUE(sheet);
  const std::string written = write_cue(*sheet);
  const auto again = parse_cue(as_bytes(written));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(write_cue(*again), written);
  EXPECT_EQ(again->text.title, "Klavierstücke");
}

TEST(CueSheet, TakesAPregapInTheFileOfTheTrackBefore) {
  const auto sheet = parse_cue(as_bytes("FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 1 00:00:00\nTRACK 2 AUDIO\nINDEX 0 00:10:00\nFILE b c.wav WAVE\nINDEX 1 00:00:00\n"));
  ASSERT_TRUE(sheet) << sheet.error().message;
  EXPECT_EQ(sheet->files[1].name, "b c.wav");
  EXPECT_EQ(sheet->tracks[1].indexes[0].file, 0u);
  EXPECT_EQ(sheet->tracks[1].indexes[1].file, 1u);
}

TEST(CueSheet, TellsTheLineAndWhatToDo) {
  const std::string head = "FILE \"a.bin\" BINARY\nTRACK 01 AUDIO\n";
  EXPECT_EQ(error_of(head + "INDEX 01 00:61:00\n"),
            "line 3: INDEX 1: '00:61:00' is no position; write mm:ss:ff, seconds up to 59 and sectors (1/75 s) up to 74");
  EXPECT_EQ(error_of(head + "INDX 01 00:00:00\n"), "line 3: 'INDX' is no command of a CUE sheet; is INDEX meant?");
  EXPECT_EQ(error_of("TRACK 01 AUDIO\n"), "line 1: TRACK stands before any FILE; name the file first, as in: FILE \"disc.bin\" BINARY");
  EXPECT_EQ(error_of(head + "TITLE \"abc\n"), "line 3: a quote is opened and not closed; end the text with \"");
  EXPECT_EQ(error_of(head), "TRACK 1 (line 2) has no INDEX 01; that is where it starts");
  EXPECT_EQ(error_of(head + "INDEX 01 00:10:00\nTRACK 02 AUDIO\nINDEX 01 00:05:00\n"),
            "line 5: INDEX 1 of TRACK 2 is at 00:05:00, before 00:10:00 of line 3; positions in a FILE ascend");
  EXPECT_EQ(error_of(head + "INDEX 01 00:00:00\nTRACK 03 AUDIO\n"), "line 4: TRACK 3 follows TRACK 1; tracks are numbered without gaps");
  EXPECT_EQ(error_of(head + "ISRC 12345\n"), "line 3: ISRC '12345' is none; it has 2 letters, 3 letters or digits and 7 digits, as in DEABC2600001");
  EXPECT_NE(error_of("CATALOG 12\n").find("13 digits"), std::string::npos);
  EXPECT_NE(error_of(head + "FLAGS XYZ\n").find("FLAGS knows"), std::string::npos);
  EXPECT_NE(error_of("FILE \"a.bin\" BIN\n").find("unknown format 'BIN'"), std::string::npos);
  EXPECT_EQ(error_of(std::string("a\0b", 3)), "this is no text, so no CUE sheet");
  EXPECT_FALSE(error_of("").empty());
}

}  // namespace
}  // namespace ghost::audiojuggler
