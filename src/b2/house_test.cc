#include "b2/house.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

const WallTime kNow = WallTime(std::chrono::seconds(1'770'000'000));
constexpr std::string_view kAt = "keeper:2203";
const Bytes kExporter(OneTimeCode::kExporterSize, 7);

NodeState node(const TestDirectory& dir, std::string_view name) { return NodeState::open_or_create(dir / name, name, kNow).value(); }

struct KeptHouse {
  explicit KeptHouse(const TestDirectory& dir, std::string_view name = "Archive") : keeper(node(dir, "keeper")), house(House::create(keeper, name, kNow).value()) {}
  NodeState keeper;
  House house;

  NewInvitation invite(Roles roles, Duration valid_for = 24h) { return house.invite(keeper.key().public_key(), roles, valid_for, kNow).value(); }
};

Redemption redemption(const OneTimeCode& code, const NodeState& joiner) {
  const Digest proof = code.proof(Invitations::kPurpose, kExporter, joiner.key().public_key());
  return {to_bytes(code.id()), to_bytes(proof), kExporter, joiner.key().public_key(), joiner.name()};
}

}  // namespace

TEST(House, TakesItsKeeperInAsTheFirstMemberWithAllRoles) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const auto material = kept.keeper.tls_material(kNow).value();
  const Identity who = kept.house.verify_member(material.certificates, kNow, kAt).value();
  EXPECT_EQ(who.kind, Identity::Kind::member);
  EXPECT_EQ(who.roles, Roles::all());
  EXPECT_EQ(who.node, kept.keeper.id());
  EXPECT_EQ(who.name, "keeper");
  EXPECT_EQ(kept.house.members().value().at(0).name, "keeper");
  EXPECT_EQ(House::open(kept.keeper.directory()).value().trust().id(), kept.house.trust().id());
}

TEST(House, IsNeverMadeOverAnother) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  EXPECT_EQ(House::create(kept.keeper, "Other", kNow).error().code, Errc::exists);
  EXPECT_EQ(House::open(kept.keeper.directory()).value().trust().name(), "Archive");
}

TEST(House, WhoseMakingWasCutShortIsFinishedByTheNextTry) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const NodeId id = kept.house.trust().id();
  std::filesystem::remove(kept.keeper.directory() / "house/house.pem");
  EXPECT_EQ(House::open(kept.keeper.directory()).error().code, Errc::not_found);
  NodeState again = node(dir, "keeper");
  EXPECT_EQ(House::create(again, "Archive", kNow).value().trust().id(), id);
}

TEST(House, IsNotMadeByANodeThatIsInAnother) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState joiner = node(dir, "joiner");
  const auto welcome = kept.house.redeem(redemption(kept.invite({}).code, joiner), kNow).value();
  ASSERT_TRUE(joiner.join(Membership::from_certificates(welcome.certificates, joiner.key().public_key(), kNow).value()));
  EXPECT_EQ(House::create(joiner, "Mine", kNow).error().code, Errc::conflict);
}

TEST(House, LetsAnInvitedNodeJoinAndKnowsItAfterwards) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const NewInvitation invitation = kept.invite({Role::listen, Role::send});
  const auto code = OneTimeCode::parse(invitation.code.text_in_lines()).value();
  NodeState joiner = node(dir, "joiner");
  EXPECT_TRUE(code.is_for(kept.keeper.key().public_key()));

  const Welcome welcome = kept.house.redeem(redemption(code, joiner), kNow).value();
  EXPECT_EQ(welcome.house, "Archive");
  ASSERT_TRUE(joiner.join(Membership::from_certificates(welcome.certificates, joiner.key().public_key(), kNow).value()));

  const NodeState reopened = node(dir, "joiner");
  const auto material = reopened.tls_material(kNow).value();
  EXPECT_EQ(material.certificates, welcome.certificates);
  EXPECT_EQ(KeyPair::from_der(material.private_key).value().public_key(), joiner.key().public_key());
  const Identity who = kept.house.verify_member(material.certificates, kNow, kAt).value();
  EXPECT_EQ(who.roles, (Roles{Role::listen, Role::send}));
  EXPECT_EQ(who.name, "joiner");
  // Members know each other without the keeper.
  EXPECT_TRUE(reopened.membership()->house().verify_member(kept.keeper.tls_material(kNow).value().certificates, kNow, kAt));
  EXPECT_EQ(kept.house.members().value().size(), 2u);
  EXPECT_TRUE(kept.house.open_invitations(kNow).value().empty());
}

