#include "net/resolve.h"

#include <gtest/gtest.h>

namespace ghost::net {

TEST(Resolve, TakesWhatAddressesAreWrittenAs) {
  EXPECT_EQ(resolve("127.0.0.1:2203").value(), Address::loopback(2203));
  EXPECT_EQ(resolve("unix:/run/x").value(), Address::unix_path("/run/x"));
  EXPECT_EQ(resolve("127.0.0.1", 7).value(), Address::loopback(7));
}

TEST(Resolve, AsksNobodyAboutWhatIsNoName) {
  for (const std::string_view text : {"a b:1", "12:34:56", "host:port", "host:99999", "host", "../x:1", ":1", ""}) {
    const auto refused = resolve(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::malformed) << text << ": " << refused.error().message;
  }
}

}  // namespace ghost::net
