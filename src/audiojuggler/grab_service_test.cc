#include "audiojuggler/grab_service.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "audiojuggler/checksum.h"
#include "audiojuggler/drives/image_drive_service.h"
#include "audiojuggler/drives/image_testing.h"
#include "audiojuggler/drives/mmc_drive.h"
#include "audiojuggler/drives/mmc_model.h"
#include "audiojuggler/formats/flac_service.h"
#include "audiojuggler/verify_service.h"
#include "base/file.h"
#include "base/test_directory.h"
#include "base/unique_fd.h"

namespace ghost::audiojuggler {
namespace {

constexpr std::string_view kSheet =
    "CATALOG 4012345678901\nTITLE \"Klavierstücke\"\nPERFORMER \"Ghostlight Players\"\nFILE \"disc.bin\" BINARY\n"
    "TRACK 01 AUDIO\nTITLE \"1. ALLEGRO / Teil 1\"\nISRC DEABC2600001\nINDEX 00 00:00:00\nINDEX 01 00:00:40\n"
    "TRACK 02 AUDIO\nPERFORMER \"A. Player\"\nINDEX 00 00:04:00\nINDEX 01 00:05:00\n"
    "TRACK 03 AUDIO\nTITLE \"Finale\"\nINDEX 01 00:08:00\n";
constexpr std::size_t kSectors = 900;

/// Keeps what it hears; may stop the grab.
struct Heard : GrabObserver {
  void on_disc(const Disc&, const std::vector<PlannedTrack>& planned) override { tracks = planned; }
  void on_progress(std::size_t index, std::uint32_t sectors, std::uint64_t) override {
    EXPECT_LE(sectors, tracks[index].sectors);
    if (stop_at_progress) cancelled = true;
  }
  void on_track(std::size_t, const RipTrack& track) override {
    finished.push_back(track.number);
    if (finished.size() == stop_after) cancelled = true;
  }
  std::vector<PlannedTrack> tracks;
  std::vector<unsigned> finished;
  std::size_t stop_after = 0;
  bool stop_at_progress = false;
  std::atomic<bool> cancelled{false};
};

class GrabTest : public testing::Test {
 protected:
  GrabTest() : samples_(test_samples(kSectors, 11)) {
    write_test_file(folder_ / "disc.bin", samples_);
    write_test_file(folder_ / "disc.cue", as_bytes(kSheet));
  }
  Result<Rip> grab_image(const std::filesystem::path& into, Heard& heard, std::string format = "flac") {
    auto drive = ImageDrive::open(folder_ / "disc.cue");
    if (!drive) return drive.error();
    return grab_from(**drive, into, heard, 0, std::move(format));
  }
  Result<Rip> grab_from(Drive& drive, const std::filesystem::path& into, Heard& heard, int offset = 0, std::string format = "flac") {
    GrabOptions options;
    options.source = (folder_ / "disc.cue").string();
    options.into = into;
    options.format = std::move(format);
    options.offset = offset;
    options.program = "test";
    return grab(drive, options, heard, heard.cancelled);
  }
  BytesView part(std::size_t from, std::size_t to) const { return BytesView(samples_).subspan(from * kSectorBytes, (to - from) * kSectorBytes); }
  Bytes decoded(const std::filesystem::path& file) {
    auto reader = open_flac(file);
    if (!reader) {
      ADD_FAILURE() << reader.error().message;
      return {};
    }
    Bytes out;
    std::vector<std::int32_t> block(kBlockFrames * 2);
    for (;;) {
      const auto frames = (*reader)->read(block);
      if (!frames || *frames == 0) {
        EXPECT_TRUE(frames);
        return out;
      }
      for (std::size_t i = 0; i < *frames * 2; ++i) {
        out.push_back(static_cast<std::uint8_t>(block[i] & 0xFF));
        out.push_back(static_cast<std::uint8_t>(block[i] >> 8 & 0xFF));
      }
    }
  }
  Verification verified(const std::filesystem::path& into, Drive* against = nullptr) {
    const std::atomic<bool> cancelled{false};
    auto out = verify(into, against, {[](const Rip&) {}, [](std::uint64_t, std::uint64_t) {}, [](std::size_t, const VerifiedTrack&) {}}, cancelled);
    EXPECT_TRUE(out) << out.error().message;
    return out ? std::move(*out) : Verification{};
  }

