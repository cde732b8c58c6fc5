#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ghost {

/// "250ms", "20s", "5min", "1.5h", "30d", "90" (seconds); never negative. malformed names the units there are.
Result<Duration> parse_duration(std::string_view text);
/// "65536", "64KiB", "4 MiB", "10MB", "1.5G" (binary, as KiB, MiB, GiB, TiB; KB, MB, GB, TB are decimal): bytes.
Result<std::uint64_t> parse_size(std::string_view text);

/// "200M", "1G", "500 kbit/s", "1000000": bits per second, decimal; more than none.
Result<std::uint64_t> parse_bit_rate(std::string_view text);

/// For people: "250 ms", "4.2 s", "2 min 5 s", "3 h 20 min", "12 d 4 h".
std::string format_duration(Duration duration);
/// As parse_duration() takes it, exactly: "250ms", "90s", "24h".
std::string exact_duration(Duration duration);
/// For people: "512 B", "1.5 KiB", "10.0 GiB".
std::string format_size(std::uint64_t bytes);
/// "2026-03-01 17:05 UTC".
std::string format_time(WallTime time);

}  // namespace ghost
