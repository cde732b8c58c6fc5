#include "ardus/ports_service.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/sim_testing.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;
using net::sim::testing::host_address;

/// One that listens, and three that send to groups.
class PortsTest : public ::testing::Test {
 protected:
  PortsTest() {
    for (std::uint8_t sender = 2; sender <= 4; ++sender) sockets.push_back(net::sim::testing::open_socket(world.add_host(host_address(sender)), net::Address::ip4({0, 0, 0, 0}, 0)));
  }
  Result<Ports::Membership> join(const std::optional<net::Address>& source = {}) { return ports.join(data, group, way, source); }
  /// Of senders 2 to 4: who is heard, "23".
  std::string who_is_heard() {
    heard.clear();
    for (std::size_t i = 0; i < sockets.size(); ++i) net::sim::testing::send_to(*sockets[i], group, std::to_string(i + 2));
    world.run_for(1ms);
    std::ranges::sort(heard);
    return heard;
  }

  net::SimWorld world{1};
  net::Network& here = world.add_host(host_address(1));
  std::vector<std::unique_ptr<net::DatagramSocket>> sockets;
  Ports ports{here, Logger::none(), [] { return std::vector<net::Address>(); }, {}};
  std::string heard;
  Ports::Listening data = ports.data(net::Address::Family::ip4, [this](std::span<const net::Datagram> batch) {
    for (const net::Datagram& one : batch) heard += as_text(one.bytes);
  }).value();
  const net::Address group = data_group(7, net::Address::Family::ip4, Sources::any);
  const Way way{2, "sim0", host_address(1), 0};
};

}  // namespace

TEST_F(PortsTest, SessionsThatShareAGroupHearEachItsOwnSource) {
  auto first = join(host_address(2, 1117));
  ASSERT_TRUE(first);
  EXPECT_EQ(who_is_heard(), "2");
  {
    const auto again = join(host_address(2)), second = join(host_address(3));
    ASSERT_TRUE(again && second);
    EXPECT_EQ(who_is_heard(), "23");
  }
  EXPECT_EQ(who_is_heard(), "2");
  first = Ports::Membership();
  EXPECT_EQ(who_is_heard(), "");
}

TEST_F(PortsTest, WhereOneWantsAnybodysTheOthersHearItTooUntilAllHaveLeft) {
  auto one = join(host_address(2)), anybody = join(), other = join(host_address(3));
  ASSERT_TRUE(one && anybody && other);
  EXPECT_EQ(who_is_heard(), "234");
  anybody = Ports::Membership();
  EXPECT_EQ(who_is_heard(), "234");
  other = Ports::Membership();
  one = Ports::Membership();
  EXPECT_EQ(who_is_heard(), "");
  one = join(host_address(4));
  EXPECT_EQ(who_is_heard(), "4");
}

}  // namespace ghost::ardus
