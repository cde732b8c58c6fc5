#include "b2/udp_port_service.h"

#include <gtest/gtest.h>

#include "net/epoll_testing.h"
#include "net/sim_testing.h"

namespace ghost::b2 {

using namespace std::chrono_literals;
using net::sim::testing::host_address;

namespace {

const net::Address kEverywhere = net::Address::ip4({0, 0, 0, 0}, 2203);

class UdpPortTest : public testing::Test {
 protected:
  net::SimWorld world{1};
  net::Network& here = world.add_host(host_address(1));
  net::Network& there = world.add_host(host_address(2));
  UdpPort port{here};
};

}  // namespace

TEST_F(UdpPortTest, HandsEachDatagramToTheOneThatSpeaksItsFirstFourBytes) {
  std::vector<std::string> calls, beacons;
  port.take("b2u1", [&](const net::Datagram& datagram) { calls.emplace_back(as_text(datagram.bytes)); });
  port.take("b2d1", [&](const net::Datagram& datagram) { beacons.emplace_back(as_text(datagram.bytes)); });
  ASSERT_TRUE(port.listen(kEverywhere));
  const auto sender = net::sim::testing::open_socket(there, kEverywhere.with_port(0));
  for (const std::string_view text : {"b2u1 call", "b2d1", "b2x1 else", "b2u", ""}) net::sim::testing::send_to(*sender, host_address(1, 2203), text);
  world.run_for(1ms);
  EXPECT_EQ(calls, std::vector<std::string>{"b2u1 call"});
  EXPECT_EQ(beacons, std::vector<std::string>{"b2d1"});
  EXPECT_EQ(port.counters().received, 5u);
  EXPECT_EQ(port.counters().not_taken, 3u);
}

TEST_F(UdpPortTest, AnswersFromThePortThatWasAsked) {
  port.take("ask!", [&](const net::Datagram& datagram) {
    const net::Datagram answer = UdpPort::answer_to(datagram, as_bytes("answer"));
    EXPECT_EQ(port.send({&answer, 1}), 1u);
  });
  ASSERT_TRUE(port.listen(kEverywhere));
  const auto sender = net::sim::testing::open_socket(there, kEverywhere.with_port(0));
  net::sim::testing::Inbox inbox(*sender);
  net::sim::testing::send_to(*sender, host_address(1, 2203), "ask!");
  world.run_for(1ms);
  EXPECT_EQ(inbox.texts, std::vector<std::string>{"answer"});
  EXPECT_EQ(inbox.last.from, host_address(1, 2203));
}

TEST_F(UdpPortTest, LetsAHandlerEndItselfInTheMiddleOfACall) {
  int taken = 0;
  port.take("once", [&](const net::Datagram&) {
    port.take("once", {});
    ++taken;
  });
  ASSERT_TRUE(port.listen(kEverywhere));
  const auto sender = net::sim::testing::open_socket(there, kEverywhere.with_port(0));
  for (int i = 0; i < 3; ++i) net::sim::testing::send_to(*sender, host_address(1, 2203), "once");
  world.run_for(1ms);
  EXPECT_EQ(taken, 1);
}

TEST(UdpPortSockets, KeepThePortFromOthersButNotFromTheirOwnGroups) {
  const auto network = net::testing::make_network();
  UdpPort port(*network);
  const auto at = port.listen(net::Address::ip4({0, 0, 0, 0}, 0));
  ASSERT_TRUE(at) << at.error().message;
  const net::Address group = net::Address::ip4({239, 255, 22, 3}, at->port());
  // What only says that it does not mind others is kept out: another user's process could say so, too.
  EXPECT_FALSE(network->open_datagram({.local = *at, .share_port = true}));
  EXPECT_FALSE(network->open_datagram({.local = group, .share_port = true}));
  const auto heard = network->open_datagram({.local = group, .share_port = true, .share_with_own = true});
  EXPECT_TRUE(heard) << heard.error().message;
  EXPECT_TRUE(network->open_datagram({.local = group, .share_port = true, .share_with_own = true}));
}

}  // namespace ghost::b2
