#include "b2/rights.h"

#include <gtest/gtest.h>

#include "b2/endpoint.h"
#include "b2/refusal_log.h"
#include "b2/test_service.h"
#include "b2/topic_rights.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

constexpr char kStudio[] = "lusab-babad-gutih-tugad";

Result<Rights> rights_of(std::string_view toml) {
  const std::vector<ConfigKey> keys = {{"rights", ConfigType::tables}};
  const auto config = Config::from_toml(keys, toml, "ghostlight.toml");
  if (!config) return config.error();
  return Rights::read(config->tables("rights"));
}

std::string needs_of(std::string_view toml, std::string_view schema, std::string_view method = "Send") {
  return rights_of(toml).value().needs("ardus.v1.Node", method, schema);
}

Identity member_with(Roles roles) {
  Identity who;
  who.kind = Identity::Kind::member;
  who.roles = roles;
  who.name = "studio";
  return who;
}

}  // namespace

TEST(Rights, NarrowWhatTheSchemaSays) {
  const std::string row = "[[rights]]\nmatch = \"ardus.v1.Node/*\"\nallow = [\"role:send\", \"node:" + std::string(kStudio) + "\"]\n";
  EXPECT_EQ(needs_of(row, ""), "send | node:" + std::string(kStudio));
  EXPECT_EQ(needs_of(row, "public"), "send | node:" + std::string(kStudio));
  EXPECT_EQ(needs_of(row, "admin"), "admin & (send | node:" + std::string(kStudio) + ")");
  EXPECT_EQ(needs_of("[[rights]]\nmatch = \"ardus.v1.Node/Send\"\nallow = [\"member\"]\n", "send"), "send") << "a member is less than the role";
  EXPECT_EQ(needs_of("[[rights]]\nmatch = \"ardus.v1.Node/Status\"\nallow = [\"admin\"]\n", "send"), "send") << "another method";
  EXPECT_EQ(needs_of("[[rights]]\nmatch = \"*\"\nallow = []\n", "public"), "owner") << "nobody else is left";
}

TEST(Rights, OfWhichTheFirstThatFitsDecides) {
  const std::string rows = "[[rights]]\nmatch = \"ardus.v1.Node/Send\"\nallow = [\"admin\"]\n[[rights]]\nmatch = \"ardus.*\"\nallow = [\"listen\"]\n";
  EXPECT_EQ(needs_of(rows, ""), "admin");
  EXPECT_EQ(needs_of(rows, "", "Status"), "listen");
}

TEST(Rights, StayAsTheyAreWhenAHostAppliesWhatItsChildDid) {
  for (const char* schema : {"", "public", "admin", "send"}) {
    const std::string row = "[[rights]]\nmatch = \"*\"\nallow = [\"send\", \"grab\"]\n";
    const std::string once = needs_of(row, schema);
    EXPECT_EQ(needs_of(row, once), once);
  }
}

TEST(Rights, InsteadOfTheSchemaOnlyWhereTheRowSaysSoAndNeverForStrangers) {
  EXPECT_EQ(needs_of("[[rights]]\nmatch = \"ardus.v1.Node/Send\"\nallow = [\"listen\"]\ninstead = true\n", "admin"), "listen");
  const auto open = rights_of("\n[[rights]]\nmatch = \"ardus.v1.Node/Send\"\nallow = [\"public\"]\ninstead = true\n");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().message, "ghostlight.toml:2: [[rights]] allow: the table of rights never opens anything to strangers: 'public' is for a method's schema to say");
  EXPECT_FALSE(rights_of("[[rights]]\nmatch = \"*\"\nallow = [\"role:public\"]\n"));
}

TEST(Rights, WithMistakesAreToldWithTheirLine) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"\n[[rights]]\nmatch = \"ardus.v1.Node\"\nallow = [\"send\"]\n", "ghostlight.toml:2: [[rights]]: match = \"ardus.v1.Node\" fits no method: write SERVICE/METHOD, as \"ardus.v1.Node/*\""},
      {"[[rights]]\nmatch = \"a/*\"\nalow = [\"send\"]\n", "ghostlight.toml:1: [[rights]]: there is no 'alow'; did you mean 'allow'?"},
      {"[[rights]]\nmatch = \"a/*\"\nallow = [\"sender\"]\n", "ghostlight.toml:1: [[rights]] allow: 'sender' is nobody: write member, owner, role:NAME"},
      {"[[rights]]\nmatch = \"a/*\"\nallow = [\"send,admin\"]\n", "'send,admin' is nobody"},
      {"[[rights]]\nmatch = \"a/*\"\nallow = [\"node:lusab\"]\n", "'lusab' names no node"},
      {"[[rights]]\nallow = [\"send\"]\n", "it names either methods, by 'match', or topics, by 'topic'"},
      {"[[rights]]\nmatch = \"a/*\"\n", "a row with 'match' takes 'allow'"},
      {"[[rights]]\nmatch = \"a/*\"\nallow = [\"send\"]\ninstead = \"perhaps\"\n", "'instead' is true or false"},
      {"[[rights]]\ntopic = \"a..b\"\nread = [\"send\"]\n", "ghostlight.toml:1: [[rights]]: topic: "},
      {"[[rights]]\ntopic = \"a.b\"\nallow = [\"send\"]\n", "a row with 'topic' takes 'publish', 'read' or both, and no 'allow'"},
      {"[[rights]]\nmatch = 3.5\n", "ghostlight.toml:2: rights: 'match' takes a text or a list of texts"},
      {"rights = 3\n", "ghostlight.toml:1: rights takes tables, each begun by its name in [[double brackets]]"},
  };
  for (const auto& [toml, told] : mistakes) {
    const auto read = rights_of(toml);
    ASSERT_FALSE(read) << toml;
    EXPECT_NE(read.error().message.find(told), std::string::npos) << read.error().message;
  }
}

