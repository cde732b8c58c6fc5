#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "datagram_way.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

double microseconds(Duration span) { return std::chrono::duration<double, std::micro>(span).count(); }

Result<int> count_of(const Arguments& arguments) {
  const std::string text = arguments.text("count", "5");
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > 100) {
    return Error{Errc::malformed, "--count " + text + ": a number from 1 to 100"};
  }
  return count;
}

/// Tells what was measured, of `who` at `where`.
int report(const Arguments& arguments, const std::string& who, const std::string& where, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  if (arguments.has("json")) {
    const nlohmann::ordered_json summary = {{"v", 1}, {"event", "summary"}, {"at", where}, {"udp", arguments.has("udp")}, {"count", times.size()},
                                            {"min_us", times.front()}, {"median_us", median}, {"max_us", times.back()}, {"code", 0}};
    std::cout << summary.dump() << "\n";
  } else {
    std::cout << fmt::format("{} ({}): min {:.0f}, median {:.0f}, max {:.0f} µs\n", who, where, times.front(), median, times.back());
  }
  return code(Exit::done);
}

/// Health as a pure look-up: one datagram there, one back.
int ping_by_datagram(const Arguments& arguments, int count) {
  const auto timeout = timeout_of(arguments);
  if (!timeout) return complain("b2", timeout.error());
  auto way = DatagramWay::open(arguments.text("at", arguments.text("ADDR")), b2::DatagramForm::pure);
  if (!way) return complain("b2", way.error());
  const std::string where = (*way)->server().text();
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const TimePoint began = (*way)->network().precise_now();
    const auto answer = (*way)->call("b2.v1.Core", "Health", {}, *timeout);
    if (!answer) return complain("b2", answer.error());
    times.push_back(microseconds((*way)->network().precise_now() - began));
    if (!arguments.has("json")) std::cout << fmt::format("{} by UDP: {:.0f} µs\n", where, times.back());
  }
  return report(arguments, "UDP", where, std::move(times));
}

int ping(const Arguments& arguments) {
  const auto count = count_of(arguments);
  if (!count) {
    std::cerr << "b2: " << count.error().message << "\n";
    return code(Exit::usage);
  }
  if (arguments.has("udp")) return ping_by_datagram(arguments, *count);
  auto session = open_session(arguments, arguments.text("at", arguments.text("ADDR")));
  if (!session) return complain("b2", session.error());

  std::vector<double> times;
  for (int i = 0; i < *count; ++i) {
    std::optional<Result<Duration>> answer;
    (*session)->channel().ping([&](Result<Duration> trip) { answer = std::move(trip); });
    if (!(*session)->wait([&] { return answer.has_value(); })) return code(Exit::interrupted);
    if (!*answer) return complain("b2", answer->error());
    times.push_back(microseconds(**answer));
    if (!arguments.has("json")) std::cout << fmt::format("{}: {:.0f} µs\n", (*session)->target().text(), times.back());
  }
  return report(arguments, printable((*session)->hello().name), (*session)->target().text(), std::move(times));
}

}  // namespace

Verb ping_verb() {
  Verb verb;
  verb.name = "ping";
  verb.summary = "measure the round trip to an endpoint";
  verb.examples = {{"b2 ping", "this machine's host"}, {"b2 ping 10.0.0.7:2203 --count 20", "another machine"},
                   {"b2 ping --udp 10.0.0.7:2203", "by datagrams, which need no house: does UDP get through?"}};
  verb.options = connection_options();
  Option count;
  count.name = "count";
  count.value = "N";
  count.help = "how many (5; at most 100)";
  verb.options.push_back(count);
  verb.options.push_back(udp_option("by datagrams: one there, one back; by default to 127.0.0.1:2203"));
  verb.positionals = {{"ADDR", "where to ask, instead of --at", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = ping;
  return verb;
}

}  // namespace ghost::app