  TestDirectory folder_;
  Bytes samples_;
};

TEST_F(GrabTest, GivesTheImagesSamplesWithTagsAndDocuments) {
  Heard heard;
  const auto rip = grab_image(folder_ / "out", heard);
  ASSERT_TRUE(rip) << rip.error().message;
  ASSERT_EQ(rip->tracks.size(), 4u);
  EXPECT_TRUE(decoded(folder_ / "out/00.flac") == to_bytes(part(0, 40)));
  EXPECT_TRUE(decoded(folder_ / "out/01 - 1. ALLEGRO - Teil 1.flac") == to_bytes(part(40, 375)));
  EXPECT_TRUE(decoded(folder_ / "out/02.flac") == to_bytes(part(375, 600)));
  EXPECT_TRUE(decoded(folder_ / "out/03 - Finale.flac") == to_bytes(part(600, 900)));
  EXPECT_EQ(rip->tracks[3].crc32, crc32(part(600, 900)));
  EXPECT_TRUE(rip->tracks[3].verified);
  EXPECT_EQ(rip->sectors_read, 900u);
  CtdbCrc ctdb(860 * kSectorFrames);
  ctdb.update(part(40, 900));
  EXPECT_EQ(rip->ctdb_crc, ctdb.value());
  const auto reader = open_flac(folder_ / "out/02.flac");
  const Tags& tags = (*reader)->tags();
  const auto has = [&](std::string_view name, std::string_view value) { return std::find(tags.begin(), tags.end(), std::pair<std::string, std::string>(name, value)) != tags.end(); };
  EXPECT_TRUE(has("ALBUM", "Klavierstücke") && has("ARTIST", "A. Player") && has("TRACKNUMBER", "2") && has("TRACKTOTAL", "3") && has("MCN", "4012345678901"));
  for (const char* name : {"rip.json", "rip.log", "disc.cue"}) EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/.grab"));
  auto image = ImageDrive::open(folder_ / "disc.cue");
  const Verification check = verified(folder_ / "out", image->get());
  EXPECT_TRUE(check.good());
  EXPECT_EQ(check.tracks.size(), 4u);
  EXPECT_TRUE(check.tracks[3].compared && check.tracks[3].same);
}

TEST_F(GrabTest, MakesNothingInTheFolderThatAKillCouldLeaveHalfMade) {
  const std::filesystem::path out = folder_ / "out";
  std::filesystem::create_directory(out);
  const UniqueFd watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.get(), out.c_str(), IN_CREATE | IN_MOVED_TO), 0);
  Heard heard;
  ASSERT_TRUE(grab_image(out, heard));
  std::vector<std::string> created;
  std::size_t moved_in = 0;
  alignas(inotify_event) std::array<char, 64 * 1024> told{};
  const ssize_t length = ::read(watch.get(), told.data(), told.size());
  for (ssize_t at = 0; at < length;) {
    inotify_event event{};
    std::memcpy(&event, told.data() + at, sizeof event);
    if ((event.mask & IN_CREATE) != 0) created.emplace_back(told.data() + at + sizeof event);
    if ((event.mask & IN_MOVED_TO) != 0) ++moved_in;
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
  EXPECT_EQ(created, std::vector<std::string>{".grab"});
  EXPECT_EQ(moved_in, 4u + 3u) << "tracks and documents come whole";
}

TEST_F(GrabTest, WritesWavThatIsAnImageOfTheDiscAgain) {
  Heard heard;
  ASSERT_TRUE(grab_image(folder_ / "out", heard, "wav"));
  auto again = ImageDrive::open(folder_ / "out/disc.cue");
  ASSERT_TRUE(again) << again.error().message;
  const auto disc = (*again)->read_disc();
  EXPECT_EQ(disc->toc.tracks[1].pregap, 75u);
  EXPECT_EQ(disc->toc.hidden_sectors(), 40u);
  EXPECT_EQ(disc->toc.lead_out, Lba(kSectors));
  EXPECT_TRUE(verified(folder_ / "out", again->get()).good());
}

TEST_F(GrabTest, LeavesOutAHiddenTrackThatIsSilent) {
  std::fill_n(samples_.begin(), 40 * kSectorBytes, std::uint8_t{0});
  write_test_file(folder_ / "disc.bin", samples_);
  Heard heard;
  const auto rip = grab_image(folder_ / "out", heard);
  ASSERT_TRUE(rip) << rip.error().message;
  EXPECT_EQ(rip->tracks[0].file, "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/00.flac"));
  EXPECT_TRUE(verified(folder_ / "out").good());
}

