#include "base/units.h"

#include <gtest/gtest.h>

namespace ghost {

using namespace std::chrono_literals;

TEST(Duration, IsReadWithItsUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("90").value(), 90s);
  EXPECT_EQ(parse_duration("1.5 h").value(), 90min);
  EXPECT_EQ(parse_duration("5m").value(), 5min);
  EXPECT_EQ(parse_duration("30d").value(), 720h);
  EXPECT_EQ(parse_duration("0").value(), 0s);
}

TEST(Duration, IsRefusedWhenItIsNone) {
  for (std::string_view bad : {"", "s", "-5s", "5 parsecs", "1e3s", "inf", "nan", "0x10", "5s ", " 5s", "99999999999999999999d", "1..5s"})
    EXPECT_EQ(parse_duration(bad).error().code, Errc::malformed) << bad;
}

TEST(Duration, IsShownAsPeopleSayIt) {
  EXPECT_EQ(format_duration(12us), "12 µs");
  EXPECT_EQ(format_duration(250ms), "250 ms");
  EXPECT_EQ(format_duration(4200ms), "4.2 s");
  EXPECT_EQ(format_duration(59960ms), "1 min");
  EXPECT_EQ(format_duration(125s), "2 min 5 s");
  EXPECT_EQ(format_duration(200min), "3 h 20 min");
  EXPECT_EQ(format_duration(292h), "12 d 4 h");
}

TEST(Duration, WrittenExactlyIsReadBackTheSame) {
  for (Duration d : {Duration(0), Duration(1), Duration(1500us), Duration(250ms), Duration(90s), Duration(24h), Duration(36h)})
    EXPECT_EQ(parse_duration(exact_duration(d)).value(), d);
  EXPECT_EQ(exact_duration(36h), "36h");
}

TEST(Size, IsReadWithItsUnit) {
  EXPECT_EQ(parse_size("65536").value(), 65536u);
  EXPECT_EQ(parse_size("64KiB").value(), 65536u);
  EXPECT_EQ(parse_size("4 MiB").value(), 4u << 20);
  EXPECT_EQ(parse_size("1.5G").value(), 3ull << 29);
  EXPECT_EQ(parse_size("10MB").value(), 10'000'000u);
  for (std::string_view bad : {"", "-1", "ten", "4 QiB", "99999999TiB", "0x10", "4kib"})
    EXPECT_EQ(parse_size(bad).error().code, Errc::malformed) << bad;
}

TEST(Size, IsShownAsPeopleSayIt) {
  EXPECT_EQ(format_size(512), "512 B");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(1048575), "1.0 MiB");
  EXPECT_EQ(format_size(10ull << 30), "10.0 GiB");
  EXPECT_EQ(format_size(~0ull), "16.0 EiB");
}

TEST(Time, IsShownInUtc) { EXPECT_EQ(format_time(WallTime(std::chrono::seconds(1700000000))), "2023-11-14 22:13 UTC"); }

TEST(Units, ARateIsInDecimalBitsPerSecond) {
  EXPECT_EQ(parse_bit_rate("200M").value(), 200'000'000u);
  EXPECT_EQ(parse_bit_rate("1G").value(), 1'000'000'000u);
  EXPECT_EQ(parse_bit_rate("2.5 Mbit/s").value(), 2'500'000u);
  EXPECT_EQ(parse_bit_rate("9600").value(), 9600u);
  for (const char* wrong : {"", "0", "max", "-1M", "10MB"}) EXPECT_FALSE(parse_bit_rate(wrong)) << wrong;
}

}  // namespace ghost
