#include "b2/topic_rights.h"

#include <gtest/gtest.h>

namespace ghost::b2 {
namespace {

Identity member(Roles roles) {
  Identity who;
  who.kind = Identity::Kind::member;
  who.name = "second";
  who.roles = roles;
  return who;
}

TEST(TopicRights, LetEveryMemberPublishWhereNoSystemDoes) {
  const TopicRights rights;
  EXPECT_TRUE(rights.may_publish(member({}), "studio.lights"));
  EXPECT_TRUE(rights.may_subscribe(member({}), "studio.>"));
  EXPECT_TRUE(rights.may_read(member({}), "studio.lights"));
  EXPECT_TRUE(rights.may_publish(member({}), "ardus")) << "a subject of one token is none of the system's";
}

TEST(TopicRights, KeepASystemsSubjectsForItsRoleAndSayWhichIsMissing) {
  const TopicRights rights;
  EXPECT_TRUE(rights.may_publish(member({Role::send}), "ardus.session.9"));
  EXPECT_TRUE(rights.may_publish(member({Role::describe}), "ariascribe.album"));
  EXPECT_TRUE(rights.may_publish(member({Role::grab}), "audiojuggler.disc"));
  EXPECT_TRUE(rights.may_read(member({}), "ardus.session.9"));
  const Status refused = rights.may_publish(member({Role::listen}), "ardus.session.9");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().message.find("publishing under 'ardus.session.9' needs the role 'send'"), std::string::npos) << refused.error().message;
}

TEST(TopicRights, RefuseAPatternWithinAdminsSubjectsAndThinOutAWiderOne) {
  const TopicRights rights;
  for (const char* pattern : {"admin.>", "admin.*", "admin.keys"}) EXPECT_FALSE(rights.may_subscribe(member({Role::send}), pattern)) << pattern;
  EXPECT_TRUE(rights.may_subscribe(member({}), ">"));
  EXPECT_TRUE(rights.may_subscribe(member({}), "*.keys"));
  EXPECT_FALSE(rights.may_read(member({}), "admin.keys"));
  EXPECT_TRUE(rights.may_read(member({Role::admin}), "admin.keys"));
}

TEST(TopicRights, GiveTheOwnerEverythingAndAStrangerNothing) {
  const TopicRights rights;
  Identity who;
  EXPECT_FALSE(rights.may_read(who, "studio.lights"));
  EXPECT_EQ(rights.may_publish(who, "studio.lights").error().code, Errc::unauthenticated);
  who.kind = Identity::Kind::owner;
  EXPECT_TRUE(rights.may_publish(who, "admin.keys"));
  EXPECT_TRUE(rights.may_read(who, "admin.keys"));
}

TEST(TopicRights, LeaveWhatNoRuleNamesToAdmins) {
  const TopicRights rights(std::vector<TopicRule>{{"open.>", "", ""}});
  EXPECT_TRUE(rights.may_publish(member({}), "open.door"));
  EXPECT_FALSE(rights.may_publish(member({Role::send}), "shut.door"));
  EXPECT_FALSE(rights.may_read(member({Role::send}), "shut.door"));
  EXPECT_TRUE(rights.may_publish(member({Role::admin}), "shut.door"));
}

}  // namespace
}  // namespace ghost::b2
