#pragma once
#include <cstdint>
#include <optional>

#include "ardus/opening.h"

namespace ghost::ardus {

/// What the rate is decided by, of the time since the last step.
struct RateSample {
  double loss = 0;         ///< of the 95th-percentile receiver
  bool behind = false;     ///< receivers say that they do not keep up: their disks, or their socket's queue
  std::uint64_t sent = 0;  ///< bit/s on the wire really sent; 0: as the rate says
};

/// The rate a sender may use, in bit/s on the wire (docs/spec/ardus.md §5.7): doubled from ceiling/8 until loss grows with it, then what came
/// through is what the way carries. Loss that is the same at two rates is the links' own, and no reason to be slow: why, and what else was
/// weighed, stands in docs/decisions/0011-loss-that-is-not-the-rates-doing.md.
class RateControl {
 public:
  RateControl(std::uint64_t ceiling, bool fixed) { set_ceiling(ceiling, fixed); }
  void set_ceiling(std::uint64_t ceiling, bool fixed);

  std::uint64_t rate() const { return rate_; }
  bool rising() const { return !fixed_ && state_ == State::rising; }
  /// What the receivers said since the last step.
  void step(const RateSample& sample);
  /// The same of a time in which there was not always something to send: nothing can be learnt of it but that the rate is far too high.
  void step_idle(const RateSample& sample);
  /// What came of the first packets.
  void opened(const Opening::Outcome& outcome);
  /// From here on it is sent to slower ways, at what comes through to them, also where the rate is fixed; until follow_all().
  void follow_slow(double carried);
  void follow_all();
  bool follows_slow() const { return before_slow_.has_value(); }
  /// Nobody who was asked has answered.
  void silence();

 private:
  enum class State : std::uint8_t {
    rising,   ///< grows with each step
    holding,  ///< at what was found, until loss grows or it is time to try more
    raised,   ///< tries whether more goes through
    lowered   ///< tries whether less is lost
  };
  struct Point {
    double rate = 0, loss = 0;
    double delivered() const { return rate * (1 - loss); }
  };

  static double chance(double loss);
  void set_rate(double rate);
  void rise(const Point& at);
  void hold(const Point& at);
  void judge_raised(const Point& at);
  void judge_lowered(const Point& at);
  void lower(const Point& from);
  void found(double delivered, double most);
  void hold_at(double rate);
  bool averaged(const Point& at);
  double noise(double loss, int samples) const;

  std::uint64_t ceiling_ = 0, rate_ = 0;
  bool fixed_ = true;
  State state_ = State::rising;
  double growth_ = 2;            ///< of a step that rises; less once a limit was met
  double own_ = 0;               ///< loss that is the links' own, as far as is known
  double loss_ = 0, spread_ = 0; ///< smoothed, while it holds: the loss, and how far single samples are from it
  std::optional<Point> before_;  ///< what the next sample is compared with
  double back_to_ = 0;           ///< the rate before it was raised or lowered
  Point sum_;                    ///< of the samples at the rate that is tried
  std::optional<double> cut_at_; ///< the loss for which the rate was taken to be far too high
  int in_vain_ = 0;              ///< such cuts after which as much was lost
  struct Before {
    std::uint64_t rate;
    bool fixed;
  };
  std::optional<Before> before_slow_;
  bool measured_ = false;        ///< it holds at what the first packets told
  int samples_ = 0;
  int pause_ = 0, wait_ = 0;     ///< steps between two tries, and until the next
  int draining_ = 0;             ///< steps in which `behind` still speaks of the time before the last cut
};

}  // namespace ghost::ardus
