#include "audiojuggler/drives/image_layout.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

CueSheet sheet(std::string_view text) {
  auto parsed = parse_cue(as_bytes(text));
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(CueSheet{});
}

ImageFile bin(std::uint64_t sectors, std::uint64_t more = 0) { return {"a.bin", 0, sectors * kSectorBytes + more, false}; }

constexpr std::string_view kThree =
    "FILE a.bin BINARY\nTRACK 01 AUDIO\nINDEX 00 00:00:00\nINDEX 01 00:00:50\nTRACK 02 AUDIO\nINDEX 00 00:10:00\nINDEX 01 00:12:00\nINDEX 02 00:15:00\n"
    "TRACK 03 AUDIO\nINDEX 01 00:20:00\n";

TEST(ImageLayout, PutsTracksWhereTheSheetSays) {
  const auto layout = lay_out(sheet(kThree), {bin(2000)});
  ASSERT_TRUE(layout) << layout.error().message;
  const Toc& toc = layout->disc.toc;
  ASSERT_EQ(toc.tracks.size(), 3u);
  EXPECT_EQ(toc.hidden_sectors(), 50u);
  EXPECT_EQ(toc.tracks[0].pregap, 50u);
  EXPECT_EQ(toc.tracks[1].start, Lba(900));
  EXPECT_EQ(toc.tracks[1].pregap, 150u);
  EXPECT_EQ(toc.tracks[1].indexes, std::vector<Lba>{Lba(1125)});
  EXPECT_EQ(toc.tracks[2].pregap, 0u);
  EXPECT_EQ(toc.lead_out, Lba(2000));
  const ImageExtent* extent = layout->find(Lba(1999));
  ASSERT_NE(extent, nullptr);
  EXPECT_EQ(extent->offset + static_cast<std::uint64_t>(1999 - extent->start.value) * kSectorBytes, 1999u * kSectorBytes);
  EXPECT_EQ(layout->find(Lba(2000)), nullptr);
}

TEST(ImageLayout, AddsGapsThatAreInNoFile) {
  const auto layout = lay_out(sheet("FILE a.bin BINARY\nTRACK 01 AUDIO\nPREGAP 00:01:00\nINDEX 01 00:00:00\nPOSTGAP 00:00:10\nTRACK 02 AUDIO\nPREGAP 00:02:00\nINDEX 01 00:10:00\n"), {bin(1000)});
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->disc.toc.tracks[0].start, Lba(75));
  EXPECT_EQ(layout->disc.toc.tracks[1].start, Lba(75 + 750 + 10 + 150));
  EXPECT_EQ(layout->disc.toc.tracks[1].pregap, 150u);
  EXPECT_EQ(layout->disc.toc.lead_out, Lba(1000 + 75 + 160));
  EXPECT_EQ(layout->find(Lba(74)), nullptr);
  EXPECT_EQ(layout->find(Lba(830)), nullptr);
}

TEST(ImageLayout, JoinsSeveralFilesAndFillsUpASoundFile) {
  const auto layout = lay_out(sheet("FILE a.wav WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 00:01:00\nFILE b.bin BINARY\nINDEX 01 00:00:00\n"),
                              {{"a.wav", 44, 100 * kSectorBytes + 4, true}, bin(10)});
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->disc.toc.tracks[1].start, Lba(101));
  EXPECT_EQ(layout->disc.toc.tracks[1].pregap, 26u);
  EXPECT_EQ(layout->disc.toc.lead_out, Lba(111));
}

TEST(ImageLayout, NamesMissingSectorsAndWholeTracksOfAShortBin) {
  const auto layout = lay_out(sheet(kThree), {bin(1000)});
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, Errc::data_loss);
  EXPECT_EQ(layout.error().message,
            "a.bin is too short: it has 1000 sectors, the disc needs 1501 of it. Sectors 1000 to 1500 (00:13:25 to 00:20:00) are missing. "
            "Whole tracks: 1; cut off: 2; missing: 3. Make or copy the image again");
  const auto by_remark = lay_out(sheet(std::string("REM LEAD-OUT 00:26:50\n") + std::string(kThree)), {bin(1999)});
  ASSERT_FALSE(by_remark);
  EXPECT_NE(by_remark.error().message.find("Sectors 1999 to 1999"), std::string::npos) << by_remark.error().message;
  EXPECT_NE(by_remark.error().message.find("Whole tracks: 1 to 2; cut off: 3"), std::string::npos) << by_remark.error().message;
}

TEST(ImageLayout, RefusesABinThatIsNoWholeNumberOfSectors) {
  const auto layout = lay_out(sheet(kThree), {bin(2000, 17)});
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().message,
            "a.bin is no whole number of sectors: after 2000 of 2352 bytes there are 17 more. It was cut off, or is no raw image");
}

TEST(ImageLayout, KnowsDataTracksOfOtherSectorSizes) {
  const auto layout = lay_out(sheet("FILE a.bin BINARY\nTRACK 01 MODE1/2048\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 00:02:00\nINDEX 01 00:04:00\n"),
                              {{"a.bin", 0, 150 * 2048 + 500 * kSectorBytes, false}});
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_FALSE(layout->disc.toc.tracks[0].audio);
  EXPECT_EQ(layout->disc.toc.lead_out, Lba(650));
  EXPECT_EQ(layout->find(Lba(150))->offset, 150u * 2048);
}

TEST(ImageLayout, LaysOutATocFile) {
  const auto toc = parse_toc_file(as_bytes("CD_DA\nTRACK AUDIO\nSILENCE 00:00:20\nFILE \"a.bin\" 0 00:10:00\nSTART 00:00:30\nTRACK AUDIO\nFILE \"a.bin\" SWAP 00:10:00 00:05:00\nINDEX 00:01:00\n"));
  ASSERT_TRUE(toc);
  const auto layout = lay_out(*toc, {bin(1125)});
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->disc.toc.tracks[0].start, Lba(30));
  EXPECT_EQ(layout->disc.toc.tracks[1].start, Lba(770));
  EXPECT_EQ(layout->disc.toc.tracks[1].indexes, std::vector<Lba>{Lba(845)});
  EXPECT_EQ(layout->disc.toc.lead_out, Lba(20 + 1125));
  EXPECT_TRUE(layout->find(Lba(20))->big_endian);
  EXPECT_FALSE(layout->find(Lba(770))->big_endian);
  const auto cut = lay_out(*toc, {bin(900)});
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("Sectors 900 to 1124 (00:12:00 to 00:14:74) are missing. Whole tracks: 1; cut off: 2; missing: none"), std::string::npos) << cut.error().message;
}

}  // namespace
}  // namespace ghost::audiojuggler
