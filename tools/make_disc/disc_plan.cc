#include "disc_plan.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include "base/text.h"

namespace ghost::disc {

namespace {

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// The last digit of a GTIN-13 makes the sum of all, every second one taken three times, a multiple of ten.
bool is_catalog(std::string_view text) {
  if (text.size() != 13 || !all_digits(text)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < text.size(); ++i) sum += (text[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return sum % 10 == 0;
}

/// ISO 3901: country and registrant in capitals and digits, year and number in digits.
bool is_isrc(std::string_view text) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto either = [&](char c) { return capital(c) || (c >= '0' && c <= '9'); };
  return text.size() == 12 && std::ranges::all_of(text.substr(0, 2), capital) && std::ranges::all_of(text.substr(2, 3), either) &&
         all_digits(text.substr(5));
}

/// "mm:ss:ff" in sectors.
std::optional<std::uint32_t> parse_msf(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  std::uint32_t parts[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string_view two = text.substr(3 * i, 2);
    if (!all_digits(two)) return std::nullopt;
    parts[i] = static_cast<std::uint32_t>((two[0] - '0') * 10 + two[1] - '0');
  }
  if (parts[1] > 59 || parts[2] > 74) return std::nullopt;
  return (parts[0] * 60 + parts[1]) * 75 + parts[2];
}

std::optional<double> parse_level(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= -40 && value <= -0.1)) return std::nullopt;
  return value;
}

class PlanParser {
 public:
  Result<DiscPlan> parse(std::string_view text) {
    if (text.size() > 256 * 1024) return Error{Errc::exhausted, "a plan of more than 256 KiB"};
    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view one = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      while (one.starts_with(' ')) one.remove_prefix(1);
      while (one.ends_with(' ') || one.ends_with('\r')) one.remove_suffix(1);
      if (one.empty() || one.starts_with('#')) continue;
      const std::size_t space = std::min(one.find(' '), one.size());
      std::string_view value = one.substr(space);
      while (value.starts_with(' ')) value.remove_prefix(1);
      if (Status done = field(one.substr(0, space), value); !done) return done.error().in(fmt::format("line {}", line));
    }
    if (plan_.tracks.empty()) return Error{Errc::malformed, "the plan has no tracks"};
    return std::move(plan_);
  }

 private:
  static Error wrong(std::string_view value, std::string_view what) {
    return {Errc::malformed, fmt::format("'{}' is no {}", printable(value), what)};
  }

  Status field(std::string_view name, std::string_view value) {
    if (value.empty()) return Error{Errc::malformed, "'" + printable(name) + "' needs something after it"};
    if (value.find('"') != std::string_view::npos) return Error{Errc::malformed, "a CUE sheet cannot hold a double quote"};
    if (name == "track") return track(value);
    if (name == "title") return text_of(&DiscPlan::title, &PlannedTrack::title, value);
    if (name == "performer") return text_of(&DiscPlan::performer, &PlannedTrack::performer, value);
    return plan_.tracks.empty() ? disc_field(name, value) : track_field(plan_.tracks.back(), name, value);
  }

  Status text_of(std::string DiscPlan::*disc, std::string PlannedTrack::*track, std::string_view value) {
    (plan_.tracks.empty() ? plan_.*disc : plan_.tracks.back().*track) = value;
    return {};
  }

  Status track(std::string_view value) {
    if (plan_.tracks.size() == 99) return Error{Errc::exhausted, "a disc has at most 99 tracks"};
    if (value.find('/') != std::string_view::npos) return wrong(value, "file beside the plan");
    plan_.tracks.emplace_back().score = value;
    return {};
  }

  Status disc_field(std::string_view name, std::string_view value) {
    if (name == "catalog") {
      if (!is_catalog(value)) return wrong(value, "catalogue number (13 digits, the last one checks the others)");
      plan_.catalog = value;
    } else if (name == "rem") {
      plan_.remarks.emplace_back(value);
    } else {
      return Error{Errc::malformed, "'" + printable(name) + "' is none of catalog, title, performer, rem, track"};
    }
    return {};
  }

  Status track_field(PlannedTrack& track, std::string_view name, std::string_view value) {
    if (name == "songwriter") return track.songwriter = value, Status{};
    if (name == "pregap") {
      const auto sectors = parse_msf(value);
      if (!sectors || *sectors > 75 * 60) return wrong(value, "pregap (mm:ss:ff, at most a minute)");
      track.pregap = *sectors;
    } else if (name == "isrc") {
      if (!is_isrc(value)) return wrong(value, "ISRC (as XXGHL2600001)");
      track.isrc = value;
    } else if (name == "level") {
      const auto level = parse_level(value);
      if (!level) return wrong(value, "peak in dBFS (-40 to -0.1)");
      track.peak_dbfs = *level;
    } else if (name == "flags") {
      if (value != "DCP") return wrong(value, "flag known here (DCP)");
      track.flags.emplace_back(value);
    } else {
      return Error{Errc::malformed, "'" + printable(name) + "' is none of pregap, title, performer, songwriter, isrc, flags, level, track"};
    }
    return {};
  }

  DiscPlan plan_;
};

}  // namespace

Result<DiscPlan> parse_disc_plan(std::string_view text) { return PlanParser().parse(text); }

}  // namespace ghost::disc