TEST(House, KeepsItsSecretsClosed) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  kept.invite({});
  for (std::string_view file : {"keeper/node.key", "keeper/house/house.key", "keeper/house/invitations.json"}) {
    struct stat info {};
    ASSERT_EQ(::stat((dir / file).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << file;
  }
  const std::string stored = read_file(dir / "keeper/house/invitations.json", 10000).value();
  const NewInvitation fresh = kept.invite({});
  EXPECT_EQ(stored.find(fresh.code.text()), std::string::npos);
}

TEST(Invitation, IsGoodForOneNodeWhichMayAskAgain) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const OneTimeCode code = kept.invite({Role::grab}).code;
  const NodeState first = node(dir, "first"), second = node(dir, "second");
  ASSERT_TRUE(kept.house.redeem(redemption(code, first), kNow));
  EXPECT_TRUE(kept.house.redeem(redemption(code, first), kNow));  // its first answer got lost
  const auto used = kept.house.redeem(redemption(code, second), kNow);
  EXPECT_EQ(used.error().code, Errc::conflict);
  EXPECT_NE(used.error().message.find("was used already, by node " + first.id().words()), std::string::npos);
  EXPECT_EQ(kept.house.members().value().size(), 2u);
}

TEST(Invitation, Expires) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const OneTimeCode code = kept.invite({}, 1h).code;
  const NodeState joiner = node(dir, "joiner");
  EXPECT_EQ(kept.house.redeem(redemption(code, joiner), kNow + 61min).error().code, Errc::timed_out);
  EXPECT_TRUE(kept.house.redeem(redemption(code, joiner), kNow + 59min));
  EXPECT_EQ(kept.house.invite(kept.keeper.key().public_key(), {}, 31 * 24h, kNow).error().code, Errc::malformed);
  EXPECT_EQ(kept.house.invite(kept.keeper.key().public_key(), {}, 1s, kNow).error().code, Errc::malformed);
}

TEST(Invitation, IsVoidAfterFiveWrongProofsEvenForTheRightOne) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const OneTimeCode code = kept.invite({}).code;
  const NodeState joiner = node(dir, "joiner");
  Redemption wrong = redemption(code, joiner);
  wrong.proof[0] ^= 1;
  for (int tries_left = 4; tries_left >= 0; --tries_left) {
    const auto refused = kept.house.redeem(wrong, kNow);
    EXPECT_EQ(refused.error().code, Errc::unauthenticated);
    EXPECT_NE(refused.error().message.find(std::to_string(tries_left) + " times more"), std::string::npos);
  }
  EXPECT_EQ(kept.house.redeem(redemption(code, joiner), kNow).error().code, Errc::exhausted);
  EXPECT_EQ(House::open(kept.keeper.directory()).value().redeem(redemption(code, joiner), kNow).error().code, Errc::exhausted);
}

TEST(Invitation, IsBoundToItsConnectionAndItsHouse) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const NodeState joiner = node(dir, "joiner");
  const OneTimeCode code = kept.invite({}).code;
  Redemption relayed = redemption(code, joiner);
  relayed.exporter[0] ^= 1;
  EXPECT_EQ(kept.house.redeem(relayed, kNow).error().code, Errc::unauthenticated);
  const OneTimeCode unknown = OneTimeCode::make(kept.keeper.key().public_key());
  EXPECT_EQ(kept.house.redeem(redemption(unknown, joiner), kNow).error().code, Errc::not_found);
  Redemption nameless = redemption(code, joiner);
  nameless.node_name = "a\nb";
  EXPECT_EQ(kept.house.redeem(nameless, kNow).error().code, Errc::malformed);
}

