#include "ariascribe/claims.h"

#include <gtest/gtest.h>

namespace ghost::ariascribe {
namespace {

Claim claim_of(std::string field, std::string value, std::string source, double confidence = 1, std::int64_t made = 0) {
  Claim claim;
  claim.subject = "s";
  claim.field = std::move(field);
  claim.value = std::move(value);
  claim.source = std::move(source);
  claim.confidence = confidence;
  claim.made_ms = made;
  return claim;
}

TEST(Claims, TheSurestIsShownThenTheLatest) {
  const std::vector<Claim> claims = {claim_of("title", "Sonata", "a", 0.9, 5), claim_of("title", "Sonata No. 14", "b", 1, 1), claim_of("title", "Sonate", "c", 1, 2), claim_of("alias", "Moonlight", "a"),
                                     claim_of("alias", "Mondschein", "b")};
  const auto top = shown(claims);
  ASSERT_EQ(top.size(), 3U);
  EXPECT_EQ(top[2].value, "Sonate");
  EXPECT_EQ(top[0].field, "alias");
}

TEST(Claims, WhatAPersonSaysStandsOverEveryFile) {
  Claim mine = claim_of("title", "Mine", "me", 0.5);
  mine.rank = 1;
  const auto top = shown(std::vector<Claim>{claim_of("title", "Theirs", "them", 1, 9), mine});
  ASSERT_EQ(top.size(), 1U);
  EXPECT_EQ(top[0].value, "Mine");
}

TEST(Claims, SayingTheSameAgainChangesNothing) {
  const std::vector<Claim> claims = {claim_of("title", "A", "a"), claim_of("alias", "B", "a")};
  EXPECT_TRUE(merge(claims, claims).none());
}

TEST(Claims, WhatASourceSaysTwiceIsOneClaimWhereNothingIsThereToo) {
  const std::vector<Claim> said = {claim_of("alias", "B", "a"), claim_of("title", "A", "a"), claim_of("alias", "B", "a"), claim_of("alias", "B", "b"), claim_of("alias", "C", "a")};
  const auto kept = distinct(said), added = merge({}, said).added;
  ASSERT_EQ(kept.size(), 4U);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].value, added[i].value);
    EXPECT_EQ(kept[i].source, added[i].source);
  }
}

TEST(Claims, ASourceThatChangesItsMindSupersedesItself) {
  const std::vector<Claim> there = {claim_of("title", "Old", "a"), claim_of("title", "Other", "b"), claim_of("alias", "Kept", "a")};
  const auto changes = merge(there, std::vector<Claim>{claim_of("title", "New", "a")});
  ASSERT_EQ(changes.added.size(), 1U);
  EXPECT_EQ(changes.added[0].supersedes, "Old");
  ASSERT_EQ(changes.withdrawn.size(), 1U);  // not the other source's, and not the alias nothing is said of
  EXPECT_EQ(changes.withdrawn[0].value, "Old");
}

TEST(Claims, WhatIsSaidAgainStandsAgain) {
  std::vector<Claim> there = {claim_of("alias", "A", "a")};
  there[0].standing = false;
  const auto changes = merge(there, std::vector<Claim>{claim_of("alias", "A", "a")});
  EXPECT_TRUE(changes.added.empty());
  ASSERT_EQ(changes.restored.size(), 1U);
}

TEST(Claims, ARecordKeepsNoBytesADatabaseCannotHold) {
  Record record;
  record.say("title", std::string_view("a\0b\xff" "c", 5));
  record.say("alias", "");
  record.say("note", std::string(kMaxClaim - 1, 'x') + "é");
  ASSERT_EQ(record.said.size(), 2U);
  EXPECT_EQ(record.value_of("title"), "abc");
  EXPECT_EQ(record.value_of("note").size(), kMaxClaim - 1);
}

}  // namespace
}  // namespace ghost::ariascribe
