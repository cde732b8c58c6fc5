#pragma once
#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "b2/discovery_message.h"
#include "base/random.h"
#include "base/time.h"
#include "base/token_bucket.h"

namespace ghost::b2 {

/// One program that announces itself: a node may run several, each on a port of its own.
struct PeerKey {
  NodeId node;
  std::uint16_t port = 0;
  friend auto operator<=>(const PeerKey&, const PeerKey&) = default;
};

/// Where a peer was heard from, or was said to be.
struct PeerWay {
  std::string address;          ///< "10.0.0.7:2203", "[fe80::1%eth0]:2203"
  std::uint32_t interface = 0;  ///< it was heard on; 0 for one that another member told of
  TimePoint heard{};
};

enum class PeerState : std::uint8_t {
  heard,        ///< says that it is of our house; not proven yet
  proven,       ///< its certificate was seen, and its services read
  unreachable,  ///< it was tried, and did not answer, or was another
  foreign       ///< of another house, or there is none to prove it by: never dialled
};
std::string_view name(PeerState state);

struct PeerService {
  std::string name, version;
  v1::Health health = v1::Health::unknown;
};

struct Peer {
  PeerKey key;
  Announcement about;            ///< as it was announced last
  PeerState state = PeerState::heard;
  std::vector<PeerWay> ways;     ///< heard on links, newest first; then told. At most kMostWays
  std::string name;              ///< from its certificate
  std::vector<PeerService> services;  ///< as HELLO had them
  std::uint64_t services_read = 0;    ///< services_hash() of these
  std::uint64_t epoch_read = 0;
  TimePoint heard{};             ///< when anything last showed that it is there
  TimePoint until{};             ///< it is given up unless something does by then
  std::string problem;           ///< why it is unreachable
  std::int64_t clock_ahead_ms = 0;  ///< of ours, as its last beacon told; 0 when untold

  TimePoint dial_at = TimePoint::max();
  TimePoint dialled_at{};
  TimePoint planned{};           ///< its place in the table's plan
  bool dialling = false;
  bool last_chance = false;      ///< the dial that is due decides whether it goes
  std::uint32_t tries = 0;       ///< dials in a row that brought nothing that was not known
};

/// What a node that is dialled said of itself.
struct PeerProof {
  std::string name;
  std::vector<PeerService> services;
  std::uint64_t services_hash = 0, epoch = 0;
};

/// What one member tells another of a third.
struct PeerHint {
  Announcement about;
  std::vector<std::string> addresses;
  Duration age{};  ///< since anything showed that it is there
};

/// What discovery keeps of others and asks of the network (docs/spec/b2.md §14). The times are the protocol's.
struct DiscoveryRules {
  Duration interval = std::chrono::seconds(5);       ///< between beacons, ± 20 %
  Duration longest_interval = std::chrono::seconds(120);
  double regular_share = 20;    ///< beacons a second that the intervals of all nodes of a link come to at most
  std::size_t regular_limit = 25, urgent_limit = 32;  ///< heard within a second: what waits stays quiet
  Duration patience = std::chrono::seconds(60);      ///< then it is sent all the same
  double spread = 50;           ///< answers and dials of N nodes are spread over N / spread seconds
  double missed = 3.5;          ///< intervals without a beacon until a node is given up
  Duration longest_hold = std::chrono::minutes(10);
  Duration told_hold = std::chrono::minutes(5);      ///< for what another member told
  std::size_t peers = 4096, unproven = 2048;
  std::size_t dials = 4;        ///< at a time
  double dial_rate = 20, dial_burst = 20;  ///< a second
  Duration first_retry = std::chrono::seconds(1), longest_retry = std::chrono::minutes(10);
};

/// The others, by what they announced and what was proven of it. Bounded: what strangers claim cannot push out what is proven.
class PeerTable {
 public:
  static constexpr std::size_t kMostWays = 8;
  static constexpr std::size_t kMostServices = 64;

  PeerTable(const DiscoveryRules& rules, SeededRandom& random) : rules_(rules), random_(random) {}

