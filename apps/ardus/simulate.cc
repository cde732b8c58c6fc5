#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/places.h"
#include "ardus/api.h"
#include "base/terminal.h"
#include "base/units.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using ardus::SimulationOptions;
using ardus::SimulationResult;

template <class T>
Result<T> number_of(const std::string& option, const std::string& text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= least && value <= most)) {
    return Error{Errc::malformed, fmt::format("--{} {}: a number from {} to {}", option, text, least, most)};
  }
  return value;
}

/// "1@10M": so many receivers with links of so many bit/s.
Status read_slow(const std::string& text, SimulationOptions& options) {
  const auto at = text.find('@');
  if (at == std::string::npos) return Error{Errc::malformed, "--slow " + text + ": how many receivers and their rate, as 1@10M"};
  const auto count = number_of<std::size_t>("slow", text.substr(0, at), 1, options.receivers);
  if (!count) return count.error();
  const auto rate = parse_bit_rate(text.substr(at + 1));
  if (!rate) return rate.error().in("--slow " + text);
  options.slow = *count;
  options.slow_rate = *rate;
  return {};
}

/// Where it is given; which of them `auto` is depends on interfaces, and there are none here.
Status read_layout(const Arguments& arguments, SimulationOptions& out) {
  const std::string layout = arguments.has("layout") ? arguments.text("layout") : "standard";
  if (layout != "standard" && layout != "jumbo") return Error{Errc::malformed, "--layout " + layout + ": standard or jumbo is wanted"};
  out.layout = layout == "jumbo" ? ardus::Layout::jumbo : ardus::Layout::standard;
  if (out.layout == ardus::Layout::jumbo && out.congestion != ardus::Congestion::quantile) return Error{Errc::malformed, "--layout jumbo: not with --congestion tfmcc or --background"};
  return {};
}

Status read_congestion(const Arguments& arguments, SimulationOptions& out) {
  auto congestion = congestion_of(arguments);
  if (!congestion) return congestion.error();
  out.congestion = *congestion;
  return {};
}

template <class T, class U>
Status take(Result<T> value, U& into, std::string_view option) {
  if (!value) return option.empty() ? value.error() : value.error().in(option);
  into = static_cast<U>(*value);
  return {};
}

