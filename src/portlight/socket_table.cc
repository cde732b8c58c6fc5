#include "portlight/socket_table.h"

#include <algorithm>
#include <bit>
#include <cstdio>

namespace ghost::portlight {

// Netlink is in the byte order of the machine, and ByteReader is little-endian.
static_assert(std::endian::native == std::endian::little);

namespace {

constexpr std::uint16_t kError = 2, kDone = 3, kByFamily = 20;      // NLMSG_ERROR, NLMSG_DONE, SOCK_DIAG_BY_FAMILY
constexpr std::uint16_t kRequestDump = 0x301;                       // NLM_F_REQUEST | NLM_F_DUMP
constexpr std::uint8_t kIp4 = 2, kIp6 = 10;                         // AF_INET, AF_INET6
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint32_t kListening = 1u << 10, kUnconnected = 1u << 7;  // by TCP_LISTEN, TCP_CLOSE
constexpr std::uint16_t kOnlyIp6 = 11, kCgroup = 21;                // INET_DIAG_SKV6ONLY, INET_DIAG_CGROUP_ID
constexpr std::size_t kHeader = 16, kMessage = 72, kRequest = 72;

std::uint16_t big_endian(BytesView two) { return static_cast<std::uint16_t>(two[0] << 8 | two[1]); }

void read_attributes(ByteReader attributes, Socket& socket) {
  while (attributes.remaining() >= 4) {
    const std::size_t length = attributes.u16();
    const std::uint16_t type = attributes.u16();
    if (length < 4 || length - 4 > attributes.remaining()) return;
    ByteReader value(attributes.take(length - 4));
    if (type == kCgroup && length == 12) socket.cgroup = value.u64();
    if (type == kOnlyIp6 && length == 5) socket.only_ip6 = value.u8() != 0;
    attributes.take(std::min((4 - length % 4) % 4, attributes.remaining()));
  }
}

/// inet_diag_msg: family, state, timer, retrans; source and destination port; their addresses; interface; cookie; expires, queues, uid, inode.
Socket read_socket(ByteReader body, Transport transport) {
  Socket socket;
  socket.transport = transport;
  socket.ip6 = body.u8() == kIp6;
  body.take(3);
  socket.port = big_endian(body.take(2));
  body.take(2);
  const BytesView source = body.take(16);
  std::copy_n(source.begin(), socket.ip6 ? 16 : 4, socket.ip.begin());
  body.take(16);
  socket.interface = body.u32();
  body.take(8 + 12);
  socket.user = body.u32();
  socket.inode = body.u32();
  read_attributes(ByteReader(body.rest()), socket);
  return socket;
}

std::string ip6_text(const std::array<std::uint8_t, 16>& ip) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(ip[2 * i] << 8 | ip[2 * i + 1]);
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) best = i, best_length = length;
  }
  std::string text;
  for (std::size_t i = 0; i < 8;) {
    if (i == best) {
      text += "::";
      i += best_length;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char group[8];
    std::snprintf(group, sizeof group, "%x", groups[i++]);
    text += group;
  }
  return text;
}

}  // namespace

bool Socket::is_any() const {
  return std::all_of(ip.begin(), ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Socket::is_loopback() const {
  if (!ip6) return ip[0] == 127;
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), ip.begin())) return ip[12] == 127;
  return std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t byte) { return byte == 0; }) && ip[15] == 1;
}

std::string ip_text(const Socket& socket) {
  if (socket.ip6) return ip6_text(socket.ip);
  return std::to_string(socket.ip[0]) + "." + std::to_string(socket.ip[1]) + "." + std::to_string(socket.ip[2]) + "." + std::to_string(socket.ip[3]);
}

std::string address_text(const Socket& socket) {
  const std::string ip = ip_text(socket);
  return (socket.ip6 ? "[" + ip + "]" : ip) + ":" + std::to_string(socket.port);
}

Bytes dump_request(Transport transport, bool ip6) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(kRequest).u16(kByFamily).u16(kRequestDump).u32(1).u32(0);
  writer.u8(ip6 ? kIp6 : kIp4).u8(transport == Transport::udp ? kUdp : kTcp).u8(0).u8(0).u32(transport == Transport::udp ? kUnconnected : kListening);
  out.resize(kRequest);  // an empty inet_diag_sockid: any
  return out;
}

Result<Dump> read_dump(BytesView datagram, Transport transport, std::vector<Socket>& out) {
  ByteReader reader(datagram);
  while (reader.remaining() >= kHeader) {
    const std::uint32_t length = reader.u32();
    const std::uint16_t type = reader.u16();
    reader.take(10);
    if (length < kHeader || length - kHeader > reader.remaining()) return Error{Errc::malformed, "sock_diag: a message longer than its datagram"};
    ByteReader body(reader.take(length - kHeader));
    if (type == kDone) return Dump::done;
    if (type == kError) {
      const auto code = static_cast<std::int32_t>(body.u32());
      constexpr std::int32_t kMostErrno = 4095;
      if (code == 0) return Dump::done;
      if (code > 0 || code < -kMostErrno) return Error{Errc::malformed, "sock_diag: an error that has no number"};
      return errno_error(-code, "ask sock_diag for", name(transport));
    }
    if (type == kByFamily) {
      if (body.remaining() < kMessage) return Error{Errc::malformed, "sock_diag: an inet_diag_msg cut short"};
      out.push_back(read_socket(body, transport));
    }
    reader.take(std::min<std::size_t>((4 - length % 4) % 4, reader.remaining()));
  }
  if (reader.remaining() != 0) return Error{Errc::malformed, "sock_diag: a header cut short"};
  return Dump::more;
}

}  // namespace ghost::portlight
