#include "b2/process_use.h"

#include <charconv>

namespace ghost::b2 {

namespace {

constexpr int kUserTicks = 14, kKernelTicks = 15, kResidentPages = 24;  // proc(5) counts from 1
constexpr int kAfterName = 3;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The field of that number, in the text that follows the program's name.
std::optional<std::uint64_t> field(std::string_view rest, int wanted) {
  for (int at = kAfterName; !rest.empty(); ++at) {
    const std::size_t space = rest.find_first_of(" \n");
    if (at == wanted) return number(rest.substr(0, space));
    if (space == std::string_view::npos) break;
    rest.remove_prefix(space + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<ProcessUse> parse_process_use(std::string_view stat, std::int64_t ticks_per_second, std::int64_t page_bytes) {
  // The name may hold spaces and brackets itself: the last bracket ends it.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 > stat.size() || ticks_per_second <= 0 || page_bytes <= 0) return std::nullopt;
  const std::string_view rest = stat.substr(name_end + 2);
  const auto user = field(rest, kUserTicks), kernel = field(rest, kKernelTicks), pages = field(rest, kResidentPages);
  if (!user || !kernel || !pages) return std::nullopt;
  const double seconds = static_cast<double>(*user + *kernel) / static_cast<double>(ticks_per_second);
  ProcessUse use;
  use.cpu = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  use.resident_bytes = *pages * static_cast<std::uint64_t>(page_bytes);
  return use;
}

}  // namespace ghost::b2
