#include "base/bytes.h"

#include <gtest/gtest.h>

namespace ghost {

TEST(ByteReader, ReadsWhatTheWriterWrote) {
  Bytes out;
  ByteWriter(out).u8(1).u16(0x0203).u24(0x040506).u32(0x0708090a).u64(0x0b0c0d0e0f101112).bytes(as_bytes("end"));
  EXPECT_EQ(to_hex(out), "010302060504" "0a090807" "1211100f0e0d0c0b" "656e64");

  ByteReader in(out);
  EXPECT_EQ(in.u8(), 1);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u24(), 0x040506u);
  EXPECT_EQ(in.u32(), 0x0708090au);
  EXPECT_EQ(in.u64(), 0x0b0c0d0e0f101112u);
  EXPECT_EQ(as_text(in.rest()), "end");
  EXPECT_TRUE(in.ok());
}

TEST(ByteReader, NeverReadsPastTheEndAndRemembersThatItTried) {
  const Bytes three = {1, 2, 3};
  ByteReader in(three);
  EXPECT_EQ(in.u32(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);  // nothing is left after a read that did not fit
  EXPECT_TRUE(in.take(1).empty());
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, FillsAnArrayOrLeavesItAsItIs) {
  const Bytes three = {1, 2, 3};
  ByteReader in(three);
  std::array<std::uint8_t, 2> two{};
  in.fill(two);
  EXPECT_EQ(two, (std::array<std::uint8_t, 2>{1, 2}));
  EXPECT_TRUE(in.ok());
  in.fill(two);
  EXPECT_EQ(two, (std::array<std::uint8_t, 2>{1, 2}));
  EXPECT_FALSE(in.ok());
}

TEST(Hex, RefusesWhatIsNoHex) {
  EXPECT_EQ(from_hex("0a FF\n10").value(), (Bytes{10, 255, 16}));
  EXPECT_EQ(from_hex("0g").error().message, "'g' is no hexadecimal digit");
  EXPECT_EQ(from_hex("abc").error().code, Errc::malformed);
}

}  // namespace ghost
