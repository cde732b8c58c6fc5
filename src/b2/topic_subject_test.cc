#include "b2/topic_subject.h"

#include <gtest/gtest.h>

#include <string>

namespace ghost::b2 {
namespace {

TEST(TopicSubject, TakesTokensBetweenDots) {
  for (const char* subject : {"a", "archive.disc.42", "Zürich.größe", "a-b_c.d/e", "$x.y"}) {
    EXPECT_TRUE(check_subject(subject)) << subject;
    EXPECT_TRUE(check_pattern(subject)) << subject;
  }
  EXPECT_TRUE(check_subject(std::string(255, 'a')));
  EXPECT_FALSE(check_subject(std::string(256, 'a')));
}

TEST(TopicSubject, RefusesWhatCouldBeReadTwoWays) {
  for (const char* subject : {"", ".", ".a", "a.", "a..b", "a b", "a\tb", "a\nb", "\x7f", "\xff", "a\xc3", "\xed\xa0", "a*", "*a.b", "a.>b", ">>", "**"}) {
    EXPECT_FALSE(check_subject(subject)) << subject;
    EXPECT_FALSE(check_pattern(subject)) << subject;
  }
  EXPECT_FALSE(check_subject(std::string_view("a\0b", 3)));
}

TEST(TopicSubject, TakesWildcardsInPatternsOnly) {
  for (const char* pattern : {"*", ">", "a.*", "*.b", "a.>", "*.*.>", "a.*.c"}) {
    EXPECT_TRUE(check_pattern(pattern)) << pattern;
    EXPECT_FALSE(check_subject(pattern)) << pattern;
  }
  const Status early = check_pattern("a.>.b");
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().message, "the subject 'a.>.b' has '>' before its end: it stands for all that follows");
}

TEST(TopicSubject, MatchesAsNatsDoes) {
  struct Row {
    const char *pattern, *subject;
    bool match;
  };
  for (const Row& row : {Row{"a.b", "a.b", true}, Row{"a.b", "a.c", false}, Row{"a.b", "a", false}, Row{"a", "a.b", false}, Row{"*", "a", true}, Row{"*", "a.b", false},
                         Row{"a.*", "a.b", true}, Row{"a.*", "a", false}, Row{"a.*", "a.b.c", false}, Row{"*.b", "a.b", true}, Row{"a.*.c", "a.b.c", true},
                         Row{"a.*.c", "a.b.d", false}, Row{">", "a", true}, Row{">", "a.b.c", true}, Row{"a.>", "a.b", true}, Row{"a.>", "a.b.c", true},
                         Row{"a.>", "a", false}, Row{"a.>", "b.c", false}, Row{"*.*", "a.b", true}, Row{"ab", "a", false}}) {
    EXPECT_EQ(matches(row.pattern, row.subject), row.match) << row.pattern << " " << row.subject;
  }
}

TEST(TopicSubject, KnowsWhichPatternLiesWithinAnother) {
  EXPECT_TRUE(covers("a.>", "a.*"));
  EXPECT_TRUE(covers("a.>", "a.>"));
  EXPECT_TRUE(covers("a.>", "a.b.>"));
  EXPECT_TRUE(covers("a.*", "a.*"));
  EXPECT_TRUE(covers("*.b", "a.b"));
  EXPECT_FALSE(covers("a.*", "a.>"));
  EXPECT_FALSE(covers("a.>", ">"));
  EXPECT_FALSE(covers("a.>", "*.b"));
  EXPECT_FALSE(covers("a.b", "a.*"));
  EXPECT_FALSE(covers("a.*", "*.a"));
}

}  // namespace
}  // namespace ghost::b2
