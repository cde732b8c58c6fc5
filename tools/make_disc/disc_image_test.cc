#include "disc_image.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/test_directory.h"
#include "mastering.h"
#include "performance.h"
#include "score_parser.h"
#include "synth.h"

namespace ghost::disc {
namespace {

constexpr const char* kFont = "/usr/share/sounds/sf2/FluidR3_GM.sf2";

Performance one_note(const char* pitch) {
  const auto score = parse_score(
      std::string("title A\ncomposer B\nvoice v gm:73\nmeter 4/4\ntempo 4=120\nsection A\nv | ") + pitch + ":1\n");
  return *perform(*score);
}

/// Power of the left channel at a frequency (Goertzel).
double power(const std::vector<float>& samples, double frequency) {
  const double turn = 2 * std::cos(2 * 3.14159265358979 * frequency / 44'100);
  double a = 0, b = 0;
  for (std::size_t i = 0; i < 2 * 44'100; i += 2) {
    const double next = static_cast<double>(samples[i]) + turn * a - b;
    b = a;
    a = next;
  }
  return a * a + b * b - turn * a * b;
}

TEST(Synth, PlaysThePitchThatIsWritten) {
  const auto samples = synthesise(one_note("a4"), kFont);
  ASSERT_TRUE(samples) << samples.error().message;
  for (const double wrong : {415.3, 466.2, 493.9, 349.2}) EXPECT_GT(power(*samples, 440), 100 * power(*samples, wrong)) << wrong;
}

TEST(Synth, DiesAwayWhenTheKeysAreUp) {
  const auto samples = synthesise(one_note("c5"), kFont);
  ASSERT_TRUE(samples);
  EXPECT_LT(samples->size(), 2u * 44'100 * 8);  // the bar lasts 2 s; no note hangs until the longest tail of 9 s
  float last = 0;
  for (std::size_t i = samples->size() - 2'000; i < samples->size(); ++i) last = std::max(last, std::abs((*samples)[i]));
  EXPECT_LT(last, 2e-4f);
}

TEST(Synth, GivesTheSameSamplesEveryTime) {
  const auto once = synthesise(one_note("c4"), kFont);
  const auto again = synthesise(one_note("c4"), kFont);
  ASSERT_TRUE(once && again);
  EXPECT_TRUE(*once == *again);
}

class DiscImage : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(directory_.path() / name, as_bytes(text)));
  }
  Order order() const { return {directory_.path() / "disc.txt", directory_.path() / "out"}; }

  TestDirectory directory_;
};

TEST_F(DiscImage, HoldsEveryTrackAndItsPregapInWholeSectors) {
  put("a.score", "title A\ncomposer B\nvoice v piano\nmeter 4/4\ntempo 4=240\nsection A\nv | c4:4 e g c5\n");
  put("disc.txt", "catalog 2001835220340\ntrack a.score\n title One\ntrack a.score\n pregap 00:01:10\n");
  const auto made = make_disc_image(order());
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->size(), 2u);
  EXPECT_NEAR((*made)[0].peak_dbfs, -2.0, 0.1);
  const auto image = directory_.path() / "out" / "demo.bin";
  EXPECT_EQ(std::filesystem::file_size(image), 2'352u * ((*made)[0].sectors + 85 + (*made)[1].sectors));
  const auto cue = read_file(directory_.path() / "out" / "demo.cue", 10'000);
  ASSERT_TRUE(cue);
  EXPECT_NE(cue->find("TITLE \"One\""), std::string::npos);
  const auto bin = read_file(image, 100'000'000);
  const std::size_t gap = 2'352u * (*made)[0].sectors;
  EXPECT_EQ(bin->find_first_not_of('\0', gap) >= gap + 85 * 2'352, true);
}

TEST_F(DiscImage, NamesTheScoreAndLineOfASlipAndWritesNothing) {
  put("a.score", "title A\ncomposer B\nvoice v piano\nmeter 4/4\ntempo 4=240\nsection A\nv | c4:4 e g\n");
  put("disc.txt", "track a.score\n");
  const auto made = make_disc_image(order());
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().message.ends_with("a.score: line 7: voice v, bar 1: 3/4 instead of 1/1")) << made.error().message;
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "out"));
}

TEST_F(DiscImage, SaysWhichPackageHasTheSoundFont) {
  put("disc.txt", "track a.score\n");
  Order without = order();
  without.sound_font = directory_.path() / "none.sf2";
  const auto made = make_disc_image(without);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("install fluid-soundfont-gm"), std::string::npos);
}

}  // namespace
}  // namespace ghost::disc
