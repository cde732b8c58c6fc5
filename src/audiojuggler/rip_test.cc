#include "audiojuggler/rip.h"

#include <gtest/gtest.h>

#include "audiojuggler/cue_sheet.h"
#include "audiojuggler/drives/image_testing.h"
#include "audiojuggler/track_checks.h"

namespace ghost::audiojuggler {
namespace {

Rip one_rip() {
  Rip rip;
  rip.program = "audiojuggler 1";
  rip.source = "/x/disc.cue";
  rip.drive = "image disc.cue";
  rip.format = "flac";
  rip.disc.text.title = "Klavierstücke";
  rip.disc.mcn = "4012345678901";
  for (const auto& [number, start, pregap] : {std::tuple{1, 40, 40u}, std::tuple{2, 1000, 150u}, std::tuple{3, 2000, 150u}}) {
    Track track;
    track.number = static_cast<std::uint8_t>(number);
    track.start = Lba(start);
    track.pregap = pregap;
    track.audio = number != 3;
    rip.disc.toc.tracks.push_back(track);
  }
  rip.disc.toc.tracks[1].indexes = {Lba(1200)};
  rip.disc.toc.lead_out = Lba(3000);
  rip.disc.tracks.resize(3);
  rip.disc.tracks[0] = {{"1. ALLEGRO", "", "", "", "", ""}, "DEABC2600001"};
  rip.skipped = {3};
  rip.tracks.resize(3);
  rip.tracks[0].sectors = 40;
  rip.tracks[0].file = "00.flac";
  rip.tracks[1].number = 1;
  rip.tracks[1].start = 40;
  rip.tracks[1].sectors = 960;
  rip.tracks[1].file = "01 - 1. ALLEGRO.flac";
  rip.tracks[1].crc32 = 0x12345678;
  rip.tracks[1].peaks = {1, 2, 255};
  rip.tracks[1].doubts = {{Lba(77), {1, 2, 587}, "3 of 588 frames uncertain after 16 reads"}};
  rip.tracks[2].number = 2;
  rip.tracks[2].start = 1000;
  rip.tracks[2].sectors = 850;
  rip.tracks[2].file = "02.flac";
  return rip;
}

TEST(RipJson, IsTheSameAfterWritingAndReading) {
  const std::string written = rip_json(one_rip());
  const auto again = parse_rip_json(written);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->tracks[1].doubts[0].frames, (std::vector<std::uint16_t>{1, 2, 587}));
  EXPECT_EQ(again->disc.tracks[0].isrc, "DEABC2600001");
  EXPECT_EQ(rip_json(*again), written);
}

TEST(RipJson, OfAnotherMakeIsRefused) {
  EXPECT_EQ(parse_rip_json("{}").error().code, Errc::malformed);
  EXPECT_EQ(parse_rip_json("[1").error().code, Errc::malformed);
  EXPECT_EQ(parse_rip_json(R"({"disc":{"lead_out":"x","tracks":[]},"tracks":[]})").error().code, Errc::malformed);
}

TEST(RipLog, KnowsWhetherItWasChanged) {
  std::string log = rip_log(one_rip());
  EXPECT_TRUE(log_is_whole(log)) << log;
  EXPECT_NE(log.find("DOUBT  track 1 sector 77: 3 of 588 frames"), std::string::npos);
  EXPECT_NE(log.find("track 3 is data and was left out"), std::string::npos);
  log[log.find("12345678")] = '9';
  EXPECT_FALSE(log_is_whole(log));
  EXPECT_FALSE(log_is_whole(""));
}

TEST(RipCue, PutsEachPregapAtTheEndOfTheFileBefore) {
  const std::string text = rip_cue(one_rip());
  const auto sheet = parse_cue(as_bytes(text));
  ASSERT_TRUE(sheet) << sheet.error().message << text;
  ASSERT_EQ(sheet->files.size(), 3u);
  ASSERT_EQ(sheet->tracks.size(), 2u);
  EXPECT_EQ(sheet->tracks[0].indexes[0].file, 0u);  // the hidden track
  EXPECT_EQ(sheet->tracks[0].indexes[0].at, 0u);
  EXPECT_EQ(sheet->tracks[1].indexes[0].file, 1u);
  EXPECT_EQ(sheet->tracks[1].indexes[0].at, 960u - 150);
  EXPECT_EQ(sheet->tracks[1].indexes[2].at, 200u);
  EXPECT_EQ(sheet->tracks[0].isrc, "DEABC2600001");
}

TEST(TrackChecks, GiveTheDiscsChecksumFromItsTracks) {
  Toc toc = one_rip().disc.toc;
  toc.tracks.pop_back();
  toc.lead_out = Lba(1850);
  const Bytes audio = test_samples(1810, 5);
  std::vector<RipTrack> tracks(2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto place = TrackChecks::place_of(toc, i);
    TrackChecks checks(place);
    const BytesView samples = BytesView(audio).subspan(place.disc_from * kFrameBytes, place.frames * kFrameBytes);
    for (std::size_t at = 0; at < samples.size(); at += 40'000) checks.update(samples.subspan(at, std::min<std::size_t>(40'000, samples.size() - at)));
    checks.finish(tracks[i]);
    tracks[i].number = static_cast<unsigned>(i + 1);
    EXPECT_FALSE(checks.silent());
    EXPECT_EQ(tracks[i].crc32, crc32(samples));
    EXPECT_EQ(tracks[i].sha256, to_hex(sha256(samples)));
    EXPECT_EQ(tracks[i].peaks.size(), Peaks::kCount);
  }
  CtdbCrc whole(audio.size() / kFrameBytes);
  whole.update(audio);
  EXPECT_EQ(combined_ctdb_crc(tracks), whole.value());
  EXPECT_EQ(TrackChecks::place_of(toc, 0).accuraterip, AccurateRip::Place::first);
  EXPECT_EQ(TrackChecks::place_of(toc, 1).accuraterip, AccurateRip::Place::last);
}

}  // namespace
}  // namespace ghost::audiojuggler
