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
  explicit SimulatedQueue(std::uint64_t bits_per_second) : rate_(bits_per_second) {}
  bool limited() const { return rate_ > 0; }
  /// When a datagram of so many wire bytes is through; TimePoint::max(): dropped.
  TimePoint pass(std::uint64_t wire_bytes, TimePoint now);

 private:
  std::uint64_t rate_;
  TimePoint free_{};
};

}  // namespace ghost::ardus
