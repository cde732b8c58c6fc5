#include "b2/datagram_cookie.h"

#include <algorithm>

#include "base/sha256.h"

namespace ghost::b2 {

Cookie CookieJar::of_minute(const DatagramPeer& peer, DatagramForm form, std::uint64_t id, std::uint64_t minute) const {
  Bytes about(peer.host.begin(), peer.host.end());
  ByteWriter(about).u16(peer.port).u8(static_cast<std::uint8_t>(form)).u64(id).u64(minute);
  const Digest digest = hmac_sha256(key_, about);
  Cookie cookie;
  std::copy_n(digest.begin(), cookie.size(), cookie.begin());
  return cookie;
}

bool CookieJar::good(const Cookie& cookie, const DatagramPeer& peer, DatagramForm form, std::uint64_t id, TimePoint now) const {
  const std::uint64_t current = minute(now);
  return equal_in_constant_time(cookie, of_minute(peer, form, id, current)) || equal_in_constant_time(cookie, of_minute(peer, form, id, current - 1));
}

std::uint64_t SourceRates::source(const DatagramPeer& peer) {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool ip4 = std::equal(kMapped.begin(), kMapped.end(), peer.host.begin());
  return ip4 ? 0xffff00000000 | ByteReader(BytesView(peer.host).last(4)).u32() : ByteReader(peer.host).u64();
}

bool SourceRates::take(const DatagramPeer& peer, TimePoint now) {
  std::uint64_t mixed = (source(peer) ^ secret_) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 29 ^ secret_ >> 7) * 0xbf58476d1ce4e5b9;
  return buckets_[static_cast<std::size_t>(mixed >> 40) % kBuckets].take(now);
}

}  // namespace ghost::b2
