#pragma once
#include <cstdint>

#include "ardus/payload.h"
#include "base/time.h"

/// Who answers and when, so that a thousand receivers do not speak at once (docs/spec/ardus.md §5.3, §5.5).
namespace ghost::ardus {

/// The truncated exponential back-off of RFC 5401 §3.2.2: how long to wait before asking, so that of `group` receivers that lack
/// something a few speak early and are heard by the rest before they do.
/// @param unit     evenly distributed in [0, 1)
/// @param longest  T; zero: at once
Duration backoff(double unit, Duration longest, std::uint32_t group);

/// A number that looks random but is the same for sender and receiver: splitmix64's finisher over sequence * 2^32 xor receiver.
std::uint64_t feedback_hash(std::uint64_t sequence, ReceiverNumber receiver);

/// Whether the receiver is of the one in `sample` that answer the message with this sequence number.
inline bool is_sampled(std::uint64_t sequence, ReceiverNumber receiver, std::uint32_t sample) {
  return sample > 0 && feedback_hash(sequence, receiver) % sample == 0;
}
/// When in `slots` the receiver answers a census.
Duration census_slot(std::uint64_t sequence, ReceiverNumber receiver, Duration slots);

}  // namespace ghost::ardus