TEST(Invitation, TellsThePersonWhatToRun) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const NewInvitation invitation = kept.invite({Role::listen});
  const std::string text = invitation.text("archive.local:2203");
  EXPECT_NE(text.find("'Archive' with the roles listen, good once, until 2026-02-03 02:40 UTC"), std::string::npos) << text;
  EXPECT_NE(text.find("ghostlight house join --at archive.local:2203"), std::string::npos);
  EXPECT_EQ(OneTimeCode::parse(text.substr(text.find("code:\n") + 6)).value(), invitation.code);
}

TEST(Invitations, ThatAreDamagedOnDiskAreSaidToBe) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  const std::string good = [&] { kept.invite({Role::send}); return read_file(dir / "keeper/house/invitations.json", 10000).value(); }();
  EXPECT_EQ(Invitations::from_json(good).value().to_json(), good);
  for (std::string bad : {std::string("{}"), std::string("[{}]"), good.substr(0, good.size() / 2), std::string("[{\"id\":3}]"), std::string("[3]")})
    EXPECT_EQ(Invitations::from_json(bad).error().code, Errc::data_loss) << bad;
}

namespace {

/// A node that joined, with roles.
NodeState joined(KeptHouse& kept, const TestDirectory& dir, std::string_view name, Roles roles, WallTime now = kNow) {
  NodeState joiner = node(dir, name);
  const auto welcome = kept.house.redeem(redemption(kept.house.invite(kept.keeper.key().public_key(), roles, 24h, now).value().code, joiner), now).value();
  EXPECT_TRUE(joiner.join(Membership::from_certificates(welcome.certificates, joiner.key().public_key(), now).value()));
  return joiner;
}

Bytes list_on_disk(const TestDirectory& dir, std::string_view name) {
  return to_bytes(as_bytes(read_file(dir / name / "revocations", RevocationList::kMaxBytes).value()));
}

}  // namespace

TEST(HouseRevocation, IsHeardOfByMembersAndByTheNodeItself) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {Role::send}), stage = joined(kept, dir, "stage", {});
  const auto chain = studio.tls_material(kNow).value().certificates;
  ASSERT_TRUE(kept.house.revoke(kept.keeper, "studio", kNow));
  EXPECT_EQ(kept.house.members().value().at(1).revoked, kNow);
  // The keeper's own programs, a member that hears of it, and the node that is out.
  EXPECT_FALSE(kept.keeper.membership()->house().verify_member(chain, kNow, kAt));
  EXPECT_TRUE(stage.membership()->house().verify_member(chain, kNow, kAt));
  ASSERT_TRUE(stage.take_revocations(list_on_disk(dir, "keeper"), kNow));
  const auto judged = stage.membership()->house().verify_member(chain, kNow, kAt);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, Errc::unauthenticated);
  EXPECT_EQ(judged.error().message, "node 'studio' (" + studio.id().words() + ") was taken out of house 'Archive' on 2026-02-02 02:40 UTC; only the keeper of the "
                                    "house can undo that, by: ghostlight house revoke --undo " + studio.id().words());
  ASSERT_TRUE(studio.take_revocations(list_on_disk(dir, "keeper"), kNow));
  EXPECT_FALSE(studio.membership());
  EXPECT_NE(studio.membership_problem().find("was taken out of house 'Archive'"), std::string::npos);
  // Also after a restart, and what it shows outside the house is known to be its key.
  NodeState again = node(dir, "studio");
  EXPECT_FALSE(again.membership());
  EXPECT_NE(kept.keeper.membership()->house().verify_member(again.tls_material(kNow).value().certificates, kNow, kAt).error().message.find("was taken out"), std::string::npos);
  EXPECT_TRUE(node(dir, "stage").membership());
}

