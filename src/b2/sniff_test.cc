#include "b2/sniff.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

TEST(Sniff, TellsProtocolsApartByTheirFirstBytes) {
  EXPECT_EQ(sniff(as_bytes("b2\r\n")), Protocol::b2);
  EXPECT_EQ(sniff(as_bytes("\x16\x03\x01")), Protocol::tls);
  EXPECT_EQ(sniff(as_bytes("GET / HTTP/1.1")), Protocol::http);
  EXPECT_EQ(sniff(as_bytes("OPTIONS ")), Protocol::http);
  EXPECT_EQ(sniff(as_bytes("SSH-2.0")), Protocol::none);
  EXPECT_EQ(sniff(as_bytes("get /")), Protocol::none);
}

TEST(Sniff, WaitsWhileItCannotTell) {
  for (const std::string_view start : {"", "b", "b2", "b2\r", "P", "PO", "POST", "GET"}) EXPECT_EQ(sniff(as_bytes(start)), Protocol::undecided) << start;
  EXPECT_EQ(sniff(as_bytes("b2\n")), Protocol::none);
}

}  // namespace ghost::b2
