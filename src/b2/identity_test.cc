#include "b2/identity.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

static bool mentions(const Status& status, std::string_view text) { return status.error().message.find(text) != std::string::npos; }

TEST(NodeId, IsTheHashOfTheKeyShownInFourWords) {
  const Bytes key = from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").value();
  const NodeId id = NodeId::of_public_key(key);
  EXPECT_EQ(id.hex(), "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9");
  EXPECT_EQ(id.words(), "faluv-galiz-pajih-panod");
  EXPECT_EQ(NodeId::from_bytes(id.bytes).value(), id);
  EXPECT_EQ(NodeId::from_bytes(BytesView(id.bytes).first(31)).error().code, Errc::malformed);
  EXPECT_TRUE(NodeId().is_none());
}

TEST(Roles, AreReadAndWrittenAsWords) {
  EXPECT_EQ(Roles::parse("send,listen").value(), (Roles{Role::listen, Role::send}));
  EXPECT_EQ(Roles::parse("send,listen").value().text(), "listen,send");
  EXPECT_EQ(Roles::all().text(), "listen,send,describe,grab,admin");
  EXPECT_TRUE(Roles::parse("").value().empty());
  EXPECT_EQ(Roles::parse("listen,sned").error().message, "'sned' is no role: listen, send, describe, grab or admin");
  EXPECT_FALSE(Roles::parse("listen,,send"));
  EXPECT_FALSE(Roles::parse("Listen"));
}

TEST(Identity, OfOwnerAndConsoleMayDoAll) {
  for (const auto kind : {Identity::Kind::owner, Identity::Kind::console}) {
    Identity who;
    who.kind = kind;
    for (std::string_view needs : {"public", "", "member", "grab", "admin"}) EXPECT_TRUE(who.may(needs, "x.v1.Y/Z"));
  }
}

TEST(Identity, OfAMemberMayDoWhatItsRolesSay) {
  Identity who;
  who.kind = Identity::Kind::member;
  who.name = "archive-3";
  who.node = NodeId::of_public_key(as_bytes("k"));
  who.roles = {Role::listen, Role::send};
  for (std::string_view needs : {"public", "", "member", "send"}) EXPECT_TRUE(who.may(needs, "x.v1.Y/Z"));

  const Status refused = who.may("grab", "audiojuggler.v1.Jobs/Start");
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_TRUE(mentions(refused, "audiojuggler.v1.Jobs/Start needs the role 'grab'; node 'archive-3' (" + who.node.words() + ") has listen,send"));
  EXPECT_TRUE(mentions(refused, "ghostlight house invite --roles listen,send,grab"));
  EXPECT_FALSE(who.may("a role no build knows", "x"));
}

TEST(Identity, OfAStrangerMayDoPublicThingsAndIsToldTheWayOut) {
  Identity who;
  who.why_stranger = why_stranger_on_loopback("/run/b2/b2.sock");
  EXPECT_TRUE(who.may("public", "b2.v1.Core/Health"));
  const Status refused = who.may("", "ariascribe.v1.Catalogue/Identify");
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
  EXPECT_TRUE(mentions(refused, "ariascribe.v1.Catalogue/Identify needs a member of the house; this connection is loopback TCP"));
  EXPECT_TRUE(mentions(refused, "b2 --at unix:/run/b2/b2.sock"));
  EXPECT_TRUE(mentions(who.may("grab", "m"), "with the role 'grab'"));
}

TEST(Identity, OfATlsStrangerIsToldTheHouseAndTheCommand) {
  Identity who;
  who.node = NodeId::of_public_key(as_bytes("k"));
  who.why_stranger = why_stranger_by_tls(who.node, "Archive", "archive.local:2203");
  EXPECT_TRUE(mentions(who.may("", "m"), "node " + who.node.words() + " is not in house 'Archive': on it run: "
                                         "ghostlight house join --at archive.local:2203 (ask for a code: ghostlight house invite)"));
  who.why_stranger = why_stranger_by_tls(who.node, "", "x:1");
  EXPECT_TRUE(mentions(who.may("", "m"), "ghostlight house create"));
}

}  // namespace ghost::b2
