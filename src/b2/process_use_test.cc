#include "b2/process_use.h"

#include <gtest/gtest.h>

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kStat =
    "4242 (ariascribe) S 1 4242 4242 0 -1 4194560 1234 0 0 0 150 50 0 0 20 0 4 0 123456 99999744 2560 18446744073709551615 1 1 0\n";

TEST(ProcessUse, ReadsTimeAndMemory) {
  const auto use = parse_process_use(kStat, 100, 4096);
  ASSERT_TRUE(use);
  EXPECT_EQ(use->cpu, 2s);
  EXPECT_EQ(use->resident_bytes, 2560u * 4096u);
}

TEST(ProcessUse, IsNotLedAstrayByAProgramsName) {
  std::string stat(kStat);
  stat.replace(stat.find("(ariascribe)"), 12, "(x) R 1 1 (1)");
  EXPECT_EQ(parse_process_use(stat, 100, 4096), parse_process_use(kStat, 100, 4096));
}

TEST(ProcessUse, TakesNothingFromATextThatIsCutOffOrNoNumber) {
  for (std::size_t length = 0; length <= kStat.find("2560"); ++length) {
    EXPECT_FALSE(parse_process_use(kStat.substr(0, length), 100, 4096)) << length;
  }
  EXPECT_FALSE(parse_process_use("1 (x) S 1 1 1 1 1 1 1 1 1 1 one 2 3 4 5 6 7 8 9 10 11 12", 100, 4096));
  EXPECT_FALSE(parse_process_use(kStat, 0, 4096));
}

}  // namespace
}  // namespace ghost::b2
