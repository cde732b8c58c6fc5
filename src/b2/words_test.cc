#include "b2/words.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

TEST(Words, CodeSixteenBitsEachBothWays) {
  EXPECT_EQ(words_of(from_hex("7f000001").value()), "lusab-babad");
  EXPECT_EQ(words_of(from_hex("3f54dcc1").value()), "gutih-tugad");
  EXPECT_EQ(words_of({}), "");
  for (unsigned value = 0; value < 65536; ++value)
    ASSERT_EQ(value_of_word(word_of(static_cast<std::uint16_t>(value))), static_cast<std::uint16_t>(value));
}

TEST(Words, TakeCapitalsAndNothingElse) {
  EXPECT_EQ(value_of_word("LuSaB"), 0x7f00);
  for (std::string_view bad : {"", "lusa", "lusabb", "lvsab", "lusac", "lusae", "lus b", "l\xc3\xbcsb"})
    EXPECT_EQ(value_of_word(bad), std::nullopt) << bad;
}

}  // namespace ghost::b2
