#pragma once
#include <optional>

#include "ardus/loss_events.h"
#include "ardus/message.h"
#include "base/time.h"

namespace ghost::ardus {

/// How the group's path to a receiver is: the receiver's half of docs/spec/ardus.md §5.10 and §5.11. Counts from the first question on.
class PathMeter {
 public:
  bool asked() const { return question_.has_value(); }
  /// A packet of the group came; each is counted once.
  void arrived(std::uint64_t number, TimePoint now);
  void hear(const PathQuestion& question, ReceiverNumber me, TimePoint now);
  /// Whether less than what is sent is its share, so that it is to say so unasked; then, how much of it: 0 … 1.
  std::optional<double> too_fast() const;
  PathReport report() const;

 private:
  Duration round_trip() const;

  std::optional<PathQuestion> question_;
  Duration own_trip_{};            ///< as the sender told it; zero: it has not
  std::uint32_t one_way_ = 0;
  LossEvents losses_;
  std::uint64_t counted_ = 0;      ///< packets since counted_since_
  TimePoint counted_since_{};
  double received_ = 0;            ///< bit/s
};

}  // namespace ghost::ardus