TEST(Rights, AreHeldToByWhoCalls) {
  Identity who = member_with({Role::send});
  const std::string needs = "send & (admin | node:" + who.node.hex() + ")";
  EXPECT_FALSE(who.may(needs, "a/B")) << "a node that proved no key is none";
  who.node.bytes[0] = 9;
  EXPECT_TRUE(who.may("send & (admin | node:" + who.node.hex() + ")", "a/B"));
  EXPECT_TRUE(who.may("node:" + who.node.words(), "a/B"));
  EXPECT_TRUE(member_with(Roles::all()).may(needs, "a/B"));
  EXPECT_FALSE(member_with({Role::admin}).may(needs, "a/B")) << "both terms are to be met";
  EXPECT_FALSE(member_with(Roles::all()).may("owner", "a/B"));
  Identity owner;
  owner.kind = Identity::Kind::owner;
  EXPECT_TRUE(owner.may("owner", "a/B"));
  EXPECT_TRUE(owner.may(needs, "a/B"));
  const auto refused = member_with({Role::send}).may("send & grab", "a/B");
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().message.find("a/B needs send & grab, as the [[rights]] of that machine's configuration say; node 'studio'"), std::string::npos) << refused.error().message;
  EXPECT_EQ(Identity().may("member | send", "a/B").error().code, Errc::unauthenticated) << "strangers meet none of it";
}

TEST(Rights, AreWhatTheTableOfServicesTellsAndHoldsTo) {
  test::TestService service;
  ServiceTable table;
  table.set_rights(std::make_shared<const Rights>(rights_of("[[rights]]\nmatch = \"test.v1.Test/Echo\"\nallow = [\"listen\"]\n").value()));
  table.add(service);
  EXPECT_EQ(table.find("test.v1.Test", "Echo")->needs, "listen");
  EXPECT_EQ(table.find("test.v1.Test", "Secret")->needs, "admin");
  EXPECT_EQ(table.entries()[0].methods[0].needs, "listen") << "HELLO and Describe tell the same";
}

TEST(Rights, OfTopicsNarrowTheRulesTheyFit) {
  TopicRights topics;
  topics.set_rows(rights_of("[[rights]]\ntopic = \"archive.secret.>\"\npublish = [\"role:grab\"]\nread = [\"role:describe\"]\n"
                            "[[rights]]\ntopic = \"ardus.lab.>\"\npublish = [\"member\"]\ninstead = true\n"
                            "[[rights]]\ntopic = \"ardus.>\"\npublish = [\"member\"]\n").value().topics());
  const Identity plain = member_with({}), describer = member_with({Role::describe}), grabber = member_with({Role::grab});
  EXPECT_FALSE(topics.may_publish(plain, "archive.secret.1"));
  EXPECT_TRUE(topics.may_publish(grabber, "archive.secret.1"));
  EXPECT_TRUE(topics.may_publish(plain, "archive.open"));
  EXPECT_FALSE(topics.may_read(grabber, "archive.secret.1"));
  EXPECT_TRUE(topics.may_read(describer, "archive.secret.1"));
  EXPECT_FALSE(topics.may_subscribe(grabber, "archive.secret.*"));
  EXPECT_TRUE(topics.may_subscribe(grabber, "archive.>")) << "wider: what it may not read is left out";
  EXPECT_FALSE(topics.may_publish(plain, "ardus.news")) << "a row does not widen";
  EXPECT_TRUE(topics.may_publish(plain, "ardus.lab.news")) << "unless it says so";
  EXPECT_FALSE(topics.may_publish(Identity(), "ardus.lab.news")) << "and never to strangers";
}

TEST(RefusalLog, TellsTheFirstFewOfEachPeerThenOneAMinuteAndHowManyItLeftOut) {
  RefusalLog log;
  const TimePoint start{1h};
  Identity one, other;
  one.where = "10.0.0.7:41234";
  other.where = "10.0.0.8:41234";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(log.take(one, start), 0u);
  one.where = "10.0.0.7:5";  // from another port, as every connection
  for (int i = 0; i < 500; ++i) EXPECT_EQ(log.take(one, start + 1s), std::nullopt);
  EXPECT_EQ(log.take(other, start + 1s), 0u) << "who tries much hides nobody";
  EXPECT_EQ(log.take(one, start + 61s), 500u);
  EXPECT_EQ(log.take(one, start + 62s), std::nullopt);
}

TEST(RefusalLog, RemembersSoManyPeersAndNoMore) {
  RefusalLog log;
  const TimePoint start{1h};
  std::size_t lines = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    Identity who;
    who.where = std::to_string(i) + ":1";
    lines += log.take(who, start).has_value() ? 1 : 0;
  }
  EXPECT_EQ(lines, RefusalLog::kMostPeers + 3);
  Identity late;
  late.where = "late:1";
  EXPECT_TRUE(log.take(late, start + 10min));
}

TEST(MatchesName, TakesAStarForAnything) {
  EXPECT_TRUE(matches_name("ardus.v1.Node/*", "ardus.v1.Node/Send"));
  EXPECT_TRUE(matches_name("*/Send", "ardus.v1.Node/Send"));
  EXPECT_TRUE(matches_name("a*b*c", "aXbbYc"));
  EXPECT_TRUE(matches_name("*", ""));
  EXPECT_FALSE(matches_name("ardus.v1.Node/*", "ardus.v1.Nodes/Send"));
  EXPECT_FALSE(matches_name("a*b", "a*bc"));
}

}  // namespace ghost::b2
