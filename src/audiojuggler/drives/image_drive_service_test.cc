#include "audiojuggler/drives/image_drive_service.h"

#include <gtest/gtest.h>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/drives/image_testing.h"
#include "audiojuggler/formats/wav.h"
#include "base/test_directory.h"

namespace ghost::audiojuggler {
namespace {

constexpr std::string_view kSheet = "FILE \"disc.bin\" BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nTITLE \"mine\"\nINDEX 01 00:01:00\n";

Bytes read_all(Drive& drive, std::size_t sectors) {
  std::vector<SectorRead> out(sectors);
  EXPECT_TRUE(drive.read(Lba(0), out));
  Bytes samples;
  for (const SectorRead& sector : out) {
    EXPECT_FALSE(sector.error);
    samples.insert(samples.end(), sector.audio.begin(), sector.audio.end());
  }
  return samples;
}

TEST(ImageDrive, GivesTheSamplesOfABin) {
  const TestDirectory folder;
  const Bytes samples = test_samples(150, 1);
  write_test_file(folder / "disc.bin", samples);
  write_test_file(folder / "disc.cue", as_bytes(kSheet));
  auto drive = ImageDrive::open(folder / "disc.cue");
  ASSERT_TRUE(drive) << drive.error().message;
  EXPECT_EQ(read_all(**drive, 150), samples);
  EXPECT_TRUE((*drive)->info().exact);
  std::vector<SectorRead> past(1);
  ASSERT_TRUE((*drive)->read(Lba(150), past));
  EXPECT_EQ(past[0].error->code, Errc::out_of_range);
}

TEST(ImageDrive, TurnsBigEndianSamplesRound) {
  const TestDirectory folder;
  const Bytes samples = test_samples(100, 2);
  Bytes turned = samples;
  for (std::size_t i = 0; i < turned.size(); i += 2) std::swap(turned[i], turned[i + 1]);
  write_test_file(folder / "disc.bin", turned);
  write_test_file(folder / "disc.toc", as_bytes("CD_DA\nTRACK AUDIO\nFILE \"disc.bin\" 0\n"));
  auto drive = ImageDrive::open(folder / "disc.toc");
  ASSERT_TRUE(drive) << drive.error().message;
  EXPECT_EQ(read_all(**drive, 100), samples);
}

TEST(ImageDrive, ReadsSoundFilesToTheirEnd) {
  const TestDirectory folder;
  Bytes samples = test_samples(10, 3);
  Bytes file = *make_wav_head(44100, 2, 16, samples.size() - 400);
  file.insert(file.end(), samples.begin(), samples.end() - 400);
  write_test_file(folder / "a.wav", file);
  write_test_file(folder / "disc.cue", as_bytes("FILE a.wav WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n"));
  auto drive = ImageDrive::open(folder / "disc.cue");
  ASSERT_TRUE(drive) << drive.error().message;
  std::fill(samples.end() - 400, samples.end(), std::uint8_t{0});
  EXPECT_EQ(read_all(**drive, 10), samples);
}

TEST(ImageDrive, TakesFromTheCdTextFileWhatTheSheetDoesNotSay) {
  const TestDirectory folder;
  CdText text;
  text.disc.title = "Prélude";
  text.tracks[1].title = "one";
  text.tracks[2].title = "two";
  write_test_file(folder / "disc.bin", test_samples(100, 4));
  write_test_file(folder / "disc.cdt", *encode_cd_text(text, 1, 2));
  write_test_file(folder / "disc.cue", as_bytes("CDTEXTFILE \"disc.cdt\"\n" + std::string(kSheet)));
  auto drive = ImageDrive::open(folder / "disc.cue");
  ASSERT_TRUE(drive) << drive.error().message;
  const auto disc = (*drive)->read_disc();
  EXPECT_EQ(disc->text.title, "Prélude");
  EXPECT_EQ(disc->tracks[0].text.title, "one");
  EXPECT_EQ(disc->tracks[1].text.title, "mine");
}

TEST(ImageDrive, NamesTheFileThatIsMissing) {
  const TestDirectory folder;
  write_test_file(folder / "disc.cue", as_bytes(kSheet));
  const auto drive = ImageDrive::open(folder / "disc.cue");
  ASSERT_FALSE(drive);
  EXPECT_EQ(drive.error().code, Errc::not_found);
  EXPECT_NE(drive.error().message.find("disc.bin: no such file"), std::string::npos) << drive.error().message;
  EXPECT_NE(drive.error().message.find("disc.cue names it"), std::string::npos);
  EXPECT_EQ(ImageDrive::open(folder / "none.cue").error().code, Errc::not_found);
}

TEST(ImageDrive, NamesTheSheetAndTheLineThatIsBroken) {
  const TestDirectory folder;
  write_test_file(folder / "disc.cue", as_bytes("FILE \"disc.bin\" BINARY\nTRUCK 01 AUDIO\n"));
  const auto drive = ImageDrive::open(folder / "disc.cue");
  ASSERT_FALSE(drive);
  EXPECT_NE(drive.error().message.find("disc.cue: line 2: 'TRUCK' is no command of a CUE sheet; is TRACK meant?"), std::string::npos) << drive.error().message;
}

}  // namespace
}  // namespace ghost::audiojuggler
