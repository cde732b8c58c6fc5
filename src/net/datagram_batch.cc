#include "net/datagram_batch.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ghost::net {

namespace {

constexpr std::size_t kSegments = 16;           // datagrams of a piece: beyond, there is little to gain, and more is lost where one is
constexpr std::size_t kLongestPiece = 65'000;  // bytes

/// The destination and the interface, as IP_PKTINFO or IPV6_PKTINFO tell them; `size` becomes that of each datagram of a piece, as
/// UDP_GRO tells it.
void read_packet_info(msghdr& header, const Address& local, Datagram& datagram, std::size_t& size) {
  datagram.to = local;
  datagram.interface = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      std::array<std::uint8_t, 4> ip;
      std::memcpy(ip.data(), &info.ipi_addr, ip.size());
      datagram.to = Address::ip4(ip, local.port());
      datagram.interface = static_cast<std::uint32_t>(info.ipi_ifindex);
    } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      std::array<std::uint8_t, 16> ip;
      std::memcpy(ip.data(), &info.ipi6_addr, ip.size());
      datagram.to = Address::ip6(ip, local.port());
      datagram.interface = info.ipi6_ifindex;
    } else if (part->cmsg_level == SOL_UDP && part->cmsg_type == UDP_GRO) {
      int each = 0;
      std::memcpy(&each, CMSG_DATA(part), sizeof each);
      if (each > 0) size = static_cast<std::size_t>(each);
    }
  }
}

/// Adds one to what the message is told beside its bytes; `msg_control` has room for all there are.
template <class Value>
void put_control(msghdr& header, int level, int type, const Value& value) {
  auto* const at = static_cast<std::uint8_t*>(header.msg_control) + header.msg_controllen;
  std::memset(at, 0, CMSG_SPACE(sizeof value));
  auto* const part = reinterpret_cast<cmsghdr*>(at);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(part), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

/// Asks for an interface and a source address to send from.
void write_packet_info(msghdr& header, const Datagram& datagram) {
  if (datagram.to.family() == Address::Family::ip4) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(datagram.interface);
    if (datagram.from.family() == Address::Family::ip4) std::memcpy(&info.ipi_spec_dst, datagram.from.ip().data(), 4);
    put_control(header, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    info.ipi6_ifindex = datagram.interface;
    if (datagram.from.family() == Address::Family::ip6) std::memcpy(&info.ipi6_addr, datagram.from.ip().data(), 16);
    put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

int DatagramBatch::receive(int fd, std::span<std::uint8_t> buffer, std::size_t stride, std::size_t longest,
                           const Address& local, std::uint64_t& truncated) {
  datagrams_.clear();
  const std::size_t room = std::min(kMost, buffer.size() / stride);
  prepare_receive(room, buffer.data(), stride);
  const int count = ::recvmmsg(fd, messages_.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
    msghdr& header = messages_[i].msg_hdr;
    addresses_[i].size = header.msg_namelen;
    Datagram piece;
    piece.from = addresses_[i].address();
    std::size_t size = messages_[i].msg_len;
    read_packet_info(header, local, piece, size);
    if ((header.msg_flags & MSG_TRUNC) != 0 || size > longest) {
      truncated += size == 0 ? 1 : (messages_[i].msg_len + size - 1) / size;
      continue;
    }
    const BytesView bytes(static_cast<const std::uint8_t*>(pieces_[i].iov_base), messages_[i].msg_len);
    std::size_t at = 0;
    do {  // an empty datagram is one, too
      piece.bytes = bytes.subspan(at, std::min(size, bytes.size() - at));
      datagrams_.push_back(piece);
      at += size;
    } while (at < bytes.size());
  }
  return count;
}

void DatagramBatch::prepare_receive(std::size_t count, std::uint8_t* at, std::size_t stride) {
  for (std::size_t i = 0; i < count; ++i) {
    pieces_[i] = {at + i * stride, stride};
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = &addresses_[i].base;
    header.msg_namelen = sizeof addresses_[i].unix_path;
    header.msg_iov = &pieces_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].data();
    header.msg_controllen = controls_[i].size();
  }
}

DatagramBatch::Sent DatagramBatch::send(int fd, std::span<const Datagram> batch) {
  Sent all;
  while (!batch.empty()) {
    std::size_t count = 0, pieces = 0;
    while (pieces < batch.size() && pieces < kMost) {
      const std::size_t run = run_length(batch.subspan(pieces, std::min(batch.size(), kMost) - pieces));
      prepare_send(count, pieces, batch.subspan(pieces, run));
      runs_[count++] = run;
      pieces += run;
    }
    std::size_t done = 0, passed = 0;
    while (done < count) {
      const int sent = ::sendmmsg(fd, messages_.data() + done, static_cast<unsigned>(count - done), MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
        all.passed += passed;
        return all;
      }
      if (sent < 0 && stop_segmenting(errno, runs_[done])) break;
      for (int i = 0; i < std::max(sent, 1); ++i) {  // an error is about the first of them
        if (sent > 0) all.taken += runs_[done];
        passed += runs_[done++];
      }
    }
    all.passed += passed;
    batch = batch.subspan(passed);
  }
  return all;
}

/// How many from the first on can go as one piece.
std::size_t DatagramBatch::run_length(std::span<const Datagram> batch) const {
  const Datagram& first = batch.front();
  if (!segmenting_ || first.bytes.empty()) return 1;
  std::size_t run = 1;
  while (run < std::min(batch.size(), kSegments)) {
    const Datagram& next = batch[run];
    if (next.bytes.size() != first.bytes.size() || next.interface != first.interface || next.to != first.to || next.from != first.from) break;
    ++run;
  }
  return std::clamp<std::size_t>(kLongestPiece / first.bytes.size(), 1, run);
}

/// Whether `error` says that this piece can't be cut up here (no checksum offload, a small MTU, an old kernel): then all go one by one.
bool DatagramBatch::stop_segmenting(int error, std::size_t run) {
  if (run == 1 || (error != EIO && error != EINVAL && error != EMSGSIZE && error != EOPNOTSUPP)) return false;
  segmenting_ = false;
  return true;
}

void DatagramBatch::prepare_send(std::size_t slot, std::size_t piece, std::span<const Datagram> run) {
  const Datagram& datagram = run.front();
  addresses_[slot] = SocketAddress(datagram.to);
  for (std::size_t i = 0; i < run.size(); ++i) {
    pieces_[piece + i] = {const_cast<std::uint8_t*>(run[i].bytes.data()), run[i].bytes.size()};
  }
  msghdr& header = messages_[slot].msg_hdr;
  header = {};
  header.msg_name = &addresses_[slot].base;
  header.msg_namelen = addresses_[slot].size;
  header.msg_iov = &pieces_[piece];
  header.msg_iovlen = run.size();
  header.msg_control = controls_[slot].data();
  if (datagram.interface != 0 || datagram.from.family() != Address::Family::none) write_packet_info(header, datagram);
  if (run.size() > 1) put_control(header, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(datagram.bytes.size()));
  if (header.msg_controllen == 0) header.msg_control = nullptr;
}

}  // namespace ghost::net
