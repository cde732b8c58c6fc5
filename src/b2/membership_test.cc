#include "b2/membership.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

const WallTime kNow = WallTime(std::chrono::seconds(1'770'000'000));
constexpr std::string_view kAt = "keeper:2203";

struct Ca {
  explicit Ca(std::string name_) : name(std::move(name_)), certificate(make_house_certificate(key, name, Validity::starting(kNow, 24h * 9000)).value()) {}
  KeyPair key = KeyPair::generate();
  std::string name;
  Bytes certificate;

  HouseTrust trust() const { return HouseTrust::from_certificate(certificate).value(); }
  Bytes leaf(const KeyPair& node, Roles roles = {Role::send}, Validity validity = Validity::starting(kNow, 48h)) const {
    return make_member_certificate(key, name, node.public_key(), "node-1", roles, validity).value();
  }
};

std::string why_refused(const HouseTrust& trust, const std::vector<Bytes>& chain, WallTime now = kNow) {
  const auto judged = trust.verify_member(chain, now, kAt);
  if (judged) return "accepted";
  EXPECT_EQ(judged.error().code, Errc::unauthenticated);
  return judged.error().message;
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(Certificate, SaysWhatItWasMadeWith) {
  const Ca ca("Haus am See");
  const KeyPair node = KeyPair::generate();
  const CertificateInfo info = read_certificate(ca.leaf(node, {Role::listen, Role::grab})).value();
  EXPECT_EQ(info.public_key, node.public_key());
  EXPECT_EQ(info.node, NodeId::of_public_key(node.public_key()));
  EXPECT_EQ(info.name, "node-1");
  EXPECT_EQ(info.house, "Haus am See");
  EXPECT_EQ(info.roles, (Roles{Role::listen, Role::grab}));
  EXPECT_EQ(info.validity.from, kNow - 24h);
  EXPECT_EQ(info.validity.until, kNow + 48h);
  EXPECT_FALSE(info.is_house);
  EXPECT_TRUE(read_certificate(ca.certificate).value().is_house);
  EXPECT_TRUE(read_certificate(ca.leaf(node, {})).value().roles.empty());
}

TEST(Certificate, SurvivesPem) {
  const Ca ca("Archive");
  const std::vector<Bytes> chain = {ca.leaf(KeyPair::generate()), ca.certificate};
  EXPECT_EQ(certificates_from_pem(to_pem(chain).value()).value(), chain);
  EXPECT_EQ(certificates_from_pem("nothing").error().code, Errc::malformed);
  std::vector<Bytes> nine(9, ca.certificate);
  EXPECT_EQ(certificates_from_pem(to_pem(nine).value()).error().code, Errc::malformed);
}

TEST(Certificate, ThatIsCutLongOrNoneIsMalformed) {
  const Bytes der = Ca("Archive").leaf(KeyPair::generate());
  for (std::size_t length = 0; length < der.size(); ++length) ASSERT_FALSE(read_certificate(BytesView(der).first(length))) << length;
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_EQ(read_certificate(longer).error().message, "this is no certificate of ours: something follows it");
  EXPECT_EQ(read_certificate(Bytes(9000, 0x30)).error().message, "this is no certificate of ours: it is longer than 8 KiB");
}

TEST(Name, OfANodeOrHouseIsShortAndPrintable) {
  EXPECT_TRUE(check_name("node name", "Archiv für Neue Musik"));
  for (std::string bad : {std::string(), std::string(65, 'x'), std::string("a\nb"), std::string("\xff"), std::string(" a"), std::string("a "), std::string("a\0b", 3)})
    EXPECT_EQ(check_name("node name", bad).error().code, Errc::malformed) << bad;
}

TEST(HouseTrust, TakesItsOwnMembersAndGivesTheirRoles) {
  const Ca ca("Archive");
  const KeyPair node = KeyPair::generate();
  const Identity who = ca.trust().verify_member({{ca.leaf(node), ca.certificate}}, kNow, kAt).value();
  EXPECT_EQ(who.kind, Identity::Kind::member);
  EXPECT_EQ(who.roles, Roles{Role::send});
  EXPECT_EQ(who.node, NodeId::of_public_key(node.public_key()));
  EXPECT_TRUE(ca.trust().verify_member({{ca.leaf(node)}}, kNow, kAt));  // the house's certificate is known already
}

TEST(HouseTrust, RefusesTheMembersOfOtherHousesAndSaysWhichTheyAre) {
  const Ca ours("Archive"), other("Barn"), namesake("Archive");
  const KeyPair node = KeyPair::generate();
  const std::string words = NodeId::of_public_key(node.public_key()).words();
  EXPECT_TRUE(mentions(why_refused(ours.trust(), {other.leaf(node), other.certificate}), "node 'node-1' (" + words + ") is in house 'Barn', not in house 'Archive'"));
  EXPECT_TRUE(mentions(why_refused(ours.trust(), {namesake.leaf(node), namesake.certificate}), "another house of the name 'Archive'"));
  EXPECT_TRUE(mentions(why_refused(ours.trust(), {namesake.leaf(node), ours.certificate}), "ghostlight house join --at keeper:2203"));
}

TEST(HouseTrust, RefusesNodesInNoHouse) {
  const Ca ca("Archive");
  const KeyPair node = KeyPair::generate();
  const Bytes lone = make_lone_certificate(node, "laptop", Validity::starting(kNow, 48h)).value();
  EXPECT_TRUE(mentions(why_refused(ca.trust(), {lone}), "node " + NodeId::of_public_key(node.public_key()).words() + " is not in house 'Archive': on it run"));
  EXPECT_TRUE(mentions(why_refused(ca.trust(), {}), "node without a certificate is not in house 'Archive'"));
  EXPECT_TRUE(mentions(why_refused(ca.trust(), {Bytes{1, 2, 3}}), "is not one of house 'Archive'"));
}

TEST(HouseTrust, RefusesACertificateOutsideItsTime) {
  const Ca ca("Archive");
  const Bytes leaf = ca.leaf(KeyPair::generate());
  EXPECT_EQ(why_refused(ca.trust(), {leaf}, kNow + 48h), "accepted");
  EXPECT_TRUE(mentions(why_refused(ca.trust(), {leaf}, kNow + 49h + 1s), "expired on 2026-02-04 02:40 UTC"));
  EXPECT_TRUE(mentions(why_refused(ca.trust(), {leaf}, kNow - 25h), "set the clocks"));
}

TEST(HouseTrust, RefusesTheHousesOwnCertificateAsAMember) {
  const Ca ca("Archive");
  EXPECT_TRUE(mentions(why_refused(ca.trust(), {ca.certificate}), "a house's certificate, not a node's"));
}

TEST(HouseTrust, RefusesALeafWithAnyByteChanged) {
  const Ca ca("Archive");
  const HouseTrust trust = ca.trust();
  const Bytes leaf = ca.leaf(KeyPair::generate());
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    Bytes bent = leaf;
    bent[i] ^= 1;
    ASSERT_FALSE(trust.verify_member({{bent}}, kNow, kAt)) << "byte " << i;
  }
}

TEST(HouseTrust, IsNotMadeFromALeafOrAForgedHouse) {
  const Ca ca("Archive");
  EXPECT_EQ(HouseTrust::from_certificate(ca.leaf(KeyPair::generate())).error().code, Errc::malformed);
  Bytes forged = ca.certificate;
  forged.back() ^= 1;
  EXPECT_EQ(HouseTrust::from_certificate(forged).error().code, Errc::malformed);
}

TEST(Membership, IsRefusedForAnotherNodesKey) {
  const Ca ca("Archive");
  const KeyPair node = KeyPair::generate(), other = KeyPair::generate();
  EXPECT_TRUE(Membership::from_certificates({ca.leaf(node), ca.certificate}, node.public_key(), kNow));
  EXPECT_EQ(Membership::from_certificates({ca.leaf(node), ca.certificate}, other.public_key(), kNow).error().code, Errc::refused);
  EXPECT_EQ(Membership::from_certificates({ca.leaf(node)}, node.public_key(), kNow).error().code, Errc::malformed);
  const Ca barn("Barn");
  EXPECT_FALSE(Membership::from_certificates({ca.leaf(node), barn.certificate}, node.public_key(), kNow));
}

TEST(NodeState, KeepsItsKeyAndName) {
  const TestDirectory dir;
  const NodeState first = NodeState::open_or_create(dir / "state", "studio", kNow).value();
  const NodeState again = NodeState::open_or_create(dir / "state", "", kNow).value();
  EXPECT_EQ(again.id(), first.id());
  EXPECT_EQ(again.name(), "studio");
  EXPECT_EQ(NodeState::open_or_create(dir / "state", "stage", kNow).value().name(), "stage");
  EXPECT_EQ(NodeState::open_or_create(dir / "state", "", kNow).value().name(), "stage");
  EXPECT_EQ(NodeState::open_or_create(dir / "state", "a\nb", kNow).error().code, Errc::malformed);
  EXPECT_FALSE(NodeState::open_or_create(dir / "other", "", kNow).value().name().empty());  // the machine's
}

TEST(NodeState, IsNotOpenedWhenOthersCanReadTheKey) {
  const TestDirectory dir;
  ASSERT_TRUE(NodeState::open_or_create(dir / "state", "n", kNow));
  ::chmod((dir / "state/node.key").c_str(), 0644);
  EXPECT_EQ(NodeState::open_or_create(dir / "state", "n", kNow).error().code, Errc::refused);
  ::chmod((dir / "state/node.key").c_str(), 0600);
  ::chmod((dir / "state").c_str(), 0755);
  EXPECT_EQ(NodeState::open_or_create(dir / "state", "n", kNow).error().code, Errc::refused);
}

TEST(NodeState, OutsideAnyHouseShowsACertificateItSignedItself) {
  const TestDirectory dir;
  const NodeState state = NodeState::open_or_create(dir / "state", "studio", kNow).value();
  const TlsMaterial material = state.tls_material(kNow).value();
  ASSERT_EQ(material.certificates.size(), 1u);
  const CertificateInfo info = read_certificate(material.certificates[0]).value();
  EXPECT_EQ(info.node, state.id());
  EXPECT_EQ(info.house, "");
  EXPECT_TRUE(is_signed_by(material.certificates[0], state.key().public_key()));
}

TEST(NodeState, MovesToAnotherHouseOnlyWhenTold) {
  const TestDirectory dir;
  const Ca ours("Archive"), other("Barn");
  NodeState state = NodeState::open_or_create(dir / "state", "n", kNow).value();
  const auto membership = [&](const Ca& ca) { return Membership::from_certificates({ca.leaf(state.key()), ca.certificate}, state.key().public_key(), kNow).value(); };
  ASSERT_TRUE(state.join(membership(ours)));
  EXPECT_TRUE(state.join(membership(ours)));  // renewed
  EXPECT_EQ(state.join(membership(other)).error().code, Errc::conflict);
  EXPECT_TRUE(state.join(membership(other), NodeState::LeaveOther::yes));
  EXPECT_EQ(NodeState::open_or_create(dir / "state", "n", kNow).value().membership()->house().name(), "Barn");
}

TEST(NodeState, RunsOutsideTheHouseWhenItsCertificateHasExpiredAndSaysSo) {
  const TestDirectory dir;
  const Ca ca("Archive");
  NodeState state = NodeState::open_or_create(dir / "state", "n", kNow).value();
  ASSERT_TRUE(state.join(Membership::from_certificates({ca.leaf(state.key()), ca.certificate}, state.key().public_key(), kNow).value()));
  const NodeState later = NodeState::open_or_create(dir / "state", "n", kNow + 100h).value();
  EXPECT_FALSE(later.membership());
  EXPECT_TRUE(mentions(later.membership_problem(), "expired on"));
}

}  // namespace ghost::b2
