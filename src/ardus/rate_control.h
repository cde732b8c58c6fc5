#pragma once
#include <cstdint>

namespace ghost::ardus {

/// The rate a sender may use, in bit/s on the wire (docs/spec/ardus.md §5.7): doubled from ceiling/8 while nearly all receivers lose
/// nothing, or as little as a wireless link may, then felt for in small steps; cut to 0.7 when they lose. Loss that does not fall with
/// the rate is not the rate's doing.
class RateControl {
 public:
  RateControl(std::uint64_t ceiling, bool fixed) { set_ceiling(ceiling, fixed); }
  void set_ceiling(std::uint64_t ceiling, bool fixed);

  std::uint64_t rate() const { return rate_; }
  /// What the receivers said since the last step.
  /// @param loss    of the 95th-percentile receiver
  /// @param behind  more than one in twenty says that its disk does not keep up
  void step(double loss, bool behind);
  /// Nobody who was asked has answered.
  void silence();

 private:
  void cut();
  std::uint64_t ceiling_ = 0, rate_ = 0;
  bool fixed_ = true;
  bool probing_ = true;        ///< doubles still
  double floor_loss_ = 0;      ///< loss that stays whatever the rate
  double loss_before_cut_ = 0; ///< 0: the last step was no cut
  std::uint64_t rate_before_cut_ = 0;
};

}  // namespace ghost::ardus
