#include "net/address.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include "net/sockaddr.h"

namespace ghost::net {

namespace {

Address parsed(std::string_view text, std::uint16_t default_port = 0) {
  auto address = Address::parse(text, default_port);
  EXPECT_TRUE(address) << text << ": " << address.error().message;
  return address ? *address : Address();
}

Error refusal(std::string_view text, std::uint16_t default_port = 0) {
  auto address = Address::parse(text, default_port);
  EXPECT_FALSE(address) << text << " was taken as " << address->text();
  return address ? Error{Errc::unknown, ""} : address.error();
}

}  // namespace

TEST(Address, ReadsAndWritesEveryForm) {
  for (const char* text : {"127.0.0.1:2203", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:2203", "[::]:1",
                           "[2001:db8::7]:443", "[ff02::2203]:2203", "unix:/run/b2/b2.sock", "unix:relative"}) {
    EXPECT_EQ(parsed(text).text(), text);
  }
}

TEST(Address, KeepsWhatItWasGiven) {
  const Address ip4 = parsed("10.1.2.3:80");
  EXPECT_EQ(ip4, Address::ip4({10, 1, 2, 3}, 80));
  EXPECT_EQ(ip4.host(), "10.1.2.3");
  EXPECT_EQ(parsed("[::1]:9").host(), "::1");
  EXPECT_EQ(parsed("unix:/a").path(), "/a");
  EXPECT_EQ(parsed("localhost:7"), Address::loopback(7));
}

TEST(Address, TakesTheDefaultPortWhereNoneStands) {
  EXPECT_EQ(parsed("127.0.0.1", 2203), Address::loopback(2203));
  EXPECT_EQ(parsed("127.0.0.1:5", 2203), Address::loopback(5));
  EXPECT_EQ(parsed("[::1]", 2203).port(), 2203);
  EXPECT_EQ(parsed("localhost", 2203).port(), 2203);
  EXPECT_EQ(refusal("127.0.0.1").code, Errc::malformed);
  EXPECT_EQ(parsed("unix:/a", 2203).port(), 0);
}

TEST(Address, FindsAScopeByNameAndByNumber) {
  const unsigned loopback = if_nametoindex("lo");
  ASSERT_NE(loopback, 0u);
  EXPECT_EQ(parsed("[fe80::1%lo]:1").scope(), loopback);
  EXPECT_EQ(parsed("[fe80::1%" + std::to_string(loopback) + "]:1").text(), "[fe80::1%lo]:1");
  EXPECT_EQ(parsed("[fe80::1%4000000000]:1").text(), "[fe80::1%4000000000]:1");
  const Error error = refusal("[fe80::1%nosuch0]:1");
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_NE(error.message.find("nosuch0"), std::string::npos) << error.message;
}

TEST(Address, RefusesWhatIsNoAddressAndSaysWhy) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "[",
                           "[]",
                           "[]:80",
                           "[::1",
                           "[::1]80",
                           "[::1]:",
                           "[::1%]:1",
                           "::1",
                           "::1:80",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 1",
                           "127.0.0.1:1 ",
                           "127.0.0.1:0x1",
                           "127.1:80",
                           "256.0.0.1:80",
                           "1.2.3.4.5:80",
                           "example.org:80",
                           "[127.0.0.1]:80",
                           "unix:",
                           "[::1]:1:2"}) {
    const Error error = refusal(text);
    EXPECT_EQ(error.code, Errc::malformed) << text;
    EXPECT_NE(error.message.find(text), std::string::npos) << error.message;
  }
}

TEST(Address, BoundsLongTextAndHidesControlCharactersInItsMessage) {
  const Error error = refusal(std::string(100'000, 'a'));
  EXPECT_EQ(error.code, Errc::malformed);
  EXPECT_LT(error.message.size(), 400u);
  EXPECT_EQ(refusal("\x1b[2J:80").message.find('\x1b'), std::string::npos);
  EXPECT_EQ(refusal("unix:" + std::string(108, 'p')).code, Errc::malformed);
  EXPECT_EQ(parsed("unix:" + std::string(107, 'p')).path().size(), 107u);
  EXPECT_EQ(refusal(std::string_view("unix:a\0b", 8)).code, Errc::malformed);
}

TEST(Address, KnowsLoopbackAnyAndMulticast) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.2]:1", "unix:/a"}) {
    EXPECT_TRUE(parsed(text).is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1:1", "[::2]:1", "[::ffff:10.0.0.1]:1", "0.0.0.0:1", "[::]:1"}) {
    EXPECT_FALSE(parsed(text).is_loopback()) << text;
  }
  EXPECT_TRUE(parsed("0.0.0.0:1").is_any());
  EXPECT_TRUE(parsed("[::]:1").is_any());
  EXPECT_FALSE(parsed("unix:/a").is_any());
  EXPECT_TRUE(parsed("224.0.0.1:1").is_multicast());
  EXPECT_TRUE(parsed("239.255.22.3:1").is_multicast());
  EXPECT_TRUE(parsed("[ff02::1]:1").is_multicast());
  EXPECT_FALSE(parsed("223.0.0.1:1").is_multicast());
  EXPECT_FALSE(parsed("240.0.0.1:1").is_multicast());
}

TEST(Address, ChangesThePortOfAnIpAddressOnly) {
  EXPECT_EQ(parsed("10.0.0.1:1").with_port(2), Address::ip4({10, 0, 0, 1}, 2));
  EXPECT_EQ(parsed("unix:/a").with_port(2), Address::unix_path("/a"));
}

TEST(Address, SurvivesTheWayThroughTheKernelsForm) {
  for (const char* text : {"10.1.2.3:80", "[fe80::1%lo]:2203", "unix:/run/b2/b2.sock"}) {
    EXPECT_EQ(SocketAddress(parsed(text)).address(), parsed(text));
  }
  EXPECT_EQ(SocketAddress(Address()).address(), Address());
  const std::string longest(107, 'p');
  EXPECT_EQ(SocketAddress(Address::unix_path(longest)).address().path(), longest);
  EXPECT_TRUE(check_usable(Address::unix_path(longest)));
  EXPECT_FALSE(check_usable(Address::unix_path(longest + "p")));
  EXPECT_FALSE(check_usable(Address::unix_path("")));
  EXPECT_FALSE(check_usable(Address()));
}

TEST(Address, KnowsTheLinkLocalOnesAndTheirScope) {
  EXPECT_TRUE(parsed("[fe80::1%1]:1834").is_link_local());
  EXPECT_TRUE(parsed("[febf::1]:1834").is_link_local());
  EXPECT_FALSE(parsed("[fec0::1]:1834").is_link_local());
  EXPECT_FALSE(parsed("254.128.0.1:1834").is_link_local());
  EXPECT_EQ(parsed("[fe80::1%1]:1834").with_scope(0).text(), "[fe80::1]:1834");
  EXPECT_EQ(parsed("[fe80::1]:1834").with_scope(7).scope(), 7u);
  EXPECT_EQ(parsed("10.0.0.1:1834").with_scope(7), parsed("10.0.0.1:1834"));
}

}  // namespace ghost::net
