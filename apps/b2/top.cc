#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "b2/message.h"
#include "b2/v1/core.b2.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/units.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kRows = 24;  ///< of methods, on a terminal

/// What was counted between two looks at an endpoint.
struct Interval {
  b2::v1::StatsResponse before, after;
  double seconds() const { return std::max(0.001, static_cast<double>(after.uptime_ms - before.uptime_ms) / 1000); }
  double per_second(std::uint64_t then, std::uint64_t now) const { return now < then ? 0 : static_cast<double>(now - then) / seconds(); }
};

struct MethodRow {
  b2::v1::MethodStats stats;
  double calls_per_second = 0;
};

/// The methods that were ever called, busiest first.
std::vector<MethodRow> busiest(const Interval& interval) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> before;
  for (const b2::v1::MethodStats& method : interval.before.methods) before[{method.service, method.method}] = method.calls;
  std::vector<MethodRow> rows;
  for (const b2::v1::MethodStats& method : interval.after.methods) {
    if (method.calls > 0) rows.push_back({method, interval.per_second(before[{method.service, method.method}], method.calls)});
  }
  std::sort(rows.begin(), rows.end(), [](const MethodRow& a, const MethodRow& b) {
    return std::tie(b.calls_per_second, b.stats.open, b.stats.calls, a.stats.service, a.stats.method) <
           std::tie(a.calls_per_second, a.stats.open, a.stats.calls, b.stats.service, b.stats.method);
  });
  return rows;
}

std::string time_text(double us) {
  if (us <= 0) return "";
  return us < 1e3 ? fmt::format("{:.0f} µs", us) : us < 1e6 ? fmt::format("{:.1f} ms", us / 1e3) : fmt::format("{:.1f} s", us / 1e6);
}

ordered_json to_json(const Interval& interval) {
  const b2::v1::StatsResponse& now = interval.after;
  ordered_json methods = ordered_json::array(), refused = ordered_json::object();
  std::uint64_t open = 0;
  for (const MethodRow& row : busiest(interval)) {
    methods.push_back({{"service", row.stats.service}, {"method", row.stats.method}, {"calls_per_second", row.calls_per_second}, {"open", row.stats.open},
                       {"p50_us", row.stats.p50_us}, {"p99_us", row.stats.p99_us}, {"calls", row.stats.calls}, {"failed", row.stats.failed}});
    open += row.stats.open;
  }
  for (const b2::v1::RefusedFor& reason : now.refused_for) refused[reason.reason] = reason.count;
  return {{"v", 1}, {"event", "stats"}, {"uptime_ms", now.uptime_ms}, {"seconds", interval.seconds()}, {"connections", now.connections}, {"open", open},
          {"bytes_in_per_second", interval.per_second(interval.before.bytes_in, now.bytes_in)},
          {"bytes_out_per_second", interval.per_second(interval.before.bytes_out, now.bytes_out)}, {"bytes_in", now.bytes_in}, {"bytes_out", now.bytes_out},
          {"resident_bytes", now.resident_bytes}, {"refused_total", now.refused_total}, {"refused", refused}, {"methods", methods}};
}

std::string to_text(const Interval& interval, std::string_view who, const Terminal& terminal) {
  const b2::v1::StatsResponse& now = interval.after;
  const auto rate = [&](std::uint64_t before, std::uint64_t after) { return format_size(static_cast<std::uint64_t>(interval.per_second(before, after))) + "/s"; };
  std::uint64_t open = 0;
  double calls = 0;
  Table table({"METHOD", "CALLS/S", "OPEN", "P50", "P99", "FAILED", "CALLS"});
  std::size_t shown = 0, hidden = 0;
  for (const MethodRow& row : busiest(interval)) {
    open += row.stats.open;
    calls += row.calls_per_second;
    if (terminal.is_terminal && shown == kRows) {
      ++hidden;
      continue;
    }
    ++shown;
    table.add({row.stats.service + "/" + row.stats.method, fmt::format("{:.1f}", row.calls_per_second), std::to_string(row.stats.open), time_text(row.stats.p50_us),
               time_text(row.stats.p99_us), std::to_string(row.stats.failed), std::to_string(row.stats.calls)});
  }
  std::string text = fmt::format("{}  up {}  {} connections  {} memory\n", who,
                                 format_duration(std::chrono::milliseconds(now.uptime_ms)), now.connections, format_size(now.resident_bytes));
  text += fmt::format("{:.1f} calls/s  {} open  in {}  out {}  {} refused", calls, open, rate(interval.before.bytes_in, now.bytes_in),
                      rate(interval.before.bytes_out, now.bytes_out), now.refused_total);
  for (const b2::v1::RefusedFor& reason : now.refused_for) text += fmt::format(" ({} {})", reason.count, printable(reason.reason));
  text += "\n\n" + table.text(terminal);
  if (hidden > 0) text += fmt::format("and {} more; --json tells all\n", hidden);
  return text;
}

