#include "base/text.h"

#include <gtest/gtest.h>

namespace ghost {

TEST(Printable, LeavesTheWritingsOfTheWorldAsTheyAre) {
  for (std::string_view text : {"plain", "Dvořák", "чайковский", "武満徹", "🎻", "e\u0301"}) EXPECT_EQ(printable(text), text);
}

TEST(Printable, ShowsWhatWouldMoveTheCursorOrForgeALine) {
  EXPECT_EQ(printable("a\nb\tc\r"), "a\\nb\\tc\\r");
  EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(printable("\u009b2J"), "\\u{009b}2J");          // the C1 form of the escape
  EXPECT_EQ(printable("abc\u202edcba"), "abc\\u{202e}dcba");  // right-to-left override
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Printable, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                // an overlong '/'
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");      // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");                  // Latin-1
}

TEST(Quoted, OnlyWhenNeeded) {
  EXPECT_EQ(quoted_when_needed("9"), "9");
  EXPECT_EQ(quoted_when_needed("[::1]:2203"), "[::1]:2203");
  EXPECT_EQ(quoted_when_needed(""), "\"\"");
  EXPECT_EQ(quoted_when_needed("two words"), "\"two words\"");
  EXPECT_EQ(quoted_when_needed("a=b"), "\"a=b\"");
  EXPECT_EQ(quoted_when_needed("say \"hi\"\n"), "\"say \\\"hi\\\"\\n\"");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("Dvořák"), 6u);
  EXPECT_EQ(display_width("武満徹"), 6u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width(""), 0u);
}

TEST(CutToWidth, MarksWhatIsMissingAndNeverSplitsACharacter) {
  EXPECT_EQ(cut_to_width("Dvořák", 6), "Dvořák");
  EXPECT_EQ(cut_to_width("Dvořák", 5), "Dvoř…");
  EXPECT_EQ(cut_to_width("武満徹", 4), "武…");
  EXPECT_EQ(cut_to_width("abc", 1), "…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

TEST(Nearest, FindsTheWordMeantAndLeavesStrangersAlone) {
  const std::vector<std::string> verbs = {"serve", "send", "status", "start"};
  EXPECT_EQ(nearest("srever", verbs), "serve");
  EXPECT_EQ(nearest("sned", verbs), "send");
  EXPECT_EQ(nearest("statsu", verbs), "status");
  EXPECT_EQ(nearest("qq", verbs), std::nullopt);
  EXPECT_EQ(nearest("", verbs), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000, 's'), verbs), std::nullopt);
}

}  // namespace ghost
