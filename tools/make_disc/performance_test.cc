#include "performance.h"

#include <gtest/gtest.h>

#include "score_parser.h"
#include "tempo_map.h"

namespace ghost::disc {
namespace {

Result<Performance> play(const std::string& body, const std::string& head = "") {
  const auto score = parse_score(
      "title Study\ncomposer Nobody\nvoice right piano touch 100\nvoice left piano touch 80\nkey C\nmeter 4/4\ntempo "
      "4=120\n" +
      head + body);
  if (!score) return score.error();
  return perform(*score);
}

TEST(Performance, StrikesEachNoteAtItsTime) {
  const auto played = play("section A\nright | c4:4 e:2 g:4\n");
  ASSERT_TRUE(played) << played.error().message;
  ASSERT_EQ(played->strikes.size(), 3u);
  EXPECT_DOUBLE_EQ(played->strikes[1].start, 0.5);
  EXPECT_DOUBLE_EQ(played->strikes[1].end, 1.5);
  EXPECT_DOUBLE_EQ(played->length, 2.0);
}

TEST(Performance, FollowsTheForm) {
  const auto played = play("section A\nright | c4:1\nsection B\nright | d4:1\n", "form A A B A\n");
  ASSERT_TRUE(played);
  std::vector<int> pitches;
  for (const Strike& strike : played->strikes) pitches.push_back(strike.pitch);
  EXPECT_EQ(pitches, (std::vector{60, 60, 62, 60}));
  EXPECT_DOUBLE_EQ(played->length, 8.0);
}

TEST(Performance, TiedNotesAreStruckOnceAlsoAcrossSections) {
  const auto played = play("section A\nright | c4:1~\nsection B\nright | c4:2 d\n");
  ASSERT_TRUE(played);
  ASSERT_EQ(played->strikes.size(), 2u);
  EXPECT_DOUBLE_EQ(played->strikes[0].end, 3.0);
}

TEST(Performance, ATieThatLeadsNowhereIsASlipOfThePen) {
  const auto played = play("section A\nright | c4:2~ d:2\n");
  ASSERT_FALSE(played);
  EXPECT_EQ(played.error().message, "section A, voice right: a tie of key 60 leads to no note");
}

TEST(Performance, StaccatoIsShortAndVoicesHaveTheirTouch) {
  const auto played = play("section A\nright | c4:4' r d:2-\nleft | c3:4 r r:2\n");
  ASSERT_TRUE(played);
  EXPECT_DOUBLE_EQ(played->strikes[0].end, 0.25);
  EXPECT_DOUBLE_EQ(played->strikes[1].end, 0.4);
  EXPECT_DOUBLE_EQ(played->strikes[2].end, 2.0);
}

TEST(Performance, OrnamentsAreWrittenOutInTheTimeOfTheirNote) {
  const auto played = play("section A\nright | c5:4% d& e^ r\n");
  ASSERT_TRUE(played);
  std::vector<int> pitches;
  for (const Strike& strike : played->strikes) pitches.push_back(strike.pitch);
  EXPECT_EQ(pitches, (std::vector{74, 72, 74, 72, 74, 72, 74, 72, 74, 72, 74, 77, 76, 77, 76}));
  EXPECT_DOUBLE_EQ(played->strikes.back().end, 1.5);
}

TEST(Performance, GraceNotesStartOnTheBeatAndPushTheirNote) {
  const auto played = play("section A\nright | +b3 c4:1\n");
  ASSERT_TRUE(played);
  ASSERT_EQ(played->strikes.size(), 2u);
  EXPECT_EQ(played->strikes[0].pitch, 59);
  EXPECT_DOUBLE_EQ(played->strikes[0].start, 0);
  EXPECT_DOUBLE_EQ(played->strikes[1].start, played->strikes[0].end);
  EXPECT_GT(played->strikes[1].start, 0.02);
}

TEST(Performance, RolledChordsGoUpAndEndTogether) {
  const auto played = play("section A\nright | [g4 c4 e]:1/\n");
  ASSERT_TRUE(played);
  EXPECT_EQ(played->strikes[0].pitch, 60);
  EXPECT_LT(played->strikes[1].start, played->strikes[2].start);
  EXPECT_DOUBLE_EQ(played->strikes[0].end, played->strikes[2].end);
}

TEST(Performance, LoudnessGrowsWhereTheScoreSaysSo) {
  const auto played = play("section A\ndynamics p-f\nright | c4:4 c c c | c:4 c c c\n");
  ASSERT_TRUE(played);
  EXPECT_NEAR(played->strikes[0].velocity, 54, 3);
  EXPECT_NEAR(played->strikes[6].velocity, 50 + 42 * 6 / 8, 3);
}

TEST(Performance, ThePedalChangesAsOftenAsWritten) {
  const auto played = play("section A\nright | c4:1 | d:1\n", "pedal 2\n");
  ASSERT_TRUE(played);
  std::size_t down = 0;
  for (const PedalChange& change : played->pedals) down += change.down ? 1 : 0;
  EXPECT_EQ(down, 4u);
  EXPECT_FALSE(played->pedals.back().down);
}

TEST(Performance, AnEndlessPieceIsRefused) {
  const auto played = play("section A\ntempo 4=10\nright | R | R | R | R | R | R | R | R\nright | c4:1\n", [] {
    std::string form = "form";
    for (int i = 0; i < 200; ++i) form += " A";
    return form + "\n";
  }());
  ASSERT_FALSE(played);
  EXPECT_EQ(played.error().code, Errc::exhausted);
}

TEST(TempoMap, SlowsDownEvenlyInMusicalTime) {
  const TempoMap map({{0, 120, 60, kWhole}}, {});
  // Four quarters while the tempo falls from 120 to 60: 60 * 4 * ln(2) / 60 seconds.
  EXPECT_NEAR(map.seconds(kWhole), 2.7726, 1e-4);
  EXPECT_NEAR(map.seconds(2 * kWhole), 2.7726 + 4, 1e-4);
}

TEST(TempoMap, HoldsAFermataOnceForAllVoices) {
  const TempoMap map({{0, 60, 60, 0}}, {{0, kWhole / 4}, {0, kWhole / 4}});
  EXPECT_DOUBLE_EQ(map.seconds(kWhole / 4), 1.9);
  EXPECT_DOUBLE_EQ(map.seconds(kWhole / 2), 2.9);
}

}  // namespace
}  // namespace ghost::disc
