#include "portlight/socket_table.h"

#include <gtest/gtest.h>

namespace ghost::portlight {
namespace {

/// inet_diag_msg of a TCP listener with its netlink header and a cgroup attribute.
Bytes answer(bool ip6, std::array<std::uint8_t, 16> ip, std::uint16_t port, std::uint32_t inode) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(16 + 72 + 12).u16(20).u16(2).u32(1).u32(0);
  writer.u8(ip6 ? 10 : 2).u8(10).u8(0).u8(0).u8(static_cast<std::uint8_t>(port >> 8)).u8(static_cast<std::uint8_t>(port & 0xff)).u16(0);
  writer.bytes(ip).bytes(std::array<std::uint8_t, 16>{}).u32(3).u64(0).u32(0).u32(0).u32(128).u32(1000).u32(inode);
  writer.u16(12).u16(21).u64(4711);
  return out;
}

TEST(SocketTable, ReadsAListenerWithItsUserInodeAndCgroup) {
  Bytes datagram = answer(false, {127, 0, 0, 1}, 2203, 99);
  std::vector<Socket> sockets;
  const auto more = read_dump(datagram, Transport::tcp, sockets);
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_EQ(*more, Dump::more);
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_EQ(address_text(sockets[0]), "127.0.0.1:2203");
  EXPECT_EQ(sockets[0].user, 1000u);
  EXPECT_EQ(sockets[0].inode, 99u);
  EXPECT_EQ(sockets[0].cgroup, 4711u);
  EXPECT_EQ(sockets[0].interface, 3u);
  EXPECT_TRUE(sockets[0].is_loopback());
}

TEST(SocketTable, WritesAddressesAsPeopleDo) {
  const auto text = [](std::array<std::uint8_t, 16> ip) {
    Socket socket;
    socket.ip6 = true;
    socket.ip = ip;
    socket.port = 80;
    return address_text(socket);
  };
  EXPECT_EQ(text({}), "[::]:80");
  EXPECT_EQ(text({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), "[::1]:80");
  EXPECT_EQ(text({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2}), "[fe80::1:0:0:2]:80");
  EXPECT_EQ(text({0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5}), "[2001:db8:0:1:2:3:4:5]:80");
  EXPECT_EQ(text({0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "[2001::]:80");
}

TEST(SocketTable, KnowsTheEndAndTheKernelsRefusal) {
  std::vector<Socket> sockets;
  Bytes done;
  ByteWriter(done).u32(20).u16(3).u16(2).u32(1).u32(0).u32(0);
  EXPECT_EQ(read_dump(done, Transport::tcp, sockets).value(), Dump::done);
  Bytes refused;
  ByteWriter(refused).u32(20).u16(2).u16(0).u32(1).u32(0).u32(static_cast<std::uint32_t>(-1));
  const auto error = read_dump(refused, Transport::udp, sockets);
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, Errc::refused);
}

TEST(SocketTable, TakesNoErrorNumberThatIsNone) {
  for (const std::uint32_t code : {0x80000000u, 1u, static_cast<std::uint32_t>(-4096)}) {
    std::vector<Socket> sockets;
    Bytes wrong;
    ByteWriter(wrong).u32(20).u16(2).u16(0).u32(1).u32(0).u32(code);
    EXPECT_EQ(read_dump(wrong, Transport::udp, sockets).error().code, Errc::malformed);
  }
}

TEST(SocketTable, RefusesWhatIsCutShort) {
  const Bytes whole = answer(true, {}, 1835, 7);
  for (std::size_t length = 1; length < 16 + 72; ++length) {
    std::vector<Socket> sockets;
    EXPECT_FALSE(read_dump(BytesView(whole).first(length), Transport::udp, sockets)) << length;
    EXPECT_TRUE(sockets.empty());
  }
}

TEST(SocketTable, AsksForListenersOnly) {
  const Bytes request = dump_request(Transport::udp, true);
  ASSERT_EQ(request.size(), 72u);
  EXPECT_EQ(to_hex(BytesView(request).first(24)), "480000001400010301000000000000000a11000080000000");
}

}  // namespace
}  // namespace ghost::portlight
