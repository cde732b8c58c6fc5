#pragma once
#include <cstdint>
#include <span>

#include "b2/identity.h"
#include "b2/v1/hello.b2.h"
#include "base/bytes.h"

namespace ghost::b2 {

/// What a node says of itself on the network (docs/spec/b2.md §14). Nothing of it is proven: who a node is, its certificate says.
struct Announcement {
  NodeId node;                  ///< none for one that only looks
  std::uint16_t port = 0;       ///< of TCP
  std::uint64_t epoch = 0;      ///< as in HELLO
  std::uint64_t services = 0;   ///< services_hash() of what it serves
  std::uint64_t house = 0;      ///< house_tag() of its house
  friend bool operator==(const Announcement&, const Announcement&) = default;
};

enum class DiscoveryKind : std::uint8_t { beacon = 1, query = 2, bye = 3 };

/// One datagram of discovery.
struct DiscoveryMessage {
  static constexpr std::size_t kSize = 80;      ///< bytes, of each kind: an answer is no longer than what asked for it
  static constexpr std::size_t kLongest = 512;  ///< what follows the 80 bytes is skipped
  static constexpr std::uint8_t kAlone = 1;     ///< of a query: answer also to where this came from
  static constexpr std::uint8_t kCopied = 2;    ///< of a beacon: the same went to one node alone

  DiscoveryKind kind = DiscoveryKind::beacon;
  std::uint8_t flags = 0;
  Announcement about;
  std::uint64_t time_ms = 0;  ///< since 1970 by the sender's clock; 0 untold
  std::uint32_t hold_ms = 0;  ///< how long it holds
  std::uint32_t nonce = 0;    ///< of a query; of a beacon that answers one: the query's

  bool alone() const { return (flags & kAlone) != 0; }
  bool copied() const { return (flags & kCopied) != 0; }
  Bytes encode() const;
  /// malformed for anything else than such a datagram: of another magic, kind or length, or a beacon or bye that names no node.
  static Result<DiscoveryMessage> decode(BytesView datagram);
  friend bool operator==(const DiscoveryMessage&, const DiscoveryMessage&) = default;
};

/// Of the services a node's HELLO lists: the first 8 bytes of a SHA-256 over their names, versions and descriptors.
std::uint64_t services_hash(std::span<const v1::ServiceEntry> services);
/// The first 8 bytes of a house's id; 0 for none.
std::uint64_t house_tag(BytesView house_id);

}  // namespace ghost::b2