TEST(HouseRevocation, IsUndoneByTheNextList) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {Role::send});
  ASSERT_TRUE(kept.house.revoke(kept.keeper, studio.id().words(), kNow));
  const Bytes out = list_on_disk(dir, "keeper");
  ASSERT_TRUE(studio.take_revocations(out, kNow));
  EXPECT_EQ(kept.house.revoke(kept.keeper, "studio", kNow).error().code, Errc::conflict);
  ASSERT_TRUE(kept.house.restore(kept.keeper, studio.id().hex(), kNow));  // within the same second: the number is later all the same
  ASSERT_TRUE(studio.take_revocations(list_on_disk(dir, "keeper"), kNow));
  EXPECT_TRUE(studio.membership());
  EXPECT_EQ(studio.membership_problem(), "");
  const auto older = studio.take_revocations(out, kNow);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Errc::refused) << older.error().message;
  EXPECT_TRUE(studio.membership());
  EXPECT_EQ(kept.house.restore(kept.keeper, "studio", kNow).error().code, Errc::conflict);
}

TEST(HouseRevocation, IsNotForgottenWhenTheFileGoesBackToAnOlderOne) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {}), stage = joined(kept, dir, "stage", {}), booth = joined(kept, dir, "booth", {});
  ASSERT_TRUE(kept.house.revoke(kept.keeper, "booth", kNow));
  const Bytes first = list_on_disk(dir, "keeper");
  ASSERT_TRUE(kept.house.revoke(kept.keeper, "studio", kNow));
  ASSERT_TRUE(stage.take_revocations(list_on_disk(dir, "keeper"), kNow));
  ASSERT_TRUE(write_file_atomically(dir / "stage/revocations", first, 0600));
  ASSERT_TRUE(stage.reload(kNow));
  EXPECT_NE(stage.revocations()->find(studio.id()), nullptr);
  ASSERT_FALSE(stage.take_revocations(first, kNow));
  std::filesystem::remove(dir / "stage/revocations");
  ASSERT_TRUE(stage.reload(kNow));
  EXPECT_NE(stage.revocations()->find(studio.id()), nullptr);
}

TEST(HouseRevocation, NumbersGoOnAboveThoseOfAKeeperPutBackFromABackup) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {}), stage = joined(kept, dir, "stage", {}), booth = joined(kept, dir, "booth", {});
  ASSERT_TRUE(kept.house.revoke(kept.keeper, "studio", kNow));
  ASSERT_TRUE(stage.take_revocations(list_on_disk(dir, "keeper"), kNow));
  std::filesystem::remove(dir / "keeper/revocations");
  NodeState back = node(dir, "keeper");
  ASSERT_TRUE(kept.house.revoke(back, "booth", kNow + 24h));
  EXPECT_TRUE(stage.take_revocations(list_on_disk(dir, "keeper"), kNow + 24h)) << "it is later, if poorer";
  // A keeper that was put back hears from its members what it once said, and goes on from there.
  NodeState other = node(dir, "keeper");
  ASSERT_TRUE(kept.house.revoke(other, "studio", kNow + 25h));
  EXPECT_EQ(other.revocations()->nodes().size(), 2u);
}

TEST(HouseRevocation, NeedsAMemberItCanTellAndSparesTheKeeper) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {});
  EXPECT_EQ(kept.house.revoke(kept.keeper, "nobody", kNow).error().code, Errc::not_found);
  EXPECT_EQ(kept.house.revoke(kept.keeper, "keeper", kNow).error().code, Errc::refused);
  const KeyPair second = KeyPair::generate();
  ASSERT_TRUE(kept.house.issue(second.public_key(), "studio", {}, kNow));
  const auto ambiguous = kept.house.revoke(kept.keeper, "studio", kNow);
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code, Errc::conflict);
  EXPECT_NE(ambiguous.error().message.find(studio.id().words()), std::string::npos);
  EXPECT_TRUE(kept.house.revoke(kept.keeper, studio.id().words(), kNow));
}

