#pragma once
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "net/epoll.h"

namespace ghost::ardus {

/// Rings within some tens of microseconds of its time, where the network's own timers keep to milliseconds: a sender's bursts are half
/// a millisecond apart. One timerfd; on the reactor's thread only.
class PaceTimer {
 public:
  /// @param ring  called once for each set(); may set it again
  PaceTimer(net::EpollNetwork& network, std::function<void()> ring);

  /// Replaces what was set before. A time that is past rings at once.
  void set(TimePoint when);
  /// It does not ring.
  void clear();

 private:
  void arm(TimePoint when);
  void on_ready();

  UniqueFd timer_;
  std::function<void()> ring_;
  TimePoint set_to_ = TimePoint::max();
  std::unique_ptr<net::EpollNetwork::Watch> watch_;  ///< of timer_, which outlives it
};

}  // namespace ghost::ardus