TEST_F(GrabTest, GoesOnWhereItWasStopped) {
  Heard first;
  first.stop_after = 2;
  const auto stopped = grab_image(folder_ / "out", first);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/rip.json"));
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out")) {
    if (entry.path().extension() == ".flac") {
      EXPECT_FALSE(decoded(entry.path()).empty()) << entry.path();
    }
  }
  Heard second;
  const auto rip = grab_image(folder_ / "out", second);
  ASSERT_TRUE(rip) << rip.error().message;
  EXPECT_TRUE(verified(folder_ / "out").good());
  EXPECT_LT(rip->sectors_read, 900u);  // what was read before was not read again
  EXPECT_TRUE(decoded(folder_ / "out/03 - Finale.flac") == to_bytes(part(600, 900)));
}

TEST_F(GrabTest, RefusesToGoOnWithAnotherDisc) {
  Heard first;
  first.stop_at_progress = true;
  ASSERT_FALSE(grab_image(folder_ / "out", first));
  Heard second;
  EXPECT_EQ(grab_image(folder_ / "out", second, "wav").error().code, Errc::conflict);
}

TEST_F(GrabTest, OverwritesNothing) {
  Heard heard;
  ASSERT_TRUE(make_directories(folder_ / "out"));
  write_test_file(folder_ / "out/02.flac", as_bytes("mine"));
  const auto rip = grab_image(folder_ / "out", heard);
  ASSERT_FALSE(rip);
  EXPECT_EQ(rip.error().code, Errc::exists);
  EXPECT_NE(rip.error().message.find("02.flac is there already"), std::string::npos) << rip.error().message;
  EXPECT_EQ(*read_file(folder_ / "out/02.flac", 100), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/.grab"));
  Heard other, again;
  write_test_file(folder_ / "out2.txt", as_bytes("x"));
  ASSERT_TRUE(grab_image(folder_ / "out2", other));
  const auto twice = grab_image(folder_ / "out2", again);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("holds a finished grab"), std::string::npos);
}

TEST_F(GrabTest, SkipsDataTracks) {
  write_test_file(folder_ / "disc.cue", as_bytes("FILE disc.bin BINARY\nTRACK 01 MODE1/2352\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:04:00\n"));
  Heard heard;
  const auto rip = grab_image(folder_ / "out", heard);
  ASSERT_TRUE(rip) << rip.error().message;
  EXPECT_EQ(rip->skipped, std::vector<unsigned>{1});
  EXPECT_TRUE(decoded(folder_ / "out/02.flac") == to_bytes(part(300, 900)));
}

