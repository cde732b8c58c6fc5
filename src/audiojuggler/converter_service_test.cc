#include "audiojuggler/converter_service.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "audiojuggler/drives/image_testing.h"
#include "audiojuggler/formats/open_service.h"
#include "audiojuggler/formats/wav.h"
#include "audiojuggler/picture_service.h"
#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::audiojuggler {
namespace {

class ConverterTest : public testing::Test {
 protected:
  std::filesystem::path wav(std::string_view name, std::uint16_t channels = 2, std::uint16_t bits = 16, std::size_t sectors = 60) {
    const Bytes samples = test_samples(sectors, 21);
    Bytes file = *make_wav_head(44100, channels, bits, samples.size());
    file.insert(file.end(), samples.begin(), samples.end());
    write_test_file(folder_ / name, file);
    return folder_ / name;
  }
  Result<std::vector<Converted>> run(std::vector<std::filesystem::path> files, std::string to, std::string_view into = "out", Overwrite overwrite = Overwrite::no) {
    ConvertOptions options;
    options.files = std::move(files);
    options.to = std::move(to);
    options.into = folder_ / into;
    options.overwrite = overwrite;
    return convert(options, {[this](std::uint64_t done, std::uint64_t total) { done_ = done, total_ = total; }, [](std::size_t, const Converted&) {}}, cancelled_);
  }
  std::string contents(const std::filesystem::path& path) { return read_file(path, 100'000'000).value_or(""); }

