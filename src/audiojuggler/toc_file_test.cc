#include "audiojuggler/toc_file.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

constexpr std::string_view kToc =
    "CD_DA\n"
    "CATALOG \"4012345678901\"\n"
    "CD_TEXT {\n"
    "  LANGUAGE_MAP {\n    0 : EN\n  }\n"
    "  LANGUAGE 0 {\n    TITLE \"Klavierst\\374cke\"\n    PERFORMER \"Players\"\n    SIZE_INFO { 0, 1, 9, 0, 10, 3 }\n  }\n"
    "}\n"
    "// Track 1\n"
    "TRACK AUDIO\nNO COPY\nNO PRE_EMPHASIS\nTWO_CHANNEL_AUDIO\nISRC \"DEABC2600001\"\n"
    "CD_TEXT { LANGUAGE 0 { TITLE \"One \\\"1\\\"\" } LANGUAGE 1 { TITLE \"Eins\" } }\n"
    "SILENCE 00:00:20\n"
    "FILE \"a.bin\" 0 00:10:00\n"
    "START 00:00:30\n"
    "INDEX 00:05:00\n"
    "TRACK AUDIO\nCOPY\nPRE_EMPHASIS\nFILE \"a.bin\" SWAP #16 441000 588000\nSTART\nFILE \"b.wav\" 0\n";

TEST(TocFile, ReadsWhatCdrdaoWrites) {
  const auto toc = parse_toc_file(as_bytes(kToc));
  ASSERT_TRUE(toc) << toc.error().message;
  EXPECT_EQ(toc->catalog, "4012345678901");
  EXPECT_EQ(toc->text.title, "Klavierstücke");
  ASSERT_EQ(toc->tracks.size(), 2u);
  const TocTrack& first = toc->tracks[0];
  EXPECT_EQ(first.text.title, "One \"1\"");
  EXPECT_EQ(first.isrc, "DEABC2600001");
  EXPECT_EQ(first.pregap, 30u);
  EXPECT_EQ(first.indexes, std::vector<std::uint32_t>{375});
  ASSERT_EQ(first.pieces.size(), 2u);
  EXPECT_EQ(first.pieces[0].frames, 20u * 588);
  EXPECT_EQ(first.pieces[1].frames, 750u * 588);
  const TocTrack& second = toc->tracks[1];
  EXPECT_TRUE(second.copy_permitted && second.pre_emphasis && second.start_is_here);
  EXPECT_EQ(second.start_pieces, 1u);
  EXPECT_EQ(second.pieces[0].byte_offset, 16u);
  EXPECT_EQ(second.pieces[0].start_frames, 441000u);
  EXPECT_TRUE(second.pieces[0].little_endian);
  EXPECT_FALSE(second.pieces[1].frames);
}

TEST(TocFile, TellsTheLineOfWhatIsWrong) {
  const auto error_of = [](std::string_view text) {
    const auto toc = parse_toc_file(as_bytes(text));
    return toc ? "" : toc.error().message;
  };
  EXPECT_EQ(error_of("CD_DA\nTRACK AUDIO\nBOGUS\n"), "line 4: 'BOGUS' is no command of a TOC file");
  EXPECT_EQ(error_of("CD_DA\nTRACK AUDIO\n"), "line 2: this TRACK has no FILE, SILENCE or ZERO");
  EXPECT_EQ(error_of("TRACK AUDIO\nFILE \"a"), "line 2: a quote is opened and not closed; end the text with \"");
  EXPECT_NE(error_of("TRACK AUDIO\nFILE \"a\" 00:99:00").find("line 2: '00:99:00' is no position"), std::string::npos);
  EXPECT_NE(error_of("CD_TEXT { LANGUAGE 0 { TITLE").find("a text in quotes is expected"), std::string::npos);
  EXPECT_NE(error_of("hello world").find("is this a TOC file of cdrdao?"), std::string::npos);
}

}  // namespace
}  // namespace ghost::audiojuggler
