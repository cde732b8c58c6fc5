#include "audiojuggler/drives/mmc.h"

#include <gtest/gtest.h>

#include "audiojuggler/drives/image_testing.h"
#include "audiojuggler/drives/mmc_drive.h"
#include "audiojuggler/drives/mmc_model.h"

namespace ghost::audiojuggler {
namespace {

Disc example() {
  Disc disc;
  disc.mcn = "4012345678901";
  disc.text.title = "Klavierstücke";
  for (const auto& [number, start, pregap] : {std::tuple{1, 20, 20u}, std::tuple{2, 700, 150u}, std::tuple{3, 1000, 0u}, std::tuple{4, 1200, 33u}}) {
    Track track;
    track.number = static_cast<std::uint8_t>(number);
    track.start = Lba(start);
    track.pregap = pregap;
    track.copy_permitted = number == 2;
    track.pre_emphasis = number == 3;
    disc.toc.tracks.push_back(track);
    disc.tracks.push_back({{"Title " + std::to_string(number), "", "", "", "", ""}, "DEABC260000" + std::to_string(number)});
  }
  disc.toc.lead_out = Lba(1500);
  return disc;
}

struct Machine {
  explicit Machine(MmcModel::Options options = {}, Disc disc = example()) : samples(test_samples(1500, 9)) {
    auto port = std::make_unique<MmcModel>(disc, samples, std::move(options));
    model = port.get();
    auto opened = MmcDrive::open(std::move(port), "/dev/sr0");
    EXPECT_TRUE(opened) << opened.error().message;
    drive = std::move(*opened);
  }
  Bytes samples;
  MmcModel* model = nullptr;
  std::unique_ptr<MmcDrive> drive;
};

TEST(Mmc, ReadsTheTocOfAnEnhancedDisc) {
  // 001 and 002 audio in session 1, 003 data in session 2.
  const auto toc = mmc::parse_full_toc(*from_hex("003a0102"
                                                 "0110000000000000000200" "01100000a200000000002000"));
  EXPECT_FALSE(toc);  // entries of 11 bytes, cut off
  const auto full = mmc::parse_full_toc(*from_hex("002e0102"
                                                  "0110000100000000000200"
                                                  "0110000200000000011e00"
                                                  "0214000300000000050000"
                                                  "021000a200000000070000"));
  ASSERT_TRUE(full) << full.error().message;
  ASSERT_EQ(full->tracks.size(), 3u);
  EXPECT_EQ(full->tracks[1].start, Lba(90 * 75 - 150));
  EXPECT_FALSE(full->tracks[2].audio);
  EXPECT_EQ(full->tracks[2].session, 2);
  EXPECT_EQ(full->lead_out, Lba(7 * 60 * 75 - 150));
  EXPECT_EQ(full->end_of(1), Lba(300 * 75 - 150 - 11400));
}

TEST(Mmc, TellsWhatADriveComplainsOf) {
  Bytes sense(18, 0);
  sense[0] = 0x70;
  sense[2] = 3;
  sense[12] = 0x11;
  EXPECT_EQ(mmc::sense_error(sense).message, "medium error: unrecovered read error (3/11/00)");
  EXPECT_EQ(mmc::sense_error(sense).code, Errc::data_loss);
  EXPECT_EQ(mmc::sense_error(*from_hex("7202 3a01 0000")).code, Errc::not_found);
  EXPECT_EQ(mmc::sense_error({}).message, "no sense (0/00/00)");
}

TEST(Mmc, TrustsNoLengthInAnAnswer) {
  for (std::size_t length = 0; length < 12; ++length) {
    const Bytes data(length, 0xFF);
    EXPECT_FALSE(mmc::parse_toc(data));
    EXPECT_FALSE(mmc::parse_full_toc(data));
    EXPECT_FALSE(mmc::parse_capabilities(data));
    EXPECT_FALSE(mmc::parse_inquiry(data));
    EXPECT_FALSE(mmc::parse_mcn(data));
    std::array<SectorRead, 1> out;
    EXPECT_FALSE(mmc::parse_read_cd(data, {}, out));
  }
}

TEST(Mmc, TrustsNoAnswerThatTellsALengthShorterThanItsHeader) {
  for (const char* const told : {"0000", "0001"}) {
    const Bytes data = *from_hex(std::string(told) + "0102" + "0014010000000000" "0014aa0000001000");
    EXPECT_FALSE(mmc::parse_toc(data));
    EXPECT_FALSE(mmc::parse_full_toc(data));
    EXPECT_FALSE(mmc::cd_text_packs(data));
  }
}

TEST(MmcDrive, TellsOfItselfAndItsDisc) {
  Machine machine({.cache_sectors = 100});
  const DriveInfo& info = machine.drive->info();
  EXPECT_EQ(info.vendor, "MODEL");
  EXPECT_EQ(info.model, "CD DRIVE");
  EXPECT_TRUE(info.c2);
  EXPECT_FALSE(info.exact);
  EXPECT_EQ(info.cache_sectors, 100u);
  const auto disc = machine.drive->read_disc();
  ASSERT_TRUE(disc) << disc.error().message;
  const Disc wanted = example();
  EXPECT_EQ(disc->mcn, wanted.mcn);
  EXPECT_EQ(disc->text.title, wanted.text.title);
  ASSERT_EQ(disc->toc.tracks.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(disc->toc.tracks[i].start, wanted.toc.tracks[i].start);
    EXPECT_EQ(disc->toc.tracks[i].pregap, wanted.toc.tracks[i].pregap) << i;
    EXPECT_EQ(disc->toc.tracks[i].copy_permitted, wanted.toc.tracks[i].copy_permitted);
    EXPECT_EQ(disc->toc.tracks[i].pre_emphasis, wanted.toc.tracks[i].pre_emphasis);
    EXPECT_EQ(disc->tracks[i].isrc, wanted.tracks[i].isrc);
    EXPECT_EQ(disc->tracks[i].text.title, wanted.tracks[i].text.title);
  }
}

TEST(MmcDrive, ReadsSectorsWithC2AndTheirPlace) {
  Machine machine({.faults = {{300, {.wrong = 0.5}}, {310, {.unreadable = true}}, {320, {.shifted = 1}}}});
  std::vector<SectorRead> out(100);
  ASSERT_TRUE(machine.drive->read(Lba(250), out));
  for (std::int32_t i = 0; i < 100; ++i) {
    const SectorRead& sector = out[static_cast<std::size_t>(i)];
    const std::int32_t at = 250 + i;
    if (at == 310) {
      ASSERT_TRUE(sector.error);
      EXPECT_EQ(sector.error->message, "medium error: uncorrectable error (3/11/05)");
      continue;
    }
    ASSERT_FALSE(sector.error);
    if (at == 320) {
      EXPECT_TRUE(!sector.at || sector.at->value == 321);
      continue;
    }
    EXPECT_TRUE(!sector.at || sector.at->value == at);
    const bool marked = std::any_of(sector.c2->begin(), sector.c2->end(), [](std::uint8_t bits) { return bits != 0; });
    EXPECT_EQ(marked, at == 300);
    EXPECT_EQ(at == 300, !std::equal(sector.audio.begin(), sector.audio.end(), machine.samples.begin() + at * 2352));
  }
}

TEST(MmcDrive, SaysThatThereIsNoDisc) {
  Machine machine;
  machine.model->has_disc = false;
  EXPECT_FALSE(machine.drive->has_disc());
  const auto disc = machine.drive->read_disc();
  ASSERT_FALSE(disc);
  EXPECT_EQ(disc.error().code, Errc::not_found);
  EXPECT_EQ(disc.error().message, "/dev/sr0: not ready: no disc (2/3a/00)");
}

TEST(MmcDrive, AsksForASpeed) {
  Machine machine;
  machine.drive->set_speed(4);
  EXPECT_EQ(machine.model->speed, 4 * 177);
  machine.drive->set_speed(0);
  EXPECT_EQ(machine.model->speed, 0xFFFF);
}

}  // namespace
}  // namespace ghost::audiojuggler
