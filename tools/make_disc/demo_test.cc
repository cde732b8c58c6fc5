// The scores and texts of data/demo themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "cue_text.h"
#include "disc_plan.h"
#include "performance.h"
#include "score_parser.h"

namespace ghost::disc {
namespace {

const std::filesystem::path kDemo = GHOST_DEMO;

DiscPlan plan() {
  const auto read = parse_disc_plan(*read_file(kDemo / "disc.txt", 1'000'000));
  EXPECT_TRUE(read) << read.error().message;
  return read ? *read : DiscPlan{};
}

Score score(const std::string& name) {
  const auto read = parse_score(*read_file(kDemo / name, 1'000'000));
  EXPECT_TRUE(read) << name << ": " << read.error().message;
  return read ? *read : Score{};
}

Performance played(const std::string& name) {
  const auto performance = perform(score(name));
  EXPECT_TRUE(performance) << name << ": " << performance.error().message;
  return performance ? *performance : Performance{};
}

std::size_t bars(const Score& piece) {
  std::size_t count = 0;
  for (const std::size_t section : piece.form) count += piece.sections[section].bars.size();
  return count;
}

/// The highest note at each start, as MIDI keys: the tune.
std::vector<int> tune(const Performance& performance, std::size_t voice, std::size_t count) {
  std::vector<int> keys;
  double last = -1;
  for (const Strike& strike : performance.strikes) {
    if (strike.voice != voice || keys.size() > count) continue;
    if (!keys.empty() && strike.start == last) keys.back() = std::max(keys.back(), strike.pitch);
    else keys.push_back(strike.pitch);
    last = strike.start;
  }
  keys.resize(std::min(count, keys.size()));
  return keys;
}

TEST(Demo, HasWhatTheMainJobAsksOfIt) {
  std::set<std::string> composers;
  double seconds = 0;
  for (const PlannedTrack& track : plan().tracks) {
    const Score piece = score(track.score);
    composers.insert(piece.composer);
    seconds += played(track.score).length;
  }
  EXPECT_GE(plan().tracks.size(), 9u);
  EXPECT_GE(composers.size(), 3u);
  EXPECT_GE(seconds, 12 * 60);
  EXPECT_LE(seconds, 20 * 60);
}

TEST(Demo, EveryScoreIsOnTheDisc) {
  std::set<std::string> on_disc, beside;
  for (const PlannedTrack& track : plan().tracks) on_disc.insert(track.score);
  for (const auto& entry : std::filesystem::directory_iterator(kDemo))
    if (entry.path().extension() == ".score") beside.insert(entry.path().filename());
  EXPECT_EQ(on_disc, beside);
}

TEST(Demo, PiecesHaveAsManyBarsAsTheirEditions) {
  EXPECT_EQ(bars(score("prelude.score")), 35u);
  EXPECT_EQ(bars(score("invention.score")), 22u);
  EXPECT_EQ(bars(score("minuet.score")), 2u * 32);
  EXPECT_EQ(bars(score("clementi-1.score")), 2u * 38);
  EXPECT_EQ(bars(score("clementi-2.score")), 26u);
  EXPECT_EQ(bars(score("clementi-3.score")), 70u);
  EXPECT_EQ(bars(score("chopin-20.score")), 13u);
  EXPECT_EQ(bars(score("gymnopedie-1.score")), 78u);
  EXPECT_EQ(bars(score("gymnopedie-3.score")), 60u);
}

TEST(Demo, PiecesBeginAsEveryoneKnowsThem) {
  EXPECT_EQ(tune(played("elise.score"), 0, 9), (std::vector{76, 75, 76, 75, 76, 71, 74, 72, 69}));
  EXPECT_EQ(tune(played("minuet.score"), 0, 8), (std::vector{74, 67, 69, 71, 72, 74, 67, 67}));
  EXPECT_EQ(tune(played("clementi-1.score"), 0, 5), (std::vector{72, 76, 72, 67, 67}));
  EXPECT_EQ(tune(played("gymnopedie-1.score"), 0, 8), (std::vector{78, 81, 79, 78, 73, 71, 73, 74}));
  EXPECT_EQ(tune(played("chopin-20.score"), 0, 5), (std::vector{67, 68, 67, 65, 63}));
  EXPECT_EQ(tune(played("invention.score"), 0, 10), (std::vector{60, 62, 64, 65, 62, 64, 60, 67, 72, 72}));
}

TEST(Demo, PiecesEndOnTheirTonic) {
  const auto last_bass = [](const std::string& name) {
    const Performance performance = played(name);
    int lowest = 127;
    const double end = std::ranges::max(performance.strikes, {}, &Strike::end).end;
    for (const Strike& strike : performance.strikes)
      if (strike.end > end - 0.8) lowest = std::min(lowest, strike.pitch);
    return lowest % 12;
  };
  EXPECT_EQ(last_bass("prelude.score"), 0);
  EXPECT_EQ(last_bass("minuet.score"), 7);
  EXPECT_EQ(last_bass("clementi-2.score"), 5);
  EXPECT_EQ(last_bass("chopin-20.score"), 0);
  EXPECT_EQ(last_bass("gymnopedie-1.score"), 2);
  EXPECT_EQ(last_bass("gymnopedie-3.score"), 9);
}

TEST(Demo, NoKeyIsStruckWhileItsVoiceHoldsIt) {
  for (const PlannedTrack& track : plan().tracks) {
    std::map<std::pair<std::size_t, int>, double> held;
    for (const Strike& strike : played(track.score).strikes) {
      double& until = held[{strike.voice, strike.pitch}];
      EXPECT_GE(strike.start, until - 1e-9) << track.score << " key " << strike.pitch << " at " << strike.start;
      until = strike.end;
    }
  }
}

TEST(Demo, NoVoiceLeapsAsASlippedOctaveWould) {
  for (const PlannedTrack& track : plan().tracks) {
    if (track.score == "elise.score") continue;  // its octaves are Beethoven's
    const Performance performance = played(track.score);
    std::map<std::size_t, Strike> before;
    for (const Strike& strike : performance.strikes) {
      const auto last = before.find(strike.voice);
      if (last != before.end() && strike.start - last->second.start < 0.6 && strike.start > last->second.start) {
        EXPECT_LE(std::abs(strike.pitch - last->second.pitch), 24) << track.score << " at " << strike.start;
      }
      before[strike.voice] = strike;
    }
  }
}

TEST(Demo, TheTruthIsAboutTheseTracks) {
  const auto truth = nlohmann::json::parse(*read_file(kDemo / "truth.json", 1'000'000));
  const DiscPlan disc = plan();
  ASSERT_EQ(truth["tracks"].size(), disc.tracks.size());
  EXPECT_EQ(truth["disc"]["title"], disc.title);
  EXPECT_EQ(truth["disc"]["catalog"], disc.catalog);
  std::map<std::string, int> movements;
  for (std::size_t i = 0; i < disc.tracks.size(); ++i) {
    const auto& track = truth["tracks"][i];
    EXPECT_EQ(track["track"], i + 1);
    EXPECT_EQ(track["score"], disc.tracks[i].score);
    EXPECT_EQ(track["composer"], score(disc.tracks[i].score).composer);
    if (!track["movement_no"].is_null()) ++movements[track["work"]];
  }
  EXPECT_GE(std::ranges::count_if(movements, [](const auto& work) { return work.second >= 2; }), 2);
}

TEST(Demo, EveryTrackHasATitleForTheDiscWithoutText) {
  const std::string titles = *read_file(kDemo / "titles.txt", 100'000);
  EXPECT_TRUE(titles.starts_with("disc: "));
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(titles, '\n')), 1 + plan().tracks.size());
}

TEST(Demo, TextsFitIntoCdText) {
  const DiscPlan disc = plan();
  EXPECT_TRUE(cue_text(disc, std::vector<std::uint32_t>(disc.tracks.size(), 300), "demo.bin", CdText::yes));
}

}  // namespace
}  // namespace ghost::disc
