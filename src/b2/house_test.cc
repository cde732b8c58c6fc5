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

}  // namespace ghost::b2
