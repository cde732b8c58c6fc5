#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace ghost::b2::bench {

struct AbuseOptions {
  double seconds = 2;              ///< of each measurement
  std::size_t connections = 9'900; ///< of the idle ones; a server takes 10,000 in all
  std::vector<std::string> kinds;  ///< names; empty for all: idle, reset, loris, subscriber
  bool json = false;
};

/// One figure of what abuse came to.
struct AbuseFigure {
  std::string kind, what;
  double value = 0;
  std::string unit;
};

/// What it costs a server, and others who call it, to be abused: idle connections by the thousand, rapid reset, peers that say nothing
/// or drip, a subscriber that does not read. Forks servers and abusers: no other thread may run.
Result<std::vector<AbuseFigure>> measure_abuse(const AbuseOptions& options);

/// Measures and prints. The exit code.
int abuse_bench(const AbuseOptions& options);

}  // namespace ghost::b2::bench
