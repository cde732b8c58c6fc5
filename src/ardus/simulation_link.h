#pragma once
#include <cstdint>

#include "base/random.h"
#include "base/time.h"

namespace ghost::ardus {

/// Losses of one direction of one link: alone, or in runs of a mean length (Gilbert-Elliott).
class SimulatedLoss {
 public:
  SimulatedLoss(double loss, double burst, std::uint64_t seed);

  /// How many datagrams pass before the next is lost.
  std::uint64_t good() const { return good_; }
  /// `count` datagrams passed; count <= good().
  void pass(std::uint64_t count) { good_ -= count; }
  /// Whether the next datagram is lost.
  bool lose();

 private:
  void draw();

  double loss_, burst_;
  SeededRandom random_;
  std::uint64_t good_ = 0, bad_ = 0;
};

/// A link that carries so many bits a second and drops what does not fit its queue.
class SimulatedQueue {
 public:
  static constexpr std::uint64_t kBytes = 256 * 1024;
  /// @param bytes  that the queue holds
  explicit SimulatedQueue(std::uint64_t bits_per_second, std::uint64_t bytes = kBytes) : rate_(bits_per_second), bytes_(bytes) {}
  bool limited() const { return rate_ > 0; }
  /// When a datagram of so many wire bytes is through; TimePoint::max(): dropped.
  TimePoint pass(std::uint64_t wire_bytes, TimePoint now);

 private:
  std::uint64_t rate_, bytes_;
  TimePoint free_{};
};

/// A TCP flow that always has something to send: Reno's windows (RFC 5681) with selective acknowledgement, none of which is lost. Each
/// segment has one number on its way, retransmitted or not; the way keeps their order.
class RenoFlow {
 public:
  static constexpr std::uint64_t kWireBytes = 1514;
  /// The segments that leave: their numbers follow the last one's. Call after start(), acknowledged() and on_timeout().
  unsigned take();
  std::uint64_t next() const { return next_; }
  void start(TimePoint now) { heard_ = now; }
  void acknowledged(std::uint64_t number, Duration round_trip, TimePoint now);
  /// When on_timeout() wants to be called.
  TimePoint timeout() const;
  void on_timeout(TimePoint now);

 private:
  std::uint64_t next_ = 0, first_out_ = 0;  ///< numbers below are known to have come or to be lost
  std::uint64_t recover_ = 0;               ///< losses of numbers below have been answered for
  double window_ = 10, threshold_ = 1e9;    ///< segments
  TimePoint heard_{};
  Duration trip_{};
  unsigned backoff_ = 0;
};

}  // namespace ghost::ardus
