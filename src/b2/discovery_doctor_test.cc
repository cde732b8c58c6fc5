#include "b2/discovery_doctor.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

namespace {

LinkFacts link_that_works() {
  LinkFacts link;
  link.name = "eth0";
  link.up = link.multicast = true;
  link.mtu = 1500;
  for (LinkFacts::Family* family : {&link.ip4, &link.ip6}) {
    family->address = family->joined = family->own_heard = true;
    family->by_group = family->alone = 3;
  }
  return link;
}

/// The worst verdict of a network with that one link, and what is said with it.
Finding worst(const LinkFacts& link, NetworkFacts facts = {}) {
  facts.links = {link};
  Finding worst{Verdict::well, "", "", ""};
  for (const Finding& finding : judge_network(facts)) {
    if (finding.verdict > worst.verdict) worst = finding;
  }
  return worst;
}

}  // namespace

TEST(NetworkDoctor, FindsNothingWrongWhereNodesAnswerToTheGroup) {
  NetworkFacts facts;
  facts.links = {link_that_works()};
  const auto findings = judge_network(facts);
  ASSERT_EQ(findings.size(), 3u);
  for (const Finding& finding : findings) EXPECT_EQ(finding.verdict, Verdict::well) << finding.what;
  EXPECT_EQ(findings[1].about, "eth0, IPv4");
  EXPECT_EQ(findings[1].what, "multicast passes: 3 nodes answered");
}

TEST(NetworkDoctor, BlamesThisMachineWhenItDoesNotHearItself) {
  LinkFacts link = link_that_works();
  link.ip4.own_heard = false;
  NetworkFacts facts;
  facts.firewall_seen = true;
  facts.dropping = {"inet filter input: udp dport 2203 drop"};
  const Finding finding = worst(link, facts);
  EXPECT_EQ(finding.verdict, Verdict::wrong);
  EXPECT_EQ(finding.about, "eth0, IPv4");
  EXPECT_NE(finding.remedy.find("udp dport 2203 drop"), std::string::npos) << finding.remedy;
  facts.dropping.clear();
  facts.firewall_seen = false;
  EXPECT_NE(worst(link, facts).remedy.find("sudo b2 doctor"), std::string::npos);
}

TEST(NetworkDoctor, BlamesTheNetworkWhenOnlyAnswersToOneAloneCome) {
  LinkFacts link = link_that_works();
  link.ip6.by_group = 0;
  const Finding finding = worst(link);
  EXPECT_EQ(finding.verdict, Verdict::wrong);
  EXPECT_EQ(finding.about, "eth0, IPv6");
  EXPECT_NE(finding.remedy.find("querier"), std::string::npos) << finding.remedy;
}

TEST(NetworkDoctor, OnlyNotesThatNobodyAnswered) {
  LinkFacts link = link_that_works();
  link.ip4.by_group = link.ip4.alone = 0;
  const Finding finding = worst(link);
  EXPECT_EQ(finding.verdict, Verdict::note);
  EXPECT_NE(finding.remedy.find("--seeds"), std::string::npos);
}

TEST(NetworkDoctor, SaysWhyAGroupCouldNotBeJoined) {
  LinkFacts link = link_that_works();
  link.ip4 = {.address = true, .joined = false, .problem = {Errc::exhausted, "join 239.255.22.3 on eth0: no buffer space"}};
  EXPECT_EQ(worst(link).what, "join 239.255.22.3 on eth0: no buffer space");
  EXPECT_NE(worst(link).remedy.find("igmp_max_memberships"), std::string::npos);
  link.ip4.problem = {Errc::busy, "open a UDP socket on 239.255.22.3:2203: address in use"};
  EXPECT_NE(worst(link).remedy.find("portlight why 2203"), std::string::npos);
}

TEST(NetworkDoctor, NamesWhoHoldsThePort) {
  NetworkFacts facts;
  facts.port_holder = "dnsmasq (pid 812)";
  EXPECT_EQ(worst(link_that_works(), facts).about, "UDP 2203");
  EXPECT_NE(worst(link_that_works(), facts).what.find("dnsmasq (pid 812)"), std::string::npos);
}

TEST(NetworkDoctor, DoesNotBlameTheNetworkForWhatItCannotSee) {
  LinkFacts link = link_that_works();
  for (LinkFacts::Family* family : {&link.ip4, &link.ip6}) {
    *family = {.address = true, .joined = false, .problem = {Errc::busy, "open a UDP socket on 239.255.22.3:2203: address in use"}};
    family->alone = 2;
  }
  NetworkFacts facts;
  facts.port_holder = "ghostlight (pid 812), of user ghostlight";
  facts.holder_is_node = true;
  const Finding finding = worst(link, facts);
  EXPECT_EQ(finding.verdict, Verdict::note);
  EXPECT_NE(finding.remedy.find("as root"), std::string::npos) << finding.remedy;
  facts.holder_is_node = false;
  EXPECT_EQ(worst(link, facts).verdict, Verdict::wrong);
  EXPECT_EQ(worst(link, facts).about, "UDP 2203");
}

TEST(NetworkDoctor, SeesTooSmallAnMtuABridgeThatForgetsAndClocksThatDiffer) {
  LinkFacts link = link_that_works();
  link.mtu = 1000;
  EXPECT_EQ(worst(link).verdict, Verdict::wrong);
  link = link_that_works();
  link.snoops_without_querier = true;
  EXPECT_EQ(worst(link).verdict, Verdict::note);
  NetworkFacts facts;
  facts.clocks = {{"lusab (10.0.0.7:2203)", -125'000}};
  EXPECT_EQ(worst(link_that_works(), facts).what, "its clock is 125 s behind this machine's");
  facts.clocks = {{"lusab (10.0.0.7:2203)", 5'000}};
  EXPECT_EQ(worst(link_that_works(), facts).verdict, Verdict::note);
  facts.clocks = {{"lusab (10.0.0.7:2203)", 900}};
  EXPECT_EQ(worst(link_that_works(), facts).verdict, Verdict::well);
}

TEST(NetworkDoctor, LeavesOutLoopbackAndNotesLinksThatCannotCarryBeacons) {
  LinkFacts lo = link_that_works();
  lo.loopback = true;
  lo.ip4.own_heard = false;
  EXPECT_EQ(worst(lo).verdict, Verdict::note);
  EXPECT_EQ(worst(lo).about, "network");
  LinkFacts tunnel = link_that_works();
  tunnel.multicast = false;
  EXPECT_EQ(worst(tunnel).verdict, Verdict::note);
}

}  // namespace ghost::b2
