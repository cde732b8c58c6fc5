#include "b2/revocation_list.h"

#include <algorithm>
#include <string>

namespace ghost::b2 {

namespace {

constexpr std::string_view kRevocationDomain = "ghostlight revocations 1";
constexpr std::string_view kRevocationMagic = "b2rl";
constexpr std::uint8_t kRevocationVersion = 1;
/// The last second that both a signed 64-bit count of nanoseconds and people can use: the year 2200.
constexpr std::uint64_t kLastSecond = 7'258'118'400;

Error no_list(std::string_view why) { return {Errc::malformed, "this is no list of revoked nodes: " + std::string(why)}; }

std::uint64_t to_unix(WallTime time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count()));
}

WallTime from_unix(std::uint64_t seconds) { return WallTime(std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, kLastSecond)))); }

NodeId node_of(BytesView bytes) {
  NodeId node;
  std::copy(bytes.begin(), bytes.end(), node.bytes.begin());
  return node;
}

}  // namespace

Result<RevocationList> RevocationList::read(BytesView bytes, const PublicKey& house) {
  if (bytes.size() < kHeader + sizeof(Signature)) return no_list("it is too short");
  ByteReader in(bytes);
  if (as_text(in.take(4)) != kRevocationMagic) return no_list("it begins with other bytes");
  const std::uint8_t version = in.u8();
  if (version != kRevocationVersion) return Error{Errc::unsupported, "a list of revoked nodes of version " + std::to_string(version) + "; this program reads version 1"};
  in.u24();
  const NodeId of_house = node_of(in.take(32));
  RevocationList list;
  list.number_ = in.u64();
  const std::uint64_t made = in.u64();
  const std::uint32_t count = in.u32();
  if (count > kMost) return no_list("it has more than 16384 nodes");
  if (in.remaining() != count * kEntry + sizeof(Signature)) return no_list("its length is not that of its nodes");
  if (list.number_ == 0 || made > kLastSecond) return no_list("its number or its time is none");
  if (of_house != NodeId::of_public_key(house)) return Error{Errc::unauthenticated, "this list of revoked nodes is another house's"};
  const std::size_t body = bytes.size() - sizeof(Signature);
  if (!verify_signature(house, kRevocationDomain, bytes.first(body), bytes.subspan(body))) {
    return Error{Errc::unauthenticated, "this list of revoked nodes was not signed by the house"};
  }
  list.made_ = from_unix(made);
  list.nodes_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const NodeId node = node_of(in.take(32));
    const std::uint64_t since = in.u64();
    if (since > kLastSecond) return no_list("a time is none");
    if (!list.nodes_.empty() && !(list.nodes_.back().node < node)) return no_list("its nodes are not in order");
    list.nodes_.push_back({node, from_unix(since)});
  }
  list.bytes_ = to_bytes(bytes);
  return list;
}

Result<RevocationList> RevocationList::make(const KeyPair& house, std::uint64_t number, WallTime made, std::vector<Revoked> nodes) {
  if (nodes.size() > kMost) return Error{Errc::exhausted, "more than 16384 nodes are revoked: make a house anew, and invite those who stay"};
  std::sort(nodes.begin(), nodes.end(), [](const Revoked& a, const Revoked& b) { return a.node != b.node ? a.node < b.node : a.since < b.since; });
  nodes.erase(std::unique(nodes.begin(), nodes.end(), [](const Revoked& a, const Revoked& b) { return a.node == b.node; }), nodes.end());
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(kRevocationMagic)).u8(kRevocationVersion).u24(0).bytes(NodeId::of_public_key(house.public_key()).bytes);
  out.u64(number).u64(to_unix(made)).u32(static_cast<std::uint32_t>(nodes.size()));
  for (const Revoked& one : nodes) out.bytes(one.node.bytes).u64(to_unix(one.since));
  out.bytes(house.sign(kRevocationDomain, bytes));
  return read(bytes, house.public_key());
}

const Revoked* RevocationList::find(const NodeId& node) const {
  const auto at = std::lower_bound(nodes_.begin(), nodes_.end(), node, [](const Revoked& one, const NodeId& wanted) { return one.node < wanted; });
  return at != nodes_.end() && at->node == node ? &*at : nullptr;
}

}  // namespace ghost::b2
