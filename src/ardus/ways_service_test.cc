#include "ardus/ways_service.h"

#include <gtest/gtest.h>

#include "net/sim_testing.h"

namespace ghost::ardus {

namespace {

using Family = net::Address::Family;

net::Address at(std::string_view text) { return net::Address::parse(text).value(); }

/// A network of this machine's own making: what find_ways() asks of the kernel is of addresses that it does not have.
class Interfaces : public net::Network {
 public:
  explicit Interfaces(std::vector<net::NetworkInterface> all) : all_(std::move(all)) {}
  net::Reactor& reactor() override { return under_.reactor(); }
  Result<std::unique_ptr<net::Listener>> listen(const net::Address& where, net::OnAccept on_accept) override { return under_.listen(where, std::move(on_accept)); }
  std::unique_ptr<net::Connecting> connect(const net::Address& to, Duration timeout, net::OnConnect done) override { return under_.connect(to, timeout, std::move(done)); }
  Result<std::unique_ptr<net::DatagramSocket>> open_datagram(const net::DatagramOptions& options) override { return under_.open_datagram(options); }
  Result<std::vector<net::NetworkInterface>> interfaces() override { return all_; }

 private:
  net::SimWorld world_{1};
  net::Network& under_ = world_.add_host(net::sim::testing::host_address(1));
  std::vector<net::NetworkInterface> all_;
};

constexpr std::uint32_t kEth0 = 4'000'000;  ///< no interface of this machine's

Interfaces machine(std::vector<net::Address> addresses) {
  return Interfaces({{1, "lo", true, true, true, {net::Address::loopback(0), at("[::1]:0")}}, {kEth0, "eth0", true, false, true, std::move(addresses)}});
}

std::string ways_of(Interfaces network, const std::string& name, Ip ip, const std::vector<net::Address>& listening = {}) {
  const auto ways = find_ways(network, name, ip, listening);
  if (!ways) return ways.error().message;
  std::string all;
  for (const Way& way : *ways) all += (all.empty() ? "" : " ") + way.address.host();
  return all;
}

const net::Address kFour = net::Address::ip4({10, 0, 0, 7}, 0);

}  // namespace

TEST(Ways, AnInterfaceIsOneForEachIpThatItHas) {
  const net::Address link = at("[fe80::7]:0").with_scope(kEth0), far = at("[2001:db8::7]:0");
  const std::string link_text = "fe80::7%" + std::to_string(kEth0);
  EXPECT_EQ(ways_of(machine({kFour}), "eth0", Ip::any), "10.0.0.7");
  EXPECT_EQ(ways_of(machine({kFour, link}), "eth0", Ip::any), "10.0.0.7 " + link_text);
  EXPECT_EQ(ways_of(machine({link}), "eth0", Ip::any), link_text);
  EXPECT_EQ(ways_of(machine({link, kFour, far}), "eth0", Ip::any), "10.0.0.7 2001:db8::7") << "one that reaches beyond the link";
  EXPECT_EQ(ways_of(machine({link, kFour}), "eth0", Ip::six), link_text);
  EXPECT_EQ(ways_of(machine({link, kFour}), "eth0", Ip::four), "10.0.0.7");
  EXPECT_EQ(ways_of(machine({}), "lo", Ip::any), "127.0.0.1") << "loopback has no groups of IPv6 by itself";
}

TEST(Ways, WhatIsListenedOnSaysWhichIpIsMeantAndWhichAddress) {
  const net::Address far = at("[2001:db8::7]:0"), other = at("[2001:db8::8]:0"), second = net::Address::ip4({10, 0, 0, 8}, 0);
  const auto all = [&] { return machine({kFour, second, far, other}); };
  EXPECT_EQ(ways_of(all(), "eth0", Ip::any, {second.with_port(1117)}), "10.0.0.8");
  EXPECT_EQ(ways_of(all(), "eth0", Ip::any, {other.with_port(1117)}), "2001:db8::8");
  EXPECT_EQ(ways_of(all(), "eth0", Ip::any, {second.with_port(1117), other.with_port(1117)}), "10.0.0.8 2001:db8::8");
  EXPECT_EQ(ways_of(all(), "eth0", Ip::any, {net::Address::loopback(1117)}), "10.0.0.7 2001:db8::7");
  const net::Address any4 = net::Address::ip4({0, 0, 0, 0}, 1117), any6 = net::Address::ip6({}, 1117);
  EXPECT_EQ(ways_of(all(), "eth0", Ip::any, {any4, net::Address::loopback(1117)}), "10.0.0.7") << "who opens IPv4 has opened nothing of IPv6";
  EXPECT_EQ(ways_of(all(), "eth0", Ip::any, {any4, any6}), "10.0.0.7 2001:db8::7");
  EXPECT_EQ(ways_of(all(), "eth0", Ip::six, {second.with_port(1117)}), "2001:db8::7") << "what was asked for goes first";
}

TEST(Ways, SayWhatAnInterfaceLacks) {
  EXPECT_EQ(ways_of(machine({}), "eth0", Ip::any), "interface eth0 has no IP address");
  EXPECT_EQ(ways_of(machine({kFour}), "eth0", Ip::six), "interface eth0 has no IPv6 address");
  EXPECT_EQ(ways_of(machine({at("[2001:db8::7]:0")}), "eth0", Ip::four), "interface eth0 has no IPv4 address");
  EXPECT_EQ(ways_of(machine({}), "eth7", Ip::any), "there is no interface 'eth7' here; there are lo, eth0");
}

TEST(Ways, ASessionsGroupGoesByTheLowerBitsOfItsNumber) {
  EXPECT_EQ(data_group(0xffff'c123, Family::ip4, Sources::any).text(), "239.255.65.35:1835");
  EXPECT_EQ(data_group(0xffff'c123, Family::ip4, Sources::one).text(), "232.255.65.35:1835");
  EXPECT_EQ(data_group(0xffff'c123, Family::ip6, Sources::any).text(), "[ff15::9835:123]:1835");
  EXPECT_EQ(data_group(0xffff'c123, Family::ip6, Sources::one).text(), "[ff35::9835:123]:1835");
  EXPECT_EQ(announcement_group(Family::ip4).text(), "239.255.11.17:1117");
  EXPECT_EQ(announcement_group(Family::ip6).text(), "[ff15::1117]:1117");
  Announcement told;
  told.session = 0x123;
  for (const Family family : {Family::ip4, Family::ip6}) {
    for (const Sources sources : {Sources::any, Sources::one}) {
      told.group = to_wire(data_group(told.session, family, sources));
      EXPECT_EQ(sources_of(told), sources);
    }
  }
  told.group = to_wire(data_group(0x124, Family::ip4, Sources::one));
  EXPECT_EQ(sources_of(told), Sources::any) << "no other group is joined because an announcement says so";
}

TEST(Ways, ALinkLocalAddressIsOfTheLinkItWasToldOn) {
  const Way way{kEth0, "eth0", at("[fe80::7]:0").with_scope(kEth0), 0};
  EXPECT_EQ(to_told(way.address.with_port(1834)), "[fe80::7]:1834");
  EXPECT_EQ(from_told("[fe80::8]:1834", way), at("[fe80::8]:1834").with_scope(kEth0));
  EXPECT_EQ(from_told("[fe80::8%1]:1834", way), at("[fe80::8]:1834").with_scope(kEth0)) << "the other machine's word for a link means nothing here";
  EXPECT_EQ(from_told("[2001:db8::8]:1834", way), at("[2001:db8::8]:1834"));
  for (const char* none : {"10.0.0.8:1834", "[ff15::8]:1834", "[::]:1834", "fe80::8", ""}) EXPECT_FALSE(from_told(none, way)) << none;
  const WireAddress wire = to_wire(way.address);
  EXPECT_EQ(from_wire(wire, 1117, kEth0), way.address.with_port(1117));
  EXPECT_EQ(from_wire(to_wire(kFour), 1117, kEth0), kFour.with_port(1117));
  EXPECT_FALSE(from_wire(to_wire(announcement_group(Family::ip6)), 1117, kEth0));
  EXPECT_FALSE(from_wire(WireAddress{5, {}}, 1117, kEth0));
}

}  // namespace ghost::ardus
