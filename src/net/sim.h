#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/network.h"

namespace ghost::net {

/// How a link treats what crosses it. Streams feel delay and rate (loss only as delay, since TCP repairs it); datagrams feel all.
struct LinkConditions {
  Duration delay = std::chrono::microseconds(50);  ///< one way
  Duration jitter{};                               ///< uniform, added to delay
  std::uint64_t rate = 0;                          ///< bits per second; 0 is without limit
  std::size_t queue = 256 * 1024;                  ///< bytes waiting at a limited rate before datagrams are dropped
  double loss = 0;                                 ///< probability that a datagram is lost
  double burst = 1;                                ///< mean length of a run of losses, in datagrams (Gilbert-Elliott; 1: independent)
  double duplicate = 0;                            ///< probability that a datagram arrives twice
  double reorder = 0;                              ///< probability that a datagram is held back by `reorder_by`
  Duration reorder_by = std::chrono::milliseconds(1);
  std::size_t fragment = 0;                        ///< streams arrive in pieces of 1 … fragment bytes; 0 as sent
};

/// Hosts, links and a clock that exist only here. Everything runs on the caller's thread, in the order of virtual time; the same
/// seed gives the same run, event by event.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  ~SimWorld();

  /// A new host with one interface "sim0" (index 2) and loopback (index 1). `address` is its IPv4 or IPv6 address, port 0.
  Network& add_host(const Address& address);

  /// What holds from now on between two hosts, in that direction; and for every pair that has nothing of its own.
  void set_link(const Address& from, const Address& to, const LinkConditions& conditions);
  void set_default_link(const LinkConditions& conditions);
  /// Nothing crosses between the two, either way; streams stall. Undone by heal().
  void partition(const Address& a, const Address& b);
  void heal(const Address& a, const Address& b);
  /// The host is gone without a goodbye: its listeners, sockets and timers; its peers' streams end with an error after `notice`.
  /// The Network& stays valid and dead; revive() gives it a fresh start.
  void kill(const Address& host, Duration notice = std::chrono::milliseconds(1));
  void revive(const Address& host);

  TimePoint now() const;
  /// Runs events until none is due by `end`, which then is now.
  void run_until(TimePoint end);
  void run_for(Duration span) { run_until(now() + span); }
  /// Runs until `done` answers true (asked after each event) or `limit` has passed; says whether it did.
  bool run_until(const std::function<bool()>& done, Duration limit);

  struct Counters {
    std::uint64_t events, datagrams_sent, datagrams_delivered, datagrams_lost, stream_bytes;
  };
  Counters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ghost::net
