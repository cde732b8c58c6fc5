#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace ghost::b2 {

/// What a process uses, as /proc/PID/stat tells it (proc(5)).
struct ProcessUse {
  Duration cpu{};  ///< of all its threads, in user and kernel mode, since it started
  std::uint64_t resident_bytes = 0;
  friend bool operator==(const ProcessUse&, const ProcessUse&) = default;
};

/// @param stat              the content of /proc/PID/stat
/// @param ticks_per_second  sysconf(_SC_CLK_TCK)
/// @param page_bytes        sysconf(_SC_PAGESIZE)
/// @return nothing when `stat` is not what it should be
std::optional<ProcessUse> parse_process_use(std::string_view stat, std::int64_t ticks_per_second, std::int64_t page_bytes);

}  // namespace ghost::b2
