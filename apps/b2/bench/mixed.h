#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ghost::b2::bench {

struct MixedOptions {
  double seconds = 10;
  std::uint64_t seed = 1;
  bool json = false;
};

/// What a mixed load came to.
struct MixedCounts {
  std::uint64_t echoes = 0, works = 0, counts = 0, collects = 0, mirrors = 0, publications = 0;  ///< that ended well
  std::uint64_t topic_messages = 0, topic_dropped = 0;
  std::uint64_t cancelled = 0, late = 0, lost = 0;  ///< ended as they had to: cancelled, deadline, connection dropped
  std::uint64_t connections = 0, bytes = 0;         ///< bytes: of content that was compared
  std::vector<std::string> wrong;                   ///< what should not have been; the first ones
  std::uint64_t wrong_total = 0;
};

/// Everything at once, through a server on a thread of its own with a pool of workers: calls, work, streams each way, topics, cancels,
/// deadlines that pass and connections that are dropped, over TCP, TLS and a Unix socket. Compares the content of every answer. Meant to
/// run under sanitizers as well.
Result<MixedCounts> run_mixed(const MixedOptions& options);

/// Runs and prints it. The exit code: 0, or 1 when something was wrong.
int mixed_bench(const MixedOptions& options);

}  // namespace ghost::b2::bench
