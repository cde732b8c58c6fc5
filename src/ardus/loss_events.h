#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.h"

namespace ghost::ardus {

/// Bit/s on the wire that a TCP flow would get where `p` of the packets begin a loss event: the throughput equation of RFC 5348 §3.1.
/// @param packet  bits of one, on the wire
double tcp_rate(double packet, Duration round_trip, double p);
/// The loss event rate at which tcp_rate() is `rate`.
double loss_for_rate(double packet, Duration round_trip, double rate);

/// Loss events of a path (RFC 5348 §5): losses within a round trip are one. From the numbers of the packets that come.
class LossEvents {
 public:
  /// A packet came; each is counted once.
  /// @param received  bit/s on the wire that came of late: what the first event is judged by (RFC 5348 §6.3.1)
  void arrived(std::uint64_t number, Duration round_trip, double packet, double received, TimePoint now);

  /// Loss events for each packet: one over the weighted mean of the last eight intervals; 0 before the first event.
  double rate() const;
  std::uint32_t events() const { return events_; }

 private:
  struct Hole {
    std::uint64_t first, end;
    unsigned later;  ///< packets that came after it
    TimePoint seen;
  };
  void lost(const Hole& hole, Duration round_trip, double packet, double received);

  std::uint64_t next_ = 0;  ///< the number that should come
  bool started_ = false;
  std::vector<Hole> holes_;
  std::deque<double> intervals_;  ///< closed ones, the last first
  std::uint64_t event_first_ = 0;  ///< the number that the last event began with
  TimePoint event_at_{};
  std::uint32_t events_ = 0;
};

}  // namespace ghost::ardus
