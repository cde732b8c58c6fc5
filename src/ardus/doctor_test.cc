#include "ardus/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ghost::ardus {

namespace {

DoctorFacts healthy_machine() {
  DoctorFacts facts;
  facts.interfaces = {{"lo", true, true, true, false, "127.0.0.1", 65536, 3, 0}, {"eth0", true, true, false, true, "10.0.0.1", 1500, 3, 2}};
  facts.chosen = facts.routed = "eth0";
  facts.announcements = {"239.255.11.17", 1117, {}, false, true, true};
  facts.data = {"239.255.127.255", 1835, {}, false, true, true};
  facts.ports = {{"tcp", 1117}, {"udp", 1117}, {"udp", 1834}, {"udp", 1835}};
  facts.firewall_seen = facts.offloads_tried = true;
  facts.receive_buffer = facts.send_buffer = kWishedBuffer;
  facts.clock_kept = true;
  return facts;
}

/// The findings that are not well, "verdict about: what".
std::string complaints(const DoctorFacts& facts) {
  std::string all;
  for (const Finding& finding : judge(facts)) {
    if (finding.verdict == Verdict::well) continue;
    EXPECT_NE(finding.remedy, "") << finding.what;
    all += std::string(name(finding.verdict)) + " " + finding.about + ": " + finding.what + "\n";
  }
  return all;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(Doctor, FindsNothingToMendOnAHealthyMachine) { EXPECT_EQ(complaints(healthy_machine()), ""); }

TEST(Doctor, NamesWhatIsWrongWithAnInterface) {
  DoctorFacts facts = healthy_machine();
  facts.interfaces[1].up = false;
  EXPECT_EQ(complaints(facts), "wrong eth0: is down\n");
  facts = healthy_machine();
  facts.interfaces[1].multicast = false;
  EXPECT_EQ(complaints(facts), "wrong eth0: carries no multicast: it lacks the flag MULTICAST\n");
  facts = healthy_machine();
  facts.interfaces[1].mtu = 1400;
  EXPECT_TRUE(has(complaints(facts), "note eth0: its MTU is 1400"));
  facts = healthy_machine();
  facts.chosen = "eth7";
  EXPECT_TRUE(has(complaints(facts), "wrong eth7: there is no such interface here; there are lo, eth0"));
  facts = healthy_machine();
  facts.chosen = "lo";
  EXPECT_TRUE(has(complaints(facts), "there is no route to 239.255.11.17"));
}

TEST(Doctor, TellsAFilterFromASwitch) {
  DoctorFacts facts = healthy_machine();
  facts.data.heard = false;
  facts.data.dropping = {"inet filter input, rule 4: drops UDP port 1835"};
  EXPECT_EQ(complaints(facts), "wrong 239.255.127.255:1835: was joined, but a datagram this machine sent to it did not come back\n");
  EXPECT_TRUE(std::ranges::any_of(judge(facts), [](const Finding& each) { return has(each.remedy, "inet filter input, rule 4"); }));
  facts = healthy_machine();
  facts.interfaces[1].bridge = DoctorInterface::Bridge{"br0", true, false, 2};
  EXPECT_TRUE(has(complaints(facts), "wrong br0: this bridge snoops multicast and asks nobody"));
  facts.interfaces[1].bridge->queries = true;
  EXPECT_TRUE(has(complaints(facts), "note br0: this bridge's querier asks by IGMPv2"));
  facts.interfaces[1].bridge.reset();
  facts.interfaces[1].igmp_version = 2;
  EXPECT_TRUE(has(complaints(facts), "note eth0: the querier of this network speaks IGMPv2"));
}

TEST(Doctor, NamesTheInterfaceASessionIsAnnouncedOn) {
  DoctorFacts facts = healthy_machine();
  facts.interfaces.push_back({"eth1", true, true, false, true, "10.1.0.1", 1500, 3, 2});
  facts.heard = {{"'album' by 10.1.0.9", "eth1", 90'000}};
  const std::string told = complaints(facts);
  EXPECT_TRUE(has(told, "'album' by 10.1.0.9 is announced on eth1, and not on eth0")) << told;
  EXPECT_TRUE(has(told, "wrong clock: that of 'album' by 10.1.0.9 is 90 s ahead of")) << told;
  facts.interfaces[1].reverse_path = 1;
  EXPECT_TRUE(has(complaints(facts), "note eth0: rp_filter is strict"));
}

TEST(Doctor, SmallBuffersAndStrangersOnThePortsAreTold) {
  DoctorFacts facts = healthy_machine();
  facts.receive_buffer = 212'992;
  EXPECT_TRUE(has(complaints(facts), "wrong buffers: the kernel grants a receive buffer of 208 KiB of the 32 MiB"));
  facts.receive_buffer = std::uint64_t{4} << 20;
  EXPECT_TRUE(has(complaints(facts), "note buffers: the kernel grants a receive buffer of 4 MiB"));
  facts = healthy_machine();
  facts.neighbours = 1000;
  facts.most_neighbours = 1024;
  EXPECT_EQ(complaints(facts), "wrong neighbours: the kernel remembers 1000 machines of its networks, of 1024 at most\n");
  facts.neighbours = 3;
  EXPECT_EQ(complaints(facts), "");
  facts.neighbours_refused = 7;
  EXPECT_TRUE(has(complaints(facts), "note neighbours: the kernel has had no room for one 7 times"));
  facts = healthy_machine();
  facts.ports[2].holder = "python3 (pid 7), of user you";
  facts.ports[3].holder = "ardus (pid 8), of user root";
  EXPECT_EQ(complaints(facts), "wrong UDP 1834: is held by python3 (pid 7), of user you\n");
  facts = healthy_machine();
  facts.ports[0].dropping = {"inet filter input: its policy is drop, and no rule lets TCP port 1117 in"};
  EXPECT_TRUE(has(complaints(facts), "wrong TCP 1117: the firewall drops it"));
  facts = healthy_machine();
  facts.segmentation = "Input/output error";
  EXPECT_TRUE(has(complaints(facts), "note offloads: runs of datagrams can't be sent at once"));
}

TEST(Doctor, SaysHowTheOtherMachineIsReached) {
  DoctorFacts facts = healthy_machine();
  facts.peer = DoctorPeer{"10.0.0.7", "eth1", {}, false, true, 100, 1500};
  EXPECT_TRUE(has(complaints(facts), "wrong 10.0.0.7: is reached by eth1, not by eth0"));
  facts.peer = DoctorPeer{"10.0.0.7", "eth0", Error{Errc::timed_out, "no answer within 4 s"}, false, false, {}, 1420};
  const std::string told = complaints(facts);
  EXPECT_TRUE(has(told, "the way to it carries 1420 bytes")) << told;
  EXPECT_TRUE(has(told, "does not answer on TCP 1117: no answer within 4 s")) << told;
  facts.peer = DoctorPeer{"10.0.0.7", "eth0", {}, true, false, {}, 1500};
  EXPECT_TRUE(has(complaints(facts), "note 10.0.0.7: answers on TCP 1117, and does not know this machine"));
}

TEST(Doctor, WhatDropsIPv6IsNotedWhereSessionsGoByIPv4) {
  DoctorFacts facts = healthy_machine();
  facts.interfaces[1].address6 = "fe80::7";
  facts.announcements6 = {"ff15::1117", 1117, {}, false, true, false};
  facts.data6 = {"ff15::9835:3fff", 1835, {}, false, true, true};
  EXPECT_EQ(complaints(facts), "note [ff15::1117]:1117: was joined, but a datagram this machine sent to it did not come back\n");
  facts.interfaces[1].mtu = 1492;  // PPPoE
  EXPECT_FALSE(has(complaints(facts), "fragments"));
}

TEST(Doctor, AnInterfaceWithIPv6AloneIsJudgedByThat) {
  DoctorFacts facts = healthy_machine();
  facts.interfaces[1].address.clear();
  EXPECT_EQ(complaints(facts), "wrong eth0: has no IP address\n");
  facts.interfaces[1].checked = true;
  EXPECT_TRUE(has(complaints(facts), "wrong eth0: has no address that may be used yet"));
  facts.interfaces[1].checked = false;
  facts.interfaces[1].address6 = "fe80::7";
  facts.interfaces[1].reverse_path = 1;
  facts.announcements = facts.data = {};
  facts.announcements6 = {"ff15::1117", 1117, {}, false, true, true};
  facts.data6 = {"ff15::9835:3fff", 1835, {}, false, true, true};
  EXPECT_EQ(complaints(facts), "");
  facts.interfaces[1].mtu = 1480;
  EXPECT_TRUE(has(complaints(facts), "a datagram of ARDUS needs 1496"));
  facts.interfaces[1].mtu = 1500;
  facts.data6->heard = false;
  EXPECT_EQ(complaints(facts), "wrong [ff15::9835:3fff]:1835: was joined, but a datagram this machine sent to it did not come back\n");
  facts.data6->heard = true;
  facts.interfaces[1].forced_mld = 1;
  EXPECT_TRUE(has(complaints(facts), "note eth0: this machine is told to speak MLDv1 there"));
  facts.interfaces[1].bridge = DoctorInterface::Bridge{"br0", true, true, 2, 1};
  EXPECT_TRUE(has(complaints(facts), "note br0: this bridge's querier asks by MLDv1"));
  EXPECT_FALSE(has(complaints(facts), "IGMPv2"));
}

}  // namespace ghost::ardus