TEST(HouseRevocation, IsNotWashedOffByAnInvitationOrARenewal) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {});
  ASSERT_TRUE(kept.house.revoke(kept.keeper, "studio", kNow));
  const NewInvitation invitation = kept.invite({Role::admin});
  const auto again = kept.house.redeem(redemption(invitation.code, studio), kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::refused);
  EXPECT_EQ(kept.house.open_invitations(kNow).value().size(), 1u) << "the code is not used up";
  EXPECT_EQ(kept.house.renew(studio.key().public_key(), "studio", {}, kNow).error().code, Errc::refused);
}

TEST(HouseRenewal, KeepsTheRolesOfTheListAndTheDayOfJoining) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {Role::send});
  const WallTime later = kNow + 24h * 600;
  const auto welcome = kept.house.renew(studio.key().public_key(), "studio B", Roles::all(), later).value();
  EXPECT_EQ(welcome.roles, (Roles{Role::send})) << "whatever its old certificate says";
  ASSERT_TRUE(studio.renew(welcome.certificates, later));
  EXPECT_EQ(studio.membership()->own().validity.until, later + House::kMemberValidity);
  const Member member = kept.house.members().value().at(1);
  EXPECT_EQ(member.joined, kNow);
  EXPECT_EQ(member.name, "studio B");
  EXPECT_EQ(member.expires, later + House::kMemberValidity);
  EXPECT_EQ(studio.renew(welcome.certificates, later).error().code, Errc::conflict) << "it holds no longer than the one it has";
}

TEST(HouseRenewal, IsDueWhenAThirdOfTheTimeIsLeft) {
  const Validity validity{kNow, kNow + 300h};
  EXPECT_EQ(renewal_due(validity), kNow + 200h);
}

TEST(HouseRenewal, OfAKeeperWhoseClockIsWrongIsNotTaken) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {Role::send});
  const auto welcome = kept.house.renew(studio.key().public_key(), "studio", {}, kNow + 24h * 9000).value();  // 25 years ahead
  EXPECT_EQ(studio.renew(welcome.certificates, kNow).error().code, Errc::unauthenticated);
  EXPECT_EQ(studio.membership()->own().validity.until, kNow + House::kMemberValidity);
  EXPECT_EQ(node(dir, "studio").membership()->own().validity.until, kNow + House::kMemberValidity) << "nor kept on disk";
}

TEST(HouseRenewal, AShortErrorOfTheOwnClockIsSurvived) {
  const TestDirectory dir;
  KeptHouse kept(dir);
  NodeState studio = joined(kept, dir, "studio", {Role::send});
  const auto chain = studio.tls_material(kNow).value().certificates;
  const WallTime until = studio.membership()->own().validity.until;
  EXPECT_TRUE(kept.house.verify_member(chain, until + 59min, kAt));
  EXPECT_FALSE(kept.house.verify_member(chain, until + 61min, kAt));
  EXPECT_TRUE(kept.house.verify_member(chain, kNow - 23h, kAt));
  ASSERT_TRUE(studio.reload(kNow - 24h * 9000));  // the clock's battery is empty
  EXPECT_FALSE(studio.membership());
  EXPECT_NE(studio.membership_problem().find("set the clocks"), std::string::npos);
  ASSERT_TRUE(studio.reload(kNow));
  EXPECT_TRUE(studio.membership());
}

TEST(NodeState, TakesNoListBeforeItIsInAHouseNorAnothersLater) {
  const TestDirectory dir;
  const TestDirectory elsewhere;
  KeptHouse kept(dir), other(elsewhere);
  NodeState lone = node(dir, "lone"), studio = joined(kept, dir, "studio", {});
  ASSERT_TRUE(kept.house.revoke(kept.keeper, "studio", kNow));
  EXPECT_EQ(lone.take_revocations(list_on_disk(dir, "keeper"), kNow).error().code, Errc::conflict);
  EXPECT_EQ(other.keeper.take_revocations(list_on_disk(dir, "keeper"), kNow).error().code, Errc::unauthenticated);
}

}  // namespace ghost::b2
