#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/network.h"

namespace ghost::net {

/// How one direction between two hosts treats what crosses it. Streams feel delay, jitter and rate in their order, and loss only
/// as delay: a lost segment of 1448 bytes comes after a retransmission timeout of two round trips, 200 ms at least, doubling.
/// Datagrams feel all but `fragment`; jitter lets them overtake each other. Each direction of each pair of hosts has a rate and
/// losses of its own: a multicast is one copy on every link, and each receiver loses for itself.
struct LinkConditions {
  Duration delay = std::chrono::microseconds(50);  ///< one way
  Duration jitter{};                               ///< uniform, added to delay
  std::uint64_t rate = 0;                          ///< bits of payload per second; 0 is without limit
  std::size_t queue = 256 * 1024;                  ///< bytes waiting at a limited rate before datagrams are dropped
  double loss = 0;                                 ///< probability that a datagram is lost
  double burst = 1;                                ///< mean length of a run of losses, in datagrams (Gilbert-Elliott); up to 1:
                                                   ///< each is lost on its own
  double duplicate = 0;                            ///< probability that a datagram arrives twice
  double reorder = 0;                              ///< probability that a datagram is held back by `reorder_by`
  Duration reorder_by = std::chrono::milliseconds(1);
  std::size_t fragment = 0;                        ///< streams arrive in pieces of 1 … fragment bytes; 0 as sent
};

/// Hosts, links and a clock that exist only here. Everything runs on the caller's thread, in the order of virtual time; the same
/// seed gives the same run, event by event. The world must outlive what its networks and reactors handed out.
///
/// - Work takes no virtual time, but a turn does: what is posted, and a timer that is due already, comes 1 µs later, so that a
///   host that keeps itself busy for ever does not stop the clock. The clock starts at 1 h.
/// - post() may be called from other threads; such work runs as soon as the world takes its next step. Virtual time does not wait
///   for other threads, so runs with worker threads do not repeat.
/// - A stream carries at most 256 KiB in each direction that the peer has not read. A listener accepts when the request arrives,
///   half a round trip before the dialer knows. An address that nobody has, and a killed host, do not answer: timed_out.
/// - Unix-socket paths are each host's own. Both ends see this process as their peer.
/// - What arrives at a datagram socket in one instant is handed out together. Its receive buffer (212,992 bytes unless wished
///   otherwise) bounds that too: a sender without a pace overruns it as it would a real one.
/// - A host reaches itself in 10 µs without losses, unless set_link() says otherwise.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  ~SimWorld();

  /// A new host with one interface "sim0" (index 2) and loopback (index 1). `address` is its IPv4 or IPv6 address, port 0.
  Network& add_host(const Address& address);

  /// What holds from now on between two hosts, in that direction; and for every pair that has nothing of its own.
  void set_link(const Address& from, const Address& to, const LinkConditions& conditions);
  void set_default_link(const LinkConditions& conditions);
  /// Nothing crosses between the two, either way, not even what is under way: datagrams are lost, streams stall. Undone by heal().
  void partition(const Address& a, const Address& b);
  void heal(const Address& a, const Address& b);
  /// The host is gone without a goodbye: its listeners, sockets, timers and planned work; none of its callbacks runs again. Its
  /// peers' streams end with Errc::io "connection reset by peer" after `notice`. What its code still holds does nothing when
  /// called and may be destroyed at any time. The Network& stays valid and dead; revive() gives it a fresh start.
  void kill(const Address& host, Duration notice = std::chrono::milliseconds(1));
  void revive(const Address& host);

  TimePoint now() const;
  /// Runs events until none is due by `end`, which then is now. TimePoint::max(): until none is left; now is the last one's time.
  void run_until(TimePoint end);
  void run_for(Duration span) { run_until(now() + span); }
  /// Runs until `done` answers true (asked after each event) or `limit` has passed; says whether it did.
  bool run_until(const std::function<bool()>& done, Duration limit);

  struct Counters {
    std::uint64_t events;
    std::uint64_t datagrams_sent;       ///< by sockets: a multicast counts once
    std::uint64_t datagrams_delivered;  ///< to handlers: a multicast counts for each receiver
    std::uint64_t datagrams_lost;       ///< on links, at full queues and buffers, where nobody listens: for each receiver
    std::uint64_t stream_bytes;         ///< handed to handlers
  };
  Counters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ghost::net
