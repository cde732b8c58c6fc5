#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "b2/discovery_table.h"

namespace ghost::b2 {

/// Where discovery speaks: one interface, by either family or both.
struct DiscoveryLink {
  std::uint32_t interface = 0;
  bool ip4 = false, ip6 = false;
  friend bool operator==(const DiscoveryLink&, const DiscoveryLink&) = default;
  std::size_t families() const { return (ip4 ? 1u : 0u) + (ip6 ? 1u : 0u); }
};

/// A datagram to send: to the group on a link, by each of its families, or to one address alone.
struct DiscoveryOut {
  std::uint32_t interface = 0;
  std::string alone;  ///< "10.0.0.9:41234"; "" for the group
  Bytes bytes;
};

/// How one came in.
struct DiscoveryIn {
  std::uint32_t interface = 0;
  bool ip6 = false;
  bool group = true;    ///< sent to the group, not to us alone
  std::string host;     ///< of the sender: "10.0.0.7", "fe80::1%eth0"
  std::string from;     ///< with the port it was sent from: "10.0.0.7:2203"
};

/// Finding nodes by beacons (docs/spec/b2.md §14): when to send what, what to make of what comes, whom to dial. Pure: time and
/// datagrams come in, datagrams and dials go out.
///
/// All that it sends is held to what it hears: who hears the link full stays quiet, so that a thousand nodes together are no louder than
/// a few, also when all start, change or are asked in the same instant.
class Discovery {
 public:
  Discovery(const DiscoveryRules& rules, std::uint64_t seed) : rules_(rules), random_(seed), table_(rules_, random_) {}
  Discovery(const Discovery&) = delete;

  /// What is announced; nothing for a node that only looks. A change is announced at once.
  void set_self(const std::optional<Announcement>& self, TimePoint now);
  /// The links there are. A link that is new is announced and asked on.
  void set_links(const std::vector<DiscoveryLink>& links, TimePoint now);
  void on_datagram(const DiscoveryIn& in, BytesView bytes, TimePoint now, std::uint64_t wall_ms);
  /// Asks all links, and to be answered alone, too: for one that only looks. @return the query, with its number
  DiscoveryMessage ask(TimePoint now);
  /// Says goodbye, where the link has room for it.
  void leave(TimePoint now);
  /// Announces again: what was sent did not get out.
  void repeat(std::uint32_t interface, TimePoint now);

  void on_time(TimePoint now);
  std::vector<DiscoveryOut> take_outgoing(std::uint64_t wall_ms);
  TimePoint next_wakeup() const;

  PeerTable& peers() { return table_; }
  const PeerTable& peers() const { return table_; }

  /// What one that looks was told in answer to ask().
  struct Answer {
    PeerKey key;
    std::uint32_t interface = 0;
    bool ip6 = false, group = false;
  };
  const std::vector<Answer>& answers() const { return answers_; }

  struct LinkCounters {
    std::uint64_t sent = 0, heard = 0, deferred = 0;
    std::optional<TimePoint> own_ip4, own_ip6;  ///< when our own was heard last
  };
  /// Null for a link that there is not.
  const LinkCounters* link(std::uint32_t interface) const;

  struct Counters {
    std::uint64_t beacons_sent = 0, queries_sent = 0, byes_sent = 0, alone_sent = 0, deferred = 0;
    std::uint64_t beacons_heard = 0, queries_heard = 0, byes_heard = 0, malformed = 0;
    std::uint64_t doubles = 0;  ///< beacons of another that has our node and port: its key was copied
  };
  const Counters& counters() const { return counters_; }
  /// Where the last such came from.
  const std::string& double_at() const { return double_at_; }
  Duration interval(std::uint32_t interface) const;

 private:
  struct Link {
    DiscoveryLink what;
    LinkCounters counters;
    std::deque<TimePoint> recent;                   ///< what the link carried within the last second
    TimePoint sent_at = TimePoint::min();
    TimePoint regular_at = TimePoint::max();        ///< the next beacon,
    TimePoint regular_since{};                      ///< which was due first then
    TimePoint urgent_at = TimePoint::max();         ///< a beacon that does not wait its interval,
    TimePoint urgent_since{};
    bool asks = false;                              ///< and asks the others for theirs,
    bool news = false;                              ///< and is said twice
    struct Alone {
      std::string to;
      std::uint32_t nonce;
    };
    std::vector<Alone> alone;                       ///< who is told also
  };
  struct Unsent {
    std::uint32_t interface;
    std::string alone;
    DiscoveryMessage message;
  };

  void on_query(Link& link, const DiscoveryIn& in, const DiscoveryMessage& query, TimePoint now);
  void note_own(Link& link, const DiscoveryIn& in, TimePoint now);
  void want(Link& link, TimePoint at, TimePoint now);
  bool is_quiet(Link& link, std::size_t limit, TimePoint waits_since, TimePoint now);
  void announce(Link& link, TimePoint now);
  void carried(Link& link, std::size_t count, TimePoint now);
  void serve(Link& link, TimePoint now);
  void send_beacon(Link& link, TimePoint now);
  Duration interval(const Link& link) const;
  Duration around(double seconds_from, double seconds_to);
  double nodes_on(const Link& link) const { return static_cast<double>(table_.heard_on(link.what.interface)) + 1; }

  DiscoveryRules rules_;
  SeededRandom random_;
  PeerTable table_;
  std::optional<Announcement> self_;
  std::map<std::uint32_t, Link> links_;
  std::vector<Unsent> unsent_;
  TokenBucket alone_rate_{5, 1};
  std::uint32_t nonce_ = 0;  ///< of what was asked last; 0 for nothing
  std::vector<Answer> answers_;
  Counters counters_;
  std::string double_at_;
};

}  // namespace ghost::b2
