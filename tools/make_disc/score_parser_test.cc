#include "score_parser.h"

#include <gtest/gtest.h>

namespace ghost::disc {
namespace {

const std::string kHead =
    "title Study\ncomposer Nobody\nvoice right piano\nvoice left cello volume 80 pan 30\nkey C\nmeter 4/4\ntempo 4=120\n";

std::string refusal(const std::string& text) {
  const auto score = parse_score(text);
  return score ? "" : score.error().message;
}

TEST(ScoreParser, PutsBarsOfAllVoicesBehindOneAnother) {
  const auto score = parse_score(kHead + "section A\nright | c5:1 | d:1\nleft | c3:2 g | =\nright | e5:1\n");
  ASSERT_TRUE(score) << score.error().message;
  ASSERT_EQ(score->sections.size(), 1u);
  EXPECT_EQ(score->sections[0].length, 3 * kWhole);
  EXPECT_EQ(score->sections[0].bars, (std::vector<Tick>{0, kWhole, 2 * kWhole}));
  EXPECT_EQ(score->sections[0].notes[1][3].start, kWhole + kWhole / 2);
  EXPECT_EQ(score->sections[0].notes[0][2].start, 2 * kWhole);
  EXPECT_EQ(score->voices[1].program, 42);
  EXPECT_EQ(score->form, (std::vector<std::size_t>{0}));
}

TEST(ScoreParser, NamesTheBarThatDoesNotFillItsMeter) {
  EXPECT_EQ(refusal(kHead + "section A\nright | c4:1 | c4:2 d:4. | e:1\n"), "line 9: voice right, bar 2: 7/8 instead of 1/1");
}

TEST(ScoreParser, SaysWhereVoicesDisagree) {
  EXPECT_EQ(refusal(kHead + "section A\nright | c4:1 | d:1\nleft | c3:1\n"), "line 10: voice left has 1 bars where the others have 2");
}

TEST(ScoreParser, SaysWhatALineCannotBe) {
  EXPECT_EQ(refusal(kHead + "section A\nmiddle | c4:1\n"), "line 9: there is no voice middle");
  EXPECT_EQ(refusal("right | c4:1\n"), "line 1: there is no voice right");
  EXPECT_EQ(refusal("voice x kazoo\n"), "line 1: 'kazoo' is no instrument known here; give its General MIDI number as gm:0 to gm:127");
  EXPECT_EQ(refusal("meter 4/5\n"), "line 1: '4/5' is no meter; as in 3/4");
  EXPECT_EQ(refusal("tempo fast\n"), "line 1: 'fast' is no tempo; as in 4=120, 8.=72 or, slowing down, 4=120-96");
  EXPECT_EQ(refusal("key H\n"), "line 1: 'H' is no key; C, Bb, F# are major, a, c#, bb minor");
  EXPECT_NE(refusal("chorus\n").find("line 1: 'chorus' is neither"), std::string::npos);
  EXPECT_EQ(refusal(kHead + "section A\nright | =\n"), "line 9: voice right, bar 1: '=' repeats the bar before, and there is none");
}

TEST(ScoreParser, WantsAFormOfSectionsThatAreThereAndAllOfThem) {
  EXPECT_EQ(refusal(kHead + "form A C\nsection A\nright | c4:1\n"), "at the end: the form of line 8 names section C, which is not there");
  EXPECT_EQ(refusal(kHead + "form A\nsection A\nright | c4:1\nsection B\nright | c4:1\n"), "at the end: section B is not in the form");
  EXPECT_EQ(refusal(kHead), "at the end: the score has no notes");
}

TEST(ScoreParser, AChangeThatTakesTimeLastsAsLongAsTheLinesAfterIt) {
  const auto score = parse_score(kHead + "section A\ntempo 4=120-60\ndynamics p-f\nright | c4:1 | d:1\nright | e4:1\n");
  ASSERT_TRUE(score) << score.error().message;
  ASSERT_EQ(score->sections[0].tempos.size(), 2u);
  EXPECT_EQ(score->sections[0].tempos[1].over, 2 * kWhole);
  EXPECT_EQ(score->sections[0].dynamics[1].over, 2 * kWhole);
}

TEST(ScoreParser, EverySectionStartsAsTheHeadSays) {
  const auto score = parse_score(
      kHead + "dynamics p\nform A B\nsection A\ndynamics ff\ntempo 4=60\nright | c4:1\nsection B\nright | c4:1\n");
  ASSERT_TRUE(score) << score.error().message;
  EXPECT_EQ(score->sections[1].dynamics[0].to, 50);
  EXPECT_EQ(score->sections[1].tempos[0].to, 120);
}

TEST(ScoreParser, RefusesWhatNoOneWrites) {
  EXPECT_EQ(parse_score(std::string(2'000'000, '\n')).error().code, Errc::exhausted);
  std::string many = kHead + "section A\n";
  for (int i = 0; i < 60; ++i) many += "right | {{c4:64}*16}*2 r:2 | {{c4:64}*16}*2 r:2 | {{c4:64}*16}*2 r:2 | {{c4:64}*16}*2 r:2 |\n";
  EXPECT_TRUE(parse_score(many));
  std::string bar = "| {{c4:64}*16}*4 ";
  many = kHead + "section A\nright ";
  for (int i = 0; i < 900; ++i) many += bar;
  EXPECT_EQ(parse_score(many).error().code, Errc::exhausted);
}

}  // namespace
}  // namespace ghost::disc