Result<SimulationOptions> options_of(const Arguments& arguments) {
  SimulationOptions out;
  const auto given = [&](const char* name) { return arguments.find(name); };
  Status done;
  if (const auto text = given("receivers"); text && done) done = take(number_of<std::size_t>("receivers", *text, 1, 100'000), out.receivers, "");
  if (const auto text = given("loss"); text && done) done = take(number_of<double>("loss", *text, 0, 0.9), out.loss, "");
  if (const auto text = given("burst"); text && done) done = take(number_of<double>("burst", *text, 1, 10'000), out.burst, "");
  if (const auto text = given("seed"); text && done) done = take(number_of<std::uint64_t>("seed", *text, 0, ~std::uint64_t{0}), out.seed, "");
  if (const auto text = given("size"); text && done) done = take(parse_size(*text), out.bytes, "--size");
  if (const auto text = given("rtt"); text && done) done = take(parse_duration(*text), out.rtt, "--rtt");
  if (const auto text = given("rate"); text && done) done = take(parse_bit_rate(*text), out.rate, "--rate");
  if (const auto text = given("ceiling"); text && done) {
    out.fixed_rate = false;
    done = take(parse_bit_rate(*text), out.rate, "--ceiling");
  }
  if (done) done = read_congestion(arguments, out);
  if (done) done = read_layout(arguments, out);
  if (const auto text = given("bottleneck"); text && done) done = take(parse_bit_rate(*text), out.bottleneck, "--bottleneck");
  if (const auto text = given("queue"); text && done) done = take(parse_size(*text), out.bottleneck_queue, "--queue");
  if (const auto text = given("before"); text && done) done = take(number_of<std::size_t>("before", *text, 0, out.receivers), out.before_bottleneck, "");
  if (const auto text = given("others"); text && done) {
    std::size_t flows = 0;
    done = take(number_of<std::size_t>("others", *text, 0, 64), flows, "");
    out.others.resize(flows);
  }
  if (const auto text = given("link"); text && done) done = take(parse_bit_rate(*text), out.link_rate, "--link");
  if (const auto text = given("slow"); text && done) done = read_slow(*text, out);
  if (const auto text = given("deaf"); text && done) done = take(number_of<std::size_t>("deaf", *text, 0, out.receivers), out.deaf, "");
  if (!done) return done.error();
  if (out.bytes == 0 || out.bytes > std::uint64_t{64} << 30) return Error{Errc::malformed, "--size: from 1 byte to 64 GiB"};
  if (!out.others.empty() && out.bottleneck == 0) return Error{Errc::malformed, "--others: flows share a --bottleneck RATE"};
  if (out.rtt > std::chrono::seconds(2)) return Error{Errc::malformed, "--rtt: at most 2s"};
  return out;
}

using Duration = ghost::Duration;

double over(std::uint64_t part, double whole) { return whole > 0 ? static_cast<double>(part) / whole : 0; }

/// The session's part of what the bottleneck let through; 1 where there is none.
double share_of_bottleneck(const SimulationResult& result) {
  double session = 0, others = 0;
  for (const ardus::BottleneckShare& each : result.shares) session += static_cast<double>(each.session), others += static_cast<double>(each.others);
  return session + others > 0 ? session / (session + others) : 1;
}

nlohmann::ordered_json summary(const SimulationOptions& options, const SimulationResult& result, int exit) {
  const double floor = static_cast<double>(result.source_packets) / (1 - options.loss);
  return {{"v", 1}, {"event", "summary"}, {"receivers", result.receivers}, {"verified", result.verified}, {"decoded", result.decoded},
          {"wrong_blocks", result.wrong_blocks}, {"source_packets", result.source_packets}, {"sent_packets", result.sender.sent_packets},
          {"over_floor", over(result.sender.sent_packets, floor)}, {"repair_symbols", result.sender.repair_symbols},
          {"unicast_symbols", result.sender.unicast_symbols}, {"feedback_datagrams", result.feedback_datagrams},
          {"feedback_bytes", result.feedback_bytes}, {"payload_bytes", result.payload_bytes}, {"sent_bytes", result.sender.sent_bytes},
          {"virtual_seconds", result.virtual_seconds}, {"received_seconds", result.received_seconds},
          {"slowest_seconds", result.slowest_seconds}, {"rate", result.sender.rate}, {"bottleneck_share", share_of_bottleneck(result)}, {"failure", result.failure}, {"code", exit}};
}

void tell(const SimulationOptions& options, const SimulationResult& result) {
  const double floor = static_cast<double>(result.source_packets) / (1 - options.loss);
  const double payload = static_cast<double>(result.payload_bytes);
  std::cout << fmt::format("{} of {} receivers verified ({} of them really decoded, {} wrong blocks)\n", result.verified, result.receivers,
                           result.decoded, result.wrong_blocks);
  std::cout << fmt::format("sent      {} packets for {} of source: {:.3f} x the floor of {:.1f} % loss\n", result.sender.sent_packets,
                           result.source_packets, over(result.sender.sent_packets, floor), options.loss * 100);
  std::cout << fmt::format("feedback  {} in {} reports: {:.3f} % of the content\n", format_size(result.feedback_bytes), result.feedback_datagrams,
                           100 * over(result.feedback_bytes, payload));
  std::cout << fmt::format("time      {:.3f} s, the last receiver that is not slow after {:.3f} s: {:.1f} Mbit/s of content\n", result.virtual_seconds,
                           result.received_seconds, result.received_seconds > 0 ? payload * 8e-6 / result.received_seconds : 0);
  if (!options.others.empty()) std::cout << fmt::format("share     {:.1f} % of what the bottleneck let through\n", 100 * share_of_bottleneck(result));
}

int simulate(const Arguments& arguments) {
  const auto options = options_of(arguments);
  if (!options) {
    std::cerr << "ardus: " << options.error().message << "\n";
    return code(Exit::usage);
  }
  const bool quiet = arguments.has("quiet") || arguments.has("json");
  Progress progress(Terminal::of(2), "simulating", Progress::Unit::items, 1000, std::chrono::steady_clock::now());
  const auto show = [&](double share) {
    if (!quiet) std::cerr << progress.update(static_cast<std::uint64_t>(share * 1000), std::chrono::steady_clock::now());
  };
  const SimulationResult result = ardus::simulate(*options, show);
  const bool all = result.verified == result.receivers && result.wrong_blocks == 0 && result.failure.empty();
  if (!quiet) std::cerr << progress.finish(all ? "done" : "not everybody was served", std::chrono::steady_clock::now());
  const Exit exit = all ? Exit::done : result.wrong_blocks > 0 ? Exit::failed : Exit::partly;
  if (arguments.has("json")) {
    std::cout << summary(*options, result, code(exit)).dump() << "\n";
  } else {
    tell(*options, result);
  }
  if (!result.failure.empty()) std::cerr << "ardus: " << result.failure << "\n";
  return code(exit);
}

}  // namespace

Verb simulate_verb() {
  Verb verb;
  verb.name = "simulate";
  verb.summary = "play a transfer to many receivers on virtual time";
  verb.description =
      "Runs the real sender and receivers in one process over a simulated network: no socket, no file, the same result every time. Eight "
      "receivers decrypt, decode and compare every byte; the others count symbols.";
  verb.examples = {{"ardus simulate --receivers 1000 --loss 0.01", "what a lossy network of 1,000 machines costs"},
                   {"ardus simulate --loss 0.01 --burst 20 --receivers 200", "losses in runs of 20 datagrams"},
                   {"ardus simulate --slow 1@10M", "whether one slow machine holds up the others"},
                   {"ardus simulate --ceiling 1G --link 100M", "how the sender finds its rate"},
                   {"ardus simulate --receivers 10 --bottleneck 20M --others 1 --rtt 20ms --congestion tfmcc", "whether it shares a link with TCP"}};
  verb.options = {Option{"receivers", "N", "how many (1000)"},
                  Option{"loss", "P", "share of datagrams lost on each link, both ways (0.01)"},
                  Option{"burst", "N", "mean length of a run of losses (1)"},
                  Option{"size", "SIZE", "content (64M)"},
                  Option{"layout", "LAYOUT", "standard, or jumbo: datagrams of 8,872 bytes instead of 1,448"},
                  Option{"rtt", "TIME", "round trip (1ms)"},
                  Option{"rate", "RATE", "sends at this rate on the wire; with --congestion tfmcc or --background at most at it (1G)"},
                  Option{"ceiling", "RATE", "finds its rate below this one, instead of --rate"},
                  congestion_option(),
                  background_option(),
                  Option{"bottleneck", "RATE", "what a link carries that all of it goes through first (no limit)"},
                  Option{"before", "N", "so many receivers are reached without that link (0)"},
                  Option{"queue", "SIZE", "that this link's queue holds (256K)"},
                  Option{"others", "N", "so many greedy TCP flows share it"},
                  Option{"link", "RATE", "what each receiver's link carries (no limit)"},
                  Option{"slow", "N@RATE", "so many receivers have links of this rate"},
                  Option{"deaf", "N", "so many receivers have no multicast"},
                  Option{"seed", "N", "of all that is random (1)"},
                  json_option(),
                  quiet_option()};
  verb.run = simulate;
  return verb;
}

}  // namespace ghost::app
