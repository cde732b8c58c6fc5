#include "ariascribe/catalogue_number.h"

#include <gtest/gtest.h>

#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {
namespace {

std::string numbers_in(std::string_view text) {
  std::string all;
  for (const CatalogueMention& each : find_catalogue_numbers(tokenise(normalised(text)))) all += (all.empty() ? "" : " ") + each.number.text();
  return all;
}

struct Row {
  std::string_view text, numbers;
};

class CatalogueNumbers : public testing::TestWithParam<Row> {};

TEST_P(CatalogueNumbers, AreReadFromText) { EXPECT_EQ(numbers_in(GetParam().text), GetParam().numbers) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(Opus, CatalogueNumbers,
                         testing::Values(Row{"Op. 27 No. 2", "op:27/2"}, Row{"op.27/2", "op:27/2"}, Row{"Opus 27, Nr. 2", "op:27/2"}, Row{"Op.27 #2", "op:27/2"},
                                         Row{"OP. 27 NO. 2", "op:27/2"}, Row{"оп. 27 № 2", "op:27/2"}, Row{"соч. 23", "op:23"}, Row{"Op. 81a", "op:81a"},
                                         Row{"Op. 3, Nos. 1-5", "op:3"}, Row{"Opp. 4", "op:4"}, Row{"WoO 59", "woo:59"}, Row{"WoO. 80", "woo:80"},
                                         Row{"Op. posth.", ""}, Row{"Op. 28: No. 4", "op:28"}, Row{"op. 0", ""}, Row{"Op. 35b", "op:35b"}));
INSTANTIATE_TEST_SUITE_P(Koechel, CatalogueNumbers,
                         testing::Values(Row{"K. 331 (300i)", "k:331"}, Row{"K 331/300i", "k:331"}, Row{"KV 467", "k:467"}, Row{"K.V. 467", "k:467"}, Row{"KV. 265 (K6 300e)", "k:265"},
                                         Row{"K545", "k:545"}, Row{"KV Anh. 229", "k-anh:229"}, Row{"Kk. 27", "k:27"}, Row{"Köchel 525", "k:525"}, Row{"k 5", ""}));
INSTANTIATE_TEST_SUITE_P(Others, CatalogueNumbers,
                         testing::Values(Row{"BWV 846", "bwv:846"}, Row{"BWV846", "bwv:846"}, Row{"BWV Anh. 114", "bwv-anh:114"}, Row{"BWV 846a", "bwv:846a"}, Row{"Hob. XVI:50", "hob:xvi:50"},
                                         Row{"Hob. XVI/50", "hob:xvi:50"}, Row{"Hob.VIIb:1", "hob:viib:1"}, Row{"Hob. XV:G1", "hob:xv:g1"}, Row{"RV 180", "rv:180"}, Row{"RV. 93", "rv:93"},
                                         Row{"HWV 56", "hwv:56"}, Row{"D. 960", "d:960"}, Row{"D 899/3", "d:899/3"}, Row{"in D, 279", ""}, Row{"in D 279", ""}, Row{"D960", "d:960"}, Row{"S. 178", "s:178"},
                                         Row{"TWV 40:203", "twv:40:203"}, Row{"TWV 51:D7", "twv:51:d7"}, Row{"Wq. 183/1", "wq:183/1"}, Row{"BuxWV 137", "buxwv:137"}, Row{"WAB 107", "wab:107"},
                                         Row{"the 5th symphony", ""}, Row{"RT V/16", "rt:v:16"}, Row{"L. 123", "l:123"}, Row{"M. 43, L. 7", "m:43 l:7"}, Row{"Sz. 106, BB 114", "sz:106 bb:114"}));

TEST(CatalogueNumber, SaysWhetherItsCodeIsEnough) {
  const auto two = find_catalogue_numbers(tokenise("BWV 988, S. 178"));
  ASSERT_EQ(two.size(), 2u);
  EXPECT_TRUE(two[0].certain);
  EXPECT_FALSE(two[1].certain);
}

TEST(CatalogueNumber, IsPrintedAsProgrammesDo) {
  for (const auto& [text, shown] : std::vector<std::pair<std::string, std::string>>{{"op:27/2", "Op. 27 No. 2"}, {"k:467", "K. 467"}, {"hob:xvi:50", "Hob. XVI:50"}, {"hob:viib:1", "Hob. VIIb:1"},
                                                                                     {"bwv-anh:114", "BWV Anh. 114"}, {"twv:51:d7", "TWV 51:D7"}, {"woo:59", "WoO 59"}}) {
    const auto number = parse_catalogue_number(text);
    ASSERT_TRUE(number) << text;
    EXPECT_EQ(display(*number), shown);
    EXPECT_EQ(numbers_in(shown), text);
  }
}

TEST(CatalogueNumber, ThatIsMalformedSaysWhy) {
  for (const std::string_view text : {"op27", "xyz:3", "op:", "op:/2", "op:a", "k:4 6"}) {
    const auto number = parse_catalogue_number(text);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error().code, Errc::malformed);
    EXPECT_NE(number.error().message.find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace ghost::ariascribe