Result<Duration> interval_of(const Arguments& arguments) {
  const std::string text = arguments.text("interval", "1");
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(seconds >= 0.05 && seconds <= 3600)) {
    return Error{Errc::malformed, "--interval " + text + ": a number of seconds from 0.05 to 3600"};
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Result<b2::v1::StatsResponse> ask(Session& session, Duration timeout) {
  const auto answer = session.call("b2.v1.Core", "Stats", {}, timeout);
  if (!answer) return answer.error();
  return b2::decode<b2::v1::StatsResponse>(*answer);
}

/// Shows an interval after the other, one for --once; the first begins at the first look.
Result<Exit> watch(Session& session, const Arguments& arguments, Duration interval, Duration timeout) {
  const Terminal terminal = Terminal::of(STDOUT_FILENO);
  const bool once = arguments.has("once"), json = arguments.has("json");
  const std::string who = printable(session.hello().name) + "  " + session.target().text();
  auto before = ask(session, timeout);
  if (!before) return before.error();
  for (bool first = true;; first = false) {
    bool due = false;
    net::Reactor& reactor = session.network().reactor();
    const net::Timer timer = reactor.wake_at(reactor.now() + interval, [&due](TimePoint) { due = true; });
    if (!session.wait([&] { return due; })) return Exit::interrupted;
    auto after = ask(session, timeout);
    if (!after) return after.error();
    const Interval seen{std::move(*before), *after};
    if (json) {
      std::cout << to_json(seen).dump() << std::endl;
    } else {
      const std::string_view between = once ? "" : terminal.is_terminal ? "\x1b[H\x1b[2J" : first ? "" : "\n";
      std::cout << between << to_text(seen, who, terminal) << std::flush;
    }
    if (once) return Exit::done;
    before = std::move(after);
  }
}

int top(const Arguments& arguments) {
  const auto interval = interval_of(arguments);
  if (!interval) {
    std::cerr << "b2: " << interval.error().message << "\n";
    return code(Exit::usage);
  }
  const auto timeout = timeout_of(arguments);
  if (!timeout) return complain("b2", timeout.error());
  auto session = open_session(arguments, arguments.text("at", arguments.text("ADDR")));
  if (!session) return complain("b2", session.error());
  const auto ended = watch(**session, arguments, *interval, *timeout);
  if (!ended && ended.error().code != Errc::cancelled) return complain("b2", ended.error());
  const Exit exit = ended ? *ended : Exit::interrupted;
  if (arguments.has("json")) {
    const ordered_json summary = {{"v", 1}, {"event", "summary"}, {"at", (*session)->target().text()}, {"node", (*session)->hello().name}, {"code", code(exit)}};
    std::cout << summary.dump() << "\n";
  }
  return code(exit);
}

}  // namespace

Verb top_verb() {
  Verb verb;
  verb.name = "top";
  verb.summary = "watch what an endpoint does: calls a second, how long they take, streams, bytes";
  verb.description =
      "Asks b2.v1.Core/Stats again and again and shows what happened in between, busiest method first, until Ctrl-C. Times are of all calls since "
      "the endpoint started; of methods that run on its loop one call in 16 is timed.";
  verb.examples = {{"b2 top", "this machine's host"},
                   {"b2 top 127.0.0.1:2114 --interval 5", "one daemon, every five seconds"},
                   {"b2 top --once --json | jq .methods", "one look, for a script"}};
  verb.options = connection_options();
  Option once, interval;
  once.name = "once";
  once.help = "one interval, then end";
  interval.name = "interval";
  interval.value = "SECONDS";
  interval.help = "how long to count between two looks (1)";
  verb.options.push_back(once);
  verb.options.push_back(interval);
  verb.positionals = {{"ADDR", "where to ask, instead of --at", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = top;
  return verb;
}

}  // namespace ghost::app
