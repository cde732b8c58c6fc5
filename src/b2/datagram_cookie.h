#pragma once
#include <array>
#include <vector>

#include "b2/datagram.h"
#include "base/time.h"
#include "base/token_bucket.h"

namespace ghost::b2 {

/// Who sent a datagram, and how an answer gets there.
struct DatagramPeer {
  std::array<std::uint8_t, 16> host{};  ///< IPv6, or IPv4 mapped into it
  std::uint16_t port = 0;
  bool ip4 = false;
  bool loopback = false;
  // Of no meaning here but for the socket's owner:
  std::array<std::uint8_t, 16> local{};  ///< the own address it was sent to
  std::uint32_t interface = 0, scope = 0;

  bool same_sender(const DatagramPeer& other) const { return host == other.host && port == other.port; }
};

/// Cookies: they prove that who sends from an address also receives there. Each is a keyed hash of address, port, the caller's id and
/// the minute it was made in, good for that minute and the next (docs/spec/b2.md §13.3); nothing is kept for them.
class CookieJar {
 public:
  static constexpr Duration kMinute = std::chrono::seconds(60);

  /// @param key  secret, of this process alone
  explicit CookieJar(const std::array<std::uint8_t, 32>& key) : key_(key) {}
  Cookie make(const DatagramPeer& peer, DatagramForm form, std::uint64_t id, TimePoint now) const { return of_minute(peer, form, id, minute(now)); }
  bool good(const Cookie& cookie, const DatagramPeer& peer, DatagramForm form, std::uint64_t id, TimePoint now) const;
  static std::uint64_t minute(TimePoint now) { return static_cast<std::uint64_t>(now.time_since_epoch() / kMinute); }

 private:
  Cookie of_minute(const DatagramPeer& peer, DatagramForm form, std::uint64_t id, std::uint64_t minute) const;

  std::array<std::uint8_t, 32> key_;
};

/// Rates by where datagrams come from, an IPv4 address or an IPv6 /64, in memory of a fixed size: some sources share a bucket.
class SourceRates {
 public:
  SourceRates(double burst, double rate, std::uint64_t secret) : buckets_(kBuckets, TokenBucket(burst, rate)), secret_(secret) {}
  bool take(const DatagramPeer& peer, TimePoint now);
  /// What counts as one source.
  static std::uint64_t source(const DatagramPeer& peer);

 private:
  static constexpr std::size_t kBuckets = 1024;
  std::vector<TokenBucket> buckets_;
  std::uint64_t secret_;
};

}  // namespace ghost::b2