TEST_F(GrabTest, SaysThatTheTargetIsFullAndKeepsWhatItHas) {
  // In a process of its own, whose files may not grow beyond 600,000 bytes.
  const auto grab_with_little_room = [this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{600'000, 600'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Heard heard;
    const auto rip = grab_image(folder_ / "out", heard);
    const bool told = !rip && rip.error().code == Errc::exhausted && rip.error().message.find("make room, then run the same again") != std::string::npos;
    if (!told) std::fprintf(stderr, "%s\n", rip ? "done" : rip.error().message.c_str());
    std::_Exit(told ? 0 : 1);
  };
  EXPECT_EXIT(grab_with_little_room(), testing::ExitedWithCode(0), "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/01 - 1. ALLEGRO - Teil 1.flac"));
  Heard heard;
  const auto rip = grab_image(folder_ / "out", heard);
  ASSERT_TRUE(rip) << rip.error().message;
  EXPECT_LT(rip->sectors_read, 900u);
  EXPECT_TRUE(verified(folder_ / "out").good());
}

/// Kills its own process the `fatal`th time that it hears anything.
struct KillsItself : Heard {
  explicit KillsItself(unsigned fatal_call) : fatal(fatal_call) {}
  void on_progress(std::size_t, std::uint32_t, std::uint64_t) override { hear(); }
  void on_track(std::size_t, const RipTrack&) override { hear(); }
  void hear() {
    if (++calls == fatal) ::kill(::getpid(), SIGKILL);
  }
  unsigned fatal, calls = 0;
};

TEST_F(GrabTest, LeavesNoHalfFileUnderItsNameWhenKilledAndGoesOn) {
  for (unsigned fatal = 1; fatal <= 4; ++fatal) {
    const auto be_killed = [&] {
      KillsItself observer(fatal);
      (void)grab_image(folder_ / "out", observer);
      std::_Exit(0);
    };
    EXPECT_EXIT(be_killed(), testing::KilledBySignal(SIGKILL), "") << fatal;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out/rip.json"));
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out")) {
      if (entry.is_regular_file()) {
        EXPECT_FALSE(decoded(entry.path()).empty()) << entry.path();
      }
    }
  }
  Heard heard;
  const auto rip = grab_image(folder_ / "out", heard);
  ASSERT_TRUE(rip) << rip.error().message;
  EXPECT_LT(rip->sectors_read, 900u);
  auto image = ImageDrive::open(folder_ / "disc.cue");
  EXPECT_TRUE(verified(folder_ / "out", image->get()).good());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/.grab"));
}

TEST_F(GrabTest, SaysThatTheTargetIsReadOnly) {
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  ASSERT_TRUE(make_directories(folder_ / "locked"));
  ASSERT_EQ(::chmod((folder_ / "locked").c_str(), 0555), 0);
  // In a process of its own, which is not root, who may write everywhere.
  const auto grab_as_nobody = [this] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) std::_Exit(2);
    Heard heard;
    const auto into = grab_image(folder_ / "locked", heard), below = grab_image(folder_ / "locked/new", heard);
    const bool told = !into && into.error().code == Errc::refused && into.error().message.find("choose a folder that can be written") != std::string::npos && !below &&
                      below.error().code == Errc::refused && below.error().message.find("choose a folder that can be made and written") != std::string::npos;
    if (!told) std::fprintf(stderr, "%s\n%s\n", into ? "done" : into.error().message.c_str(), below ? "done" : below.error().message.c_str());
    std::_Exit(told ? 0 : 1);
  };
  EXPECT_EXIT(grab_as_nobody(), testing::ExitedWithCode(0), "");
}

TEST_F(GrabTest, SaysThatTheTargetCannotBeWritten) {
  Heard heard;
  const auto rip = grab_image("/proc/nowhere", heard);
  ASSERT_FALSE(rip);
  EXPECT_EQ(rip.error().message, "create directory /proc/nowhere: no such file or directory; choose a folder that can be made and written");
}