  /// Of these only the house's are dialled; 0 for none.
  void set_house(std::uint64_t house, TimePoint now);

  /// A beacon was heard. @return the peer, or null when there is no room for one more that nobody has proven.
  const Peer* heard(const DiscoveryMessage& beacon, const PeerWay& way, TimePoint now, std::uint64_t wall_ms);
  /// Dials all that are proven, and lets go of those that fail.
  void check_all(TimePoint now);
  /// A node says that it leaves. Anyone can say so: one that is proven is asked first.
  void leaving(const PeerKey& key, TimePoint now);
  /// A member told of it, or it called us.
  void told(const PeerHint& hint, TimePoint now);
  /// A node was dialled by its address and has proven who it is.
  void proven(const Announcement& about, const std::string& address, PeerProof proof, TimePoint now);

  struct Dial {
    PeerKey key;
    std::string address;
  };
  /// Whom to dial now. Each is answered by dialled().
  std::vector<Dial> take_dials(TimePoint now);
  void dialled(const Dial& dial, Result<PeerProof> result, TimePoint now);

  /// Lets go whom nothing was heard of. @return whom that concerned
  std::vector<PeerKey> expire(TimePoint now, Duration own_hold);
  TimePoint next_wakeup() const;

  /// Random ones that are proven, other than `except`, with addresses that mean something elsewhere.
  std::vector<PeerHint> hints(std::size_t most, const NodeId& except, TimePoint now);
  /// Addresses of random ones that are proven.
  std::vector<Dial> partners(std::size_t most);

  const std::map<PeerKey, Peer>& all() const { return peers_; }
  const Peer* find(const PeerKey& key) const;
  std::size_t heard_on(std::uint32_t interface) const;
  /// A link is gone, and with it the ways that led over it.
  void forget_link(std::uint32_t interface);
  /// Some are known by hearsay only, so that hearsay has to be kept up.
  bool has_told() const { return heard_on(0) != 0; }

  struct Counters {
    std::uint64_t dials = 0, proven = 0, failed = 0, expired = 0, no_room = 0;
  };
  const Counters& counters() const { return counters_; }
  /// Counts up with each change that a user would see.
  std::uint64_t version() const { return version_; }

 private:
  using Peers = std::map<PeerKey, Peer>;
  Peer* find_or_add(const PeerKey& key);
  bool make_room();
  Peers::iterator remove(Peers::iterator peer);
  void note_way(Peer& peer, const PeerWay& way);
  void count_links(const Peer& peer, bool in);
  void take_announcement(Peer& peer, const Announcement& about, TimePoint now);
  void plan_dial(Peer& peer, TimePoint now);
  void plan_end(Peer& peer, TimePoint until);
  void hold_until(Peer& peer, TimePoint until);
  void plan(Peer& peer);
  void plan_anew(Peer& peer);
  void set_state(Peer& peer, PeerState state);
  void accept(Peer& peer, PeerProof proof);
  void fail(Peer& peer, const Error& why, TimePoint now);
  Duration back_off(const Peer& peer) const;
  Peers::iterator random_peer();
  std::vector<Peer*> some_proven(std::size_t most);
  static TimePoint due(const Peer& peer) { return std::min(peer.until, peer.dial_at); }

  const DiscoveryRules& rules_;
  SeededRandom& random_;
  std::uint64_t house_ = 0;
  Peers peers_;
  /// Of each peer, the earlier of its dial and its end, or a time before: an end that is put off is looked at when it would have come.
  std::set<std::pair<TimePoint, PeerKey>> due_;
  std::map<std::uint32_t, std::size_t> on_link_;
  std::size_t unproven_ = 0;
  std::size_t dialling_ = 0;
  TokenBucket dial_rate_{rules_.dial_burst, rules_.dial_rate};
  TimePoint dials_wait_{};  ///< until when none may begin
  std::uint64_t version_ = 0;
  Counters counters_;
};

}  // namespace ghost::b2
