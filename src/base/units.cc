#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>

#include "base/text.h"

namespace ghost {

namespace {

struct Unit {
  std::string_view name;
  double factor;  ///< in nanoseconds or bytes
};

constexpr double kSecond = 1e9;
constexpr std::array kDurations = {Unit{"ns", 1},           Unit{"us", 1e3},           Unit{"ms", 1e6},
                                   Unit{"s", kSecond},      Unit{"", kSecond},         Unit{"min", 60 * kSecond},
                                   Unit{"m", 60 * kSecond}, Unit{"h", 3600 * kSecond}, Unit{"d", 86400 * kSecond}};
constexpr double kKibi = 1024;
constexpr std::array kSizes = {Unit{"", 1},
                               Unit{"B", 1},
                               Unit{"KiB", kKibi},
                               Unit{"K", kKibi},
                               Unit{"KB", 1e3},
                               Unit{"MiB", kKibi * kKibi},
                               Unit{"M", kKibi * kKibi},
                               Unit{"MB", 1e6},
                               Unit{"GiB", kKibi * kKibi * kKibi},
                               Unit{"G", kKibi * kKibi * kKibi},
                               Unit{"GB", 1e9},
                               Unit{"TiB", kKibi * kKibi * kKibi * kKibi},
                               Unit{"T", kKibi * kKibi * kKibi * kKibi},
                               Unit{"TB", 1e12}};

constexpr std::array kRates = {Unit{"", 1}, Unit{"k", 1e3}, Unit{"K", 1e3}, Unit{"M", 1e6}, Unit{"G", 1e9},
                               Unit{"bit/s", 1}, Unit{"kbit/s", 1e3}, Unit{"Mbit/s", 1e6}, Unit{"Gbit/s", 1e9}};

// A number without sign and its unit; nothing when it is none or 2^63 or more.
std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  std::string_view name(rest, static_cast<std::size_t>(end - rest));
  if (!name.empty() && name[0] == ' ') name.remove_prefix(1);
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    const double value = std::round(number * unit.factor);
    if (value >= 0x1p63) return std::nullopt;
    return static_cast<std::uint64_t>(value);
  }
  return std::nullopt;
}

std::string decimals(double value, int count) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", count, value);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string two_units(std::int64_t whole, std::string_view big, std::int64_t rest, std::string_view small) {
  std::string text = std::to_string(whole) + " " + std::string(big);
  if (rest != 0) text += " " + std::to_string(rest) + " " + std::string(small);
  return text;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (const auto ns = parse(text, kDurations)) return Duration(static_cast<std::int64_t>(*ns));
  return Error{Errc::malformed, "'" + printable(text) + "' is no duration: a number with ms, s, min, h or d, as in 250ms or 24h"};
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (const auto bytes = parse(text, kSizes)) return *bytes;
  return Error{Errc::malformed, "'" + printable(text) + "' is no size: a number of bytes, or with KiB, MiB, GiB or TiB, as in 64KiB"};
}

Result<std::uint64_t> parse_bit_rate(std::string_view text) {
  const auto bits = parse(text, kRates);
  if (!bits || *bits == 0) {
    return Error{Errc::malformed, "\"" + printable(text) + "\" is no rate; give bits per second, as 500k, 200M or 1G"};
  }
  return *bits;
}

std::string format_duration(Duration duration) {
  const double seconds = static_cast<double>(duration.count()) / kSecond;
  if (seconds < 0) return "-" + format_duration(-duration);
  if (seconds < 0.0009995) return decimals(seconds * 1e6, 0) + " µs";
  if (seconds < 0.9995) return decimals(seconds * 1e3, 0) + " ms";
  if (seconds < 59.95) return decimals(seconds, 1) + " s";
  const auto whole = static_cast<std::int64_t>(std::round(seconds));
  if (whole < 3600) return two_units(whole / 60, "min", whole % 60, "s");
  if (whole < 86400) return two_units(whole / 3600, "h", whole % 3600 / 60, "min");
  return two_units(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::string exact_duration(Duration duration) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 6> kExact = {
      {{86400'000'000'000, "d"}, {3600'000'000'000, "h"}, {60'000'000'000, "min"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}}};
  const std::int64_t ns = duration.count();
  if (ns == 0) return "0s";
  for (const auto& [factor, unit] : kExact)
    if (ns % factor == 0) return std::to_string(ns / factor) + std::string(unit);
  return std::to_string(ns) + "ns";
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  for (value /= 1024; value >= 1023.95 && unit + 1 < kUnits.size(); value /= 1024) ++unit;
  return decimals(value, 1) + " " + std::string(kUnits[unit]);
}

std::string format_time(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc)};
}

}  // namespace ghost