TEST_F(GrabTest, FromADamagedDiscInAnOffDriveEqualsTheImage) {
  auto image = ImageDrive::open(folder_ / "disc.cue");
  const Disc disc = *(*image)->read_disc();
  for (const int offset : {0, 667, -48}) {
    MmcModel::Options options;
    options.read_offset = offset;
    options.cache_sectors = 60;
    for (std::int32_t i = 1; i < 20; ++i) options.faults[i * 43] = {.wrong = 0.2};
    options.faults[500] = {.shifted = 2};
    // Sectors beyond the ends of the disc cannot be read: what an offset would need of them is taken for the silence it is.
    Bytes samples = samples_;
    std::fill_n(samples.begin(), 2 * kSectorBytes, std::uint8_t{0});
    std::fill(samples.end() - 2 * static_cast<std::ptrdiff_t>(kSectorBytes), samples.end(), std::uint8_t{0});
    write_test_file(folder_ / "disc.bin", samples);
    auto drive = MmcDrive::open(std::make_unique<MmcModel>(disc, samples, options), "/dev/sr0");
    ASSERT_TRUE(drive);
    Heard heard;
    const std::filesystem::path into = folder_ / ("out" + std::to_string(offset));
    const auto rip = grab_from(**drive, into, heard, offset);
    ASSERT_TRUE(rip) << rip.error().message;
    EXPECT_EQ(rip->doubts(), 0u);
    EXPECT_GE(rip->sectors_read, 1800u);
    EXPECT_TRUE(verified(into, image->get()).good()) << offset;
  }
}

TEST_F(GrabTest, ListsDoubtsByTheSectorOfTheDisc) {
  auto image = ImageDrive::open(folder_ / "disc.cue");
  MmcModel::Options options;
  options.read_offset = 588 + 10;  // what stands in sector 499 of the disc comes in 500, its last 10 frames in 501
  options.faults[500] = {.unreadable = true};
  auto drive = MmcDrive::open(std::make_unique<MmcModel>(*(*image)->read_disc(), samples_, options), "/dev/sr0");
  Heard heard;
  const auto rip = grab_from(**drive, folder_ / "out", heard, 588 + 10);
  ASSERT_TRUE(rip) << rip.error().message;
  ASSERT_EQ(rip->tracks[2].doubts.size(), 2u);
  EXPECT_EQ(rip->tracks[2].doubts[0].sector, Lba(498));
  EXPECT_EQ(rip->tracks[2].doubts[0].frames.size(), 10u);
  EXPECT_EQ(rip->tracks[2].doubts[1].sector, Lba(499));
  EXPECT_EQ(rip->tracks[2].doubts[1].frames.size(), 578u);
  EXPECT_NE(read_file(folder_ / "out/rip.log", 100'000)->find("DOUBT  track 2 sector 499: not readable in 16 reads: medium error"), std::string::npos);
}

TEST_F(GrabTest, IsFoundOutWhenAFileOrTheDiscIsAnother) {
  Heard heard;
  ASSERT_TRUE(grab_image(folder_ / "out", heard));
  Bytes other = samples_;
  other[700 * kSectorBytes] ^= 1;
  write_test_file(folder_ / "disc.bin", other);
  auto image = ImageDrive::open(folder_ / "disc.cue");
  const Verification against = verified(folder_ / "out", image->get());
  EXPECT_FALSE(against.good());
  EXPECT_TRUE(against.tracks[2].good());
  EXPECT_TRUE(against.tracks[3].sound && !against.tracks[3].same);
  EXPECT_NE(against.tracks[3].why.find("differs from the disc"), std::string::npos);

  std::string flac = *read_file(folder_ / "out/02.flac", 10'000'000);
  flac[flac.size() / 2] = static_cast<char>(flac[flac.size() / 2] ^ 0x55);
  write_test_file(folder_ / "out/02.flac", as_bytes(flac));
  std::filesystem::remove(folder_ / "out/00.flac");
  const Verification damaged = verified(folder_ / "out");
  EXPECT_FALSE(damaged.tracks[0].good());
  EXPECT_FALSE(damaged.tracks[2].good());
  EXPECT_NE(damaged.tracks[2].why.find("damaged"), std::string::npos) << damaged.tracks[2].why;
  EXPECT_TRUE(damaged.tracks[3].good());
}

}  // namespace
}  // namespace ghost::audiojuggler
