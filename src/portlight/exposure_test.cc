#include "portlight/exposure.h"

#include <gtest/gtest.h>

namespace ghost::portlight {
namespace {

Socket at(std::array<std::uint8_t, 16> ip, std::uint16_t port) {
  Socket socket;
  socket.ip = ip;
  socket.port = port;
  return socket;
}

TEST(Exposure, FollowsTheAddress) {
  EXPECT_EQ(exposure_of(at({127, 0, 0, 2}, 80), {}), Exposure::loopback);
  EXPECT_EQ(exposure_of(at({10, 0, 0, 7}, 80), {}), Exposure::lan);
  EXPECT_EQ(exposure_of(at({0, 0, 0, 0}, 80), {}), Exposure::any);
}

constexpr std::string_view kDropping = R"({"nftables": [{"metainfo": {}},
  {"chain": {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
  {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [
     {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}]}},
  {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [
     {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "lo"}}, {"accept": null}]}},
  {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [
     {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [22, {"range": [1115, 1117]}]}}}, {"accept": null}]}}]})";

TEST(Exposure, IsBlockedWhereTheFilterDropsAndNoRuleLetsIn) {
  const auto firewall = parse_nft(kDropping);
  ASSERT_TRUE(firewall) << firewall.error().message;
  EXPECT_TRUE(firewall->drops_input);
  EXPECT_EQ(exposure_of(at({}, 80), *firewall), Exposure::blocked);
  EXPECT_EQ(exposure_of(at({}, 22), *firewall), Exposure::any);
  EXPECT_EQ(exposure_of(at({}, 1116), *firewall), Exposure::any);
  EXPECT_EQ(exposure_of(at({127, 0, 0, 1}, 80), *firewall), Exposure::loopback);
}

TEST(Exposure, IsNeverCalledBlockedWhereARuleIsNotUnderstood) {
  std::string rules(kDropping);
  rules.insert(rules.rfind("]}"), R"(, {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [
     {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "10.0.0.0/8"}}, {"accept": null}]}})");
  const auto firewall = parse_nft(rules);
  ASSERT_TRUE(firewall) << firewall.error().message;
  EXPECT_EQ(exposure_of(at({}, 80), *firewall), Exposure::any);
}

TEST(Exposure, IsPublishedThroughATranslation) {
  const auto firewall = parse_nft(R"({"nftables": [{"rule": {"family": "ip", "table": "nat", "chain": "prerouting", "expr": [
    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 8080}}, {"dnat": {"addr": "127.0.0.1", "port": 80}}]}}]})");
  ASSERT_TRUE(firewall) << firewall.error().message;
  EXPECT_EQ(exposure_of(at({127, 0, 0, 1}, 80), *firewall), Exposure::published);
  EXPECT_EQ(exposure_of(at({127, 0, 0, 1}, 8080), *firewall), Exposure::loopback);
}

TEST(Exposure, RefusesWhatIsNoRuleset) {
  for (const std::string_view text : {"", "[]", "{}", "nft: command not found", R"({"nftables": 3})"}) EXPECT_FALSE(parse_nft(text)) << text;
  EXPECT_TRUE(parse_nft(R"({"nftables": [1, null, {"rule": 2}, {"rule": {"expr": [{"match": 3}, {"dnat": null}]}}, {"chain": []}]})"));
}

}  // namespace
}  // namespace ghost::portlight
