#pragma once
#include <span>
#include <string_view>

#include "b2_load.h"
#include "load.h"

namespace ghost::b2::bench {

/// One row of the table: the same work through raw epoll and through b2.
struct Cell {
  /// What of b2 is compared.
  enum class Measure : std::uint8_t {
    latency,  ///< raw p50 over b2 p50
    rate,     ///< b2's rate over raw's
    absolute,  ///< b2's messages a second
    codec      ///< nanoseconds to encode and decode a message; there is no raw to compare with
  };
  std::string_view name;
  std::string_view what;
  Measure measure;
  double target;  ///< at least; of the codec, at most
  bool unix_socket;
  Setup setup;    ///< of b2; raw is always plain and never spins
  Work work;
};

/// All cells, in the order of the table.
std::span<const Cell> cells();

}  // namespace ghost::b2::bench
