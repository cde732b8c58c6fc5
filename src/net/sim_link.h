#pragma once
#include <deque>
#include <set>
#include <unordered_map>
#include <utility>

#include "net/sim.h"
#include "net/sim_random.h"

namespace ghost::net::sim {

using HostIndex = std::uint32_t;

/// What TCP carries in a 1500-byte IPv4 packet with timestamps: what is lost and repaired as one.
inline constexpr std::size_t kSegment = 1448;

/// `at` + `span`, at most TimePoint::max(); a negative span is none.
TimePoint later(TimePoint at, Duration span);

/// Conditions as given, made sane, and what follows from them.
struct Profile {
  explicit Profile(const LinkConditions& given);

  LinkConditions conditions;
  double enter_burst = 0;  ///< Gilbert-Elliott: probability good → bad; all is lost while bad
  double leave_burst = 1;  ///< bad → good
  bool bursty = false;
  /// Whether what crosses depends on what crossed before; if not, all links of this profile can share one Link.
  bool remembers() const { return bursty || conditions.rate != 0; }
};

/// One direction between two hosts.
class Link {
 public:
  explicit Link(const Profile& profile) : profile_(&profile) {}

  const Profile& profile() const { return *profile_; }
  Duration delay() const { return profile_->conditions.delay; }

  /// When the copies of a datagram sent at `now` arrive: none, one or two.
  struct Arrivals {
    int count = 0;
    TimePoint at[2];
  };
  Arrivals datagram(TimePoint now, std::size_t size, Random& random);

  /// When `size` bytes of a stream arrive, retransmissions included. `back` is the delay of the opposite direction.
  TimePoint stream(TimePoint now, std::size_t size, Duration back, Random& random);

 private:
  bool lose(Random& random);
  TimePoint leave_at(TimePoint now, std::size_t size);

  const Profile* profile_;
  TimePoint free_at_{};  ///< when the last byte accepted has been put on the wire, at a limited rate
  bool bad_ = false;     ///< inside a burst of losses
};

/// All links, made when first used, and the partitions.
class LinkTable {
 public:
  void set_default(const LinkConditions& conditions);
  void set(HostIndex from, HostIndex to, const LinkConditions& conditions);
  /// Valid while version() stays.
  Link& between(HostIndex from, HostIndex to);
  std::uint64_t version() const { return version_; }

  void cut(HostIndex a, HostIndex b) { cuts_.insert(std::minmax(a, b)); }
  void heal(HostIndex a, HostIndex b) { cuts_.erase(std::minmax(a, b)); }
  bool is_cut(HostIndex a, HostIndex b) const { return !cuts_.empty() && cuts_.contains(std::minmax(a, b)); }

 private:
  static std::uint64_t key(HostIndex from, HostIndex to) { return std::uint64_t{from} << 32 | to; }

  Profile default_{LinkConditions{}};
  Profile inside_{LinkConditions{.delay = std::chrono::microseconds(10)}};  ///< from a host to itself
  Link shared_default_{default_};
  Link shared_inside_{inside_};
  std::deque<Profile> profiles_;
  std::deque<Link> links_;
  struct Pair {
    Link* link;
    Profile* own;  ///< nullptr: follows the default
  };
  std::unordered_map<std::uint64_t, Pair> pairs_;
  std::set<std::pair<HostIndex, HostIndex>> cuts_;
  std::uint64_t version_ = 0;
};

}  // namespace ghost::net::sim
