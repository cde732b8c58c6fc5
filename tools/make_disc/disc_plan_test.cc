#include "disc_plan.h"

#include <gtest/gtest.h>

#include "cue_text.h"

namespace ghost::disc {
namespace {

constexpr const char* kPlan =
    "# a comment\ncatalog 2001835220340\ntitle Für kleine Hände\nperformer Nobody\nrem GENRE Klassik\n\n"
    "track one.score\n  title 1. Satz\n  isrc XXGHL2600001\n  flags DCP\n"
    "track two.score\n  pregap 00:01:37\n  songwriter Bach\n  level -4.5\n";

TEST(DiscPlan, KnowsWhatBelongsToTheDiscAndWhatToATrack) {
  const auto plan = parse_disc_plan(kPlan);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->title, "Für kleine Hände");
  ASSERT_EQ(plan->tracks.size(), 2u);
  EXPECT_EQ(plan->tracks[0].title, "1. Satz");
  EXPECT_EQ(plan->tracks[1].title, "");
  EXPECT_EQ(plan->tracks[1].pregap, 75u + 37u);
  EXPECT_DOUBLE_EQ(plan->tracks[1].peak_dbfs, -4.5);
}

TEST(DiscPlan, SaysWhichLineIsWrong) {
  const auto refusal = [](const char* text) {
    const auto plan = parse_disc_plan(text);
    return plan ? "" : plan.error().message;
  };
  EXPECT_EQ(refusal("\ncatalog 2001835220341\n"),
            "line 2: '2001835220341' is no catalogue number (13 digits, the last one checks the others)");
  EXPECT_EQ(refusal("track a\nisrc DE12345\n"), "line 2: 'DE12345' is no ISRC (as XXGHL2600001)");
  EXPECT_EQ(refusal("track a\npregap 00:61:00\n"), "line 2: '00:61:00' is no pregap (mm:ss:ff, at most a minute)");
  EXPECT_EQ(refusal("track a\nlevel 3\n"), "line 2: '3' is no peak in dBFS (-40 to -0.1)");
  EXPECT_EQ(refusal("track ../a\n"), "line 1: '../a' is no file beside the plan");
  EXPECT_EQ(refusal("title say \"x\"\n"), "line 1: a CUE sheet cannot hold a double quote");
  EXPECT_EQ(refusal("title only\n"), "the plan has no tracks");
}

TEST(CueText, WritesTheSheetOfOneImage) {
  const auto plan = parse_disc_plan(kPlan);
  ASSERT_TRUE(plan);
  const auto cue = cue_text(*plan, {1'000, 500}, "demo.bin", CdText::yes);
  ASSERT_TRUE(cue);
  EXPECT_EQ(*cue,
            "REM GENRE Klassik\r\nCATALOG 2001835220340\r\nPERFORMER \"Nobody\"\r\nTITLE \"F\xfcr kleine H\xe4nde\"\r\n"
            "FILE \"demo.bin\" BINARY\r\n"
            "  TRACK 01 AUDIO\r\n    TITLE \"1. Satz\"\r\n    FLAGS DCP\r\n    ISRC XXGHL2600001\r\n    INDEX 01 00:00:00\r\n"
            "  TRACK 02 AUDIO\r\n    SONGWRITER \"Bach\"\r\n    INDEX 00 00:13:25\r\n    INDEX 01 00:14:62\r\n");
}

TEST(CueText, TheBareSheetKeepsTheNumbersOnly) {
  const auto cue = cue_text(*parse_disc_plan(kPlan), {1'000, 500}, "demo.bin", CdText::no);
  ASSERT_TRUE(cue);
  EXPECT_EQ(cue->find("TITLE"), std::string::npos);
  EXPECT_EQ(cue->find("REM"), std::string::npos);
  EXPECT_NE(cue->find("ISRC XXGHL2600001"), std::string::npos);
}

TEST(CueText, RefusesWhatIso88591Lacks) {
  const auto plan = parse_disc_plan("title Dvo\xc5\x99\xc3\xa1k\ntrack a\n");
  ASSERT_TRUE(plan);
  const auto cue = cue_text(*plan, {1}, "demo.bin", CdText::yes);
  ASSERT_FALSE(cue);
  EXPECT_EQ(cue.error().message, "'ř' has no place in ISO-8859-1, which CD-TEXT is in");
}

}  // namespace
}  // namespace ghost::disc