  TestDirectory folder_;
  std::atomic<bool> cancelled_{false};
  std::uint64_t done_ = 0, total_ = 0;
};

TEST_F(ConverterTest, GivesTheSameSamplesAfterFlacAndBack) {
  for (const auto& [channels, bits] : {std::pair<std::uint16_t, std::uint16_t>{2, 16}, {1, 24}, {2, 8}}) {
    const std::string name = std::to_string(channels) + "-" + std::to_string(bits);
    const auto file = wav(name + ".wav", channels, bits);
    const auto there = run({file}, "flac", "a");
    ASSERT_TRUE(there && !there->at(0).error) << (there ? there->at(0).error->message : there.error().message);
    const auto back = run({there->at(0).file}, "wav", "b");
    ASSERT_TRUE(back && !back->at(0).error) << (back ? back->at(0).error->message : back.error().message);
    EXPECT_TRUE(contents(back->at(0).file) == contents(file)) << name;
    EXPECT_EQ(done_, total_);
  }
}

TEST_F(ConverterTest, CarriesTagsFromFlacToOpusAndMp3) {
  auto output = OutputFile::create(folder_ / "a.flac");
  ASSERT_TRUE(output);
  auto writer = write_audio("flac", std::move(*output), {}, 588 * 60, {{"TITLE", "Prélude ♯"}, {"ARTIST", "Players"}, {"TRACKNUMBER", "3"}, {"MCN", "2001835220340"}});
  ASSERT_TRUE(writer) << writer.error().message;
  std::vector<std::int32_t> samples(588 * 60 * 2);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int32_t>(i * 37 % 8000) - 4000;
  ASSERT_TRUE((*writer)->write(samples));
  ASSERT_TRUE((*writer)->finish());
  const auto opus = run({folder_ / "a.flac"}, "opus"), mp3 = run({folder_ / "a.flac"}, "mp3");
  ASSERT_TRUE(opus && !opus->at(0).error && mp3 && !mp3->at(0).error);
  const std::string ogg = contents(opus->at(0).file), mpeg = contents(mp3->at(0).file);
  EXPECT_TRUE(ogg.starts_with("OggS"));
  EXPECT_NE(ogg.find("OpusHead"), std::string::npos);
  EXPECT_NE(ogg.find("TITLE=Prélude ♯"), std::string::npos);
  EXPECT_TRUE(mpeg.starts_with("ID3"));
  EXPECT_NE(mpeg.find("TIT2"), std::string::npos);
  EXPECT_NE(mpeg.find(std::string("P\0r\0\xE9\0l\0", 8)), std::string::npos);
  EXPECT_NE(mpeg.find("TXXX"), std::string::npos);  // ID3 has no frame for the catalogue number
  EXPECT_NE(mpeg.find(std::string("M\0C\0N\0", 6)), std::string::npos);
  EXPECT_GT(mpeg.size(), 5'000u);
}

TEST_F(ConverterTest, ConvertsSeveralAndTellsWhatAilsOne) {
  const auto a = wav("a.wav"), b = wav("b.wav");
  write_test_file(folder_ / "c.flac", as_bytes("this is no FLAC"));
  const auto done = run({a, folder_ / "c.flac", b, folder_ / "missing.wav"}, "flac");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->at(0).error || done->at(2).error);
  ASSERT_TRUE(done->at(1).error && done->at(3).error);
  EXPECT_EQ(done->at(1).error->message, (folder_ / "c.flac").string() + " is neither FLAC nor WAV: it begins with \"this\"");
  EXPECT_EQ(done->at(3).error->code, Errc::not_found);
  EXPECT_TRUE(contents(done->at(0).file) == contents(done->at(2).file));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out")) files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 2u);  // no part of the others is left
}

TEST_F(ConverterTest, KnowsAFlacThatIsNotOne) {
  write_test_file(folder_ / "a.flac", as_bytes("fLaC and then nothing of the kind"));
  const auto done = run({folder_ / "a.flac"}, "wav");
  ASSERT_TRUE(done && done->at(0).error);
  EXPECT_EQ(done->at(0).error->message, (folder_ / "a.flac").string() + " is no FLAC file, or its head is damaged");
}

TEST_F(ConverterTest, KnowsAWavThatIsNotOneOrWasCutOff) {
  write_test_file(folder_ / "a.wav", as_bytes(std::string_view("RIFF\x10\0\0\0WAVEjunk", 16)));
  write_test_file(folder_ / "e.wav", {});
  const auto whole = wav("b.wav");
  std::filesystem::resize_file(whole, 50'000);
  const auto done = run({folder_ / "a.wav", folder_ / "e.wav", whole}, "flac");
  ASSERT_TRUE(done && done->at(0).error && done->at(1).error && done->at(2).error);
  EXPECT_EQ(done->at(0).error->message, (folder_ / "a.wav").string() + ": it has no data chunk");
  EXPECT_EQ(done->at(1).error->message, (folder_ / "e.wav").string() + " is neither FLAC nor WAV: it is empty");
  EXPECT_EQ(done->at(2).error->code, Errc::data_loss);
  EXPECT_NE(done->at(2).error->message.find("it was cut off"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
}

TEST_F(ConverterTest, SaysThatTheTargetIsFullOrCannotBeMadeAndLeavesNothing) {
  const auto file = wav("a.wav");
  // In a process of its own, whose files may not grow beyond 2,000 bytes.
  const auto convert_with_little_room = [&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{2'000, 2'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    bool told = true;
    for (const char* const format : {"flac", "wav", "opus", "mp3"}) {
      const auto done = run({file}, format);
      const bool full = done && done->at(0).error && done->at(0).error->code == Errc::exhausted && done->at(0).error->message.find("make room") != std::string::npos;
      if (!full) std::fprintf(stderr, "%s: %s\n", format, !done ? done.error().message.c_str() : done->at(0).error ? done->at(0).error->message.c_str() : "done");
      told = told && full;
    }
    std::_Exit(told ? 0 : 1);
  };
  EXPECT_EXIT(convert_with_little_room(), testing::ExitedWithCode(0), "");
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
  ConvertOptions options;
  options.files = {file};
  options.to = "flac";
  options.into = "/proc/nowhere";
  EXPECT_EQ(convert(options, {[](std::uint64_t, std::uint64_t) {}, [](std::size_t, const Converted&) {}}, cancelled_).error().message,
            "create directory /proc/nowhere: no such file or directory; choose a folder that can be made and written");
}

TEST_F(ConverterTest, OverwritesOnlyWhenAsked) {
  const auto a = wav("a.wav");
  ASSERT_TRUE(run({a}, "flac"));
  write_test_file(folder_ / "out/a.flac", as_bytes("mine"));
  const auto refused = run({a}, "flac");
  ASSERT_TRUE(refused && refused->at(0).error);
  EXPECT_EQ(refused->at(0).error->code, Errc::exists);
  EXPECT_EQ(contents(folder_ / "out/a.flac"), "mine");
  const auto asked = run({a}, "flac", "out", Overwrite::yes);
  ASSERT_TRUE(asked && !asked->at(0).error);
  EXPECT_TRUE(contents(folder_ / "out/a.flac").starts_with("fLaC"));
}

TEST_F(ConverterTest, RefusesWhatCannotBe) {
  EXPECT_EQ(run({wav("a.wav")}, "ogg").error().message, "'ogg' is no format to write; there are flac, wav, opus and mp3");
  std::filesystem::create_directory(folder_ / "x");
  const auto one = wav("a.wav"), two = wav("x/a.wav");
  EXPECT_EQ(run({one, two}, "flac").error().code, Errc::malformed);
  cancelled_ = true;
  EXPECT_EQ(run({one}, "flac").error().code, Errc::cancelled);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/a.flac"));
}

TEST_F(ConverterTest, PicturesAndPeaksComeFromTheSamples) {
  const auto file = wav("a.wav");
  const Status drawn = waveform_picture(file, folder_ / "a.png", {800, 200}, Overwrite::no);
  ASSERT_TRUE(drawn) << drawn.error().message;
  const std::string png = contents(folder_ / "a.png");
  EXPECT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(png.substr(16, 8), std::string("\0\0\x03\x20\0\0\0\xC8", 8));
  EXPECT_EQ(waveform_picture(file, folder_ / "a.png", {}, Overwrite::no).error().code, Errc::exists);
  const auto peaks = peaks_of(file);
  ASSERT_TRUE(peaks) << peaks.error().message;
  Peaks direct(60 * 588);
  direct.update(test_samples(60, 21));
  EXPECT_EQ(*peaks, direct.values());
}

}  // namespace
}  // namespace ghost::audiojuggler
