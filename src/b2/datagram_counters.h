#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace ghost::b2 {

/// Why a datagram, or a call in one, got no answer. A closed set: each is a label of a metric (docs/spec/b2.md §10).
enum class DatagramDrop : std::uint8_t {
  malformed,  ///< not as §13 has it, or nothing a server takes
  seal,       ///< of no session, forged, or come before
  rate,       ///< beyond what its source may ask
  window,     ///< calls beyond the window, or done with
  full,       ///< too many callers
  count_
};
/// "malformed", …: the enumerator's name.
std::string_view name(DatagramDrop why);

/// What was counted of calls in datagrams.
struct DatagramCounters {
  bool served = false;  ///< whether this process takes any
  std::uint64_t received = 0, sent = 0, received_bytes = 0, sent_bytes = 0;
  std::uint64_t cookies = 0;        ///< handed out
  std::uint64_t plain = 0, pure = 0, sealed = 0;  ///< calls taken
  std::uint64_t repeats = 0;        ///< calls that came again and were not carried out again
  std::uint64_t use_stream = 0;     ///< answers that were too long
  std::uint64_t forgotten = 0;      ///< callers that had to make room
  std::uint64_t callers = 0, sessions = 0, kept_bytes = 0, open = 0;  ///< at present
  std::array<std::uint64_t, static_cast<std::size_t>(DatagramDrop::count_)> dropped{};

  void drop(DatagramDrop why) { ++dropped[static_cast<std::size_t>(why)]; }
};

}  // namespace ghost::b2
