#pragma once
#include "base/time.h"

namespace ghost::net {

/// Whether polling pays: a wait shorter than a thread's way to sleep and back is cheaper spent polling. Pure.
///
/// A wait may poll for `spin` while the moving average of the last waits is below `spin`, and while the polling that
/// found nothing stays within its share of the time. After polling in vain the next waits park, more of them each time:
/// where the peer shares our core, it cannot answer before we sleep, however short the waits are.
class SpinPolicy {
 public:
  /// @param spin   the longest a wait may poll; zero never polls
  /// @param share  of the time that may go into polling that found nothing, 0 … 1
  SpinPolicy(Duration spin, double share)
      : spin_(spin), share_(share), mean_(kLongest * spin), credit_(kSaved * spin) {}

  bool enabled() const { return spin_ > Duration::zero(); }

  /// How long the wait that begins may poll; zero says to park at once.
  Duration budget() const { return skip_ == 0 && mean_ < spin_ && credit_ >= spin_ ? spin_ : Duration::zero(); }

  enum class Look { first, later };

  /// A wait that polled has found something at `now`, after `waited`. What was there at the first look is no merit of
  /// polling.
  void found(TimePoint now, Duration waited, Look look);
  /// A wait has ended at `now` after `waited`, of which `in_vain` was polled before it parked.
  void parked(TimePoint now, Duration waited, Duration in_vain);

 private:
  static constexpr int kLongest =
      2;  ///< a wait counts for at most this many times `spin`, so that one pause is soon forgotten
  static constexpr int kSaved = 20;  ///< unused share is saved up to this many times `spin`
  static constexpr int kWeight = 4;  ///< the last wait has 1/4 of the weight
  static constexpr unsigned kMostSkipped = 1024;

  void count(TimePoint now, Duration waited);

  Duration spin_;
  double share_;
  Duration mean_;
  Duration credit_;
  TimePoint last_ = TimePoint::min();
  unsigned skip_ = 0;       ///< waits that park before polling is tried again
  unsigned next_skip_ = 1;  ///< and after the next time in vain
};

}  // namespace ghost::net
