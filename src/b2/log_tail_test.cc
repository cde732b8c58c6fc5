#include "b2/log_tail.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace ghost::b2 {
namespace {

using Lines = std::vector<std::pair<LogLevel, std::string>>;

class LogTailTest : public testing::Test {
 protected:
  LogTail::OnLine note = [this](LogLevel level, std::string_view line) { lines.emplace_back(level, line); };
  Lines lines;
};

TEST_F(LogTailTest, PutsLinesTogetherHoweverTheyCome) {
  LogTail tail;
  for (const char c : std::string("one\ntwo\n\nthree")) tail.add(std::string_view(&c, 1), note);
  EXPECT_EQ(lines, (Lines{{LogLevel::info, "one"}, {LogLevel::info, "two"}, {LogLevel::info, ""}}));
  EXPECT_EQ(tail.text(), "one\ntwo\n\n");
  tail.finish(note);
  tail.finish(note);
  EXPECT_EQ(tail.text(), "one\ntwo\n\nthree\n");
}

TEST_F(LogTailTest, ReadsTheLevelAsTheJournalDoes) {
  LogTail tail;
  tail.add("<3>bad\n<4>hm\n<6>so\n<7>deep\n<9>no level\n<4\nplain\n", note);
  EXPECT_EQ(lines, (Lines{{LogLevel::error, "bad"},
                          {LogLevel::warning, "hm"},
                          {LogLevel::info, "so"},
                          {LogLevel::debug, "deep"},
                          {LogLevel::info, "<9>no level"},
                          {LogLevel::info, "<4"},
                          {LogLevel::info, "plain"}}));
}

TEST_F(LogTailTest, LetsNoEscapeThrough) {
  LogTail tail;
  tail.add("\x1b[2Jboo\r\n", note);
  EXPECT_EQ(lines.at(0).second, "\\x1b[2Jboo");
}

TEST_F(LogTailTest, CutsALineThatNeverEnds) {
  LogTail tail(100, 10);
  for (int i = 0; i < 1000; ++i) tail.add("abcdefg", note);
  EXPECT_TRUE(lines.empty());
  tail.add("\nnext\n", note);
  EXPECT_EQ(lines, (Lines{{LogLevel::info, "abcdefgabc…"}, {LogLevel::info, "next"}}));
}

TEST_F(LogTailTest, KeepsTheLastLinesOnly) {
  LogTail tail(20, 10);
  for (int i = 0; i < 100; ++i) tail.add("line " + std::to_string(i) + "\n", note);
  EXPECT_EQ(tail.text(), "line 98\nline 99\n");
  EXPECT_EQ(lines.size(), 100u);
}

}  // namespace
}  // namespace ghost::b2
