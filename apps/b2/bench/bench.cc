#include "bench.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>

#include "child_server.h"
#include "codec.h"
#include "raw_echo.h"
#include "rival_process.h"
#include "socket_directory.h"

namespace ghost::b2::bench {

namespace {

constexpr std::size_t kMostInVain = 20;  ///< rounds done again, because a busy machine gave one side no time at all

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double ratio(const Cell& cell, const Figures& raw, const Figures& other) {
  return cell.measure == Cell::Measure::latency ? raw.p50_us / other.p50_us : other.per_second / raw.per_second;
}

Figures median(const std::vector<Figures>& all) {
  const auto of = [&](double Figures::*member) {
    std::vector<double> values;
    for (const Figures& figures : all) values.push_back(figures.*member);
    return median(std::move(values));
  };
  return {of(&Figures::per_second), of(&Figures::p50_us), of(&Figures::p99_us)};
}

/// One side of the race with what its rounds gave.
struct Racer {
  std::string_view name;
  std::unique_ptr<Load> load;
  std::vector<Figures> figures;
  std::vector<double> ratios;  ///< to raw, of the same round

  Side side() const {
    const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
    return {name, median(figures), median(ratios), *lowest, *highest};
  }
};

/// Everyone runs once, raw first. False when a busy machine gave one of them no time at all.
Result<bool> race(const Cell& cell, std::vector<Racer>& racers, Duration span) {
  std::vector<Figures> round;
  for (Racer& racer : racers) {
    const auto figures = racer.load->run(span);
    if (!figures) return figures.error();
    const double measured = round.empty() ? 1 : ratio(cell, round.front(), *figures);
    if (!(std::isfinite(measured) && measured > 0)) return false;
    round.push_back(*figures);
  }
  for (std::size_t i = 0; i < racers.size(); ++i) {
    racers[i].figures.push_back(round[i]);
    racers[i].ratios.push_back(ratio(cell, round.front(), round[i]));
  }
  return true;
}

Result<CellResult> measure(const Cell& cell, const BenchOptions& options, const std::vector<const Rival*>& against) {
  const SocketDirectory directory;
  if (const Status made = directory.made(); !made) return made.error();
  const auto at = [&](std::string_view name) { return cell.unix_socket ? directory.address(name) : net::Address::loopback(0); };
  const auto raw_server = ChildServer::start([&](const auto& listening) { return serve_raw(at("raw"), listening); });
  if (!raw_server) return raw_server.error();
  const auto b2_server = ChildServer::start([&](const auto& listening) { return serve_b2(at("b2"), cell.setup, listening); });
  if (!b2_server) return b2_server.error();
  auto raw = open_raw(raw_server->address(), cell.work);
  if (!raw) return raw.error();
  auto b2 = open_b2(b2_server->address(), cell.setup, cell.work);
  if (!b2) return b2.error();
  std::vector<Racer> racers;
  racers.push_back({"raw", std::move(*raw), {}, {}});
  racers.push_back({"b2", std::move(*b2), {}, {}});
  for (const Rival* rival : against) {
    if (!rival->fits(cell)) continue;
    auto load = open_rival(*rival, cell, cell.unix_socket ? directory.path(rival->name) : "tcp", directory.path());
    if (!load) return load.error();
    racers.push_back({rival->name, std::move(*load), {}, {}});
  }

  const Duration span(static_cast<Duration::rep>(options.seconds * 1e9));
  std::size_t in_vain = 0;
  while (racers.front().ratios.size() < options.rounds) {
    const auto done = race(cell, racers, span);
    if (!done) return done.error();
    if (!*done && ++in_vain > kMostInVain) return Error{Errc::timed_out, "the machine is too busy: a side got no time in 20 rounds"};
  }
  CellResult result{&cell, median(racers[0].figures), racers[1].side(), {}, {}, {}};
  for (std::size_t i = 2; i < racers.size(); ++i) result.rivals.push_back(racers[i].side());
  return result;
}

CodecTimes median(const std::vector<CodecTimes>& all) {
  const auto of = [&](double CodecTimes::*member) {
    std::vector<double> values;
    for (const CodecTimes& times : all) values.push_back(times.*member);
    return median(std::move(values));
  };
  return {of(&CodecTimes::encode_ns), of(&CodecTimes::decode_ns), of(&CodecTimes::fresh_ns)};
}

/// Both directions, by the time of the processor; b2 and each rival by turns.
Result<CellResult> measure_codec(const Cell& cell, const BenchOptions& options, const std::vector<const Rival*>& against) {
  struct Other {
    std::string_view name;
    std::unique_ptr<CodecRival> codec;
    std::vector<CodecTimes> times;
  };
  std::vector<Other> others;
  const Bytes message = codec_message();
  for (const Rival* rival : against) {
    if (!rival->fits(cell)) continue;
    auto codec = open_codec_rival(*rival, message);
    if (!codec) return codec.error();
    others.push_back({rival->name, std::move(*codec), {}});
  }
  const Duration span(static_cast<Duration::rep>(options.seconds * 1e9));
  std::vector<CodecTimes> all;
  while (all.size() < options.rounds) {
    const auto times = time_codec(span);
    if (!times) return times.error();
    all.push_back(*times);
    for (Other& other : others) {
      const auto its = other.codec->run(span);
      if (!its) return its.error();
      other.times.push_back(*its);
    }
  }
  CellResult result{&cell, {}, {}, {}, median(all), {}};
  for (const Other& other : others) result.codec_rivals.emplace_back(other.name, median(other.times));
  result.b2 = {"b2", {1e9 / result.measured(), 0, 0}, 0, 0, 0};
  return result;
}

std::string target_text(const Cell& cell) {
  if (cell.measure == Cell::Measure::codec) return fmt::format("{:.0f} ns", cell.target);
  return cell.measure == Cell::Measure::absolute ? fmt::format("{:.0f} M/s", cell.target / 1e6) : fmt::format("{:.2f}", cell.target);
}

std::string rate_text(const Figures& figures) {
  return figures.per_second >= 1e6 ? fmt::format("{:.2f} M/s", figures.per_second / 1e6) : fmt::format("{:.0f}/s", figures.per_second);
}

std::string time_text(double us) { return us > 0 ? fmt::format("{:.1f}", us) : ""; }

std::string spread_text(const Side& side) { return fmt::format("{:.2f}-{:.2f}", side.lowest, side.highest); }

void print_heading() {
  fmt::print("{:<14} {:>7} {:>15} {:>8} {:<7} {:>12} {:>12} {:>10} {:>10}  {}\n", "cell", "ratio", "lowest-highest", "target", "",
             "rate", "raw", "p50 us", "raw p50 us", "what");
}

std::string codec_text(const CodecTimes& times) {
  return fmt::format("{:.0f} and {:.0f} ns; {:.0f} ns into a message of its own", times.encode_ns, times.decode_ns, times.fresh_ns);
}

void print_row(const CellResult& result) {
  const Cell& cell = *result.cell;
  if (cell.measure == Cell::Measure::codec) {
    fmt::print("{:<14} {:>7} {:>15} {:>8} {:<7} {:>12} {:>12} {:>10} {:>10}  {}\n", cell.name, "", "", target_text(cell),
               result.met() ? "met" : "missed", fmt::format("{:.0f} ns", result.measured()), "", "", "",
               fmt::format("{}: {}", cell.what, codec_text(result.codec)));
    for (const auto& [name, times] : result.codec_rivals) {
      fmt::print("  {:<12} {:>40} {:>12} {:>36}  {}\n", name, fmt::format("b2 is {:.2g}x", times.both() / result.measured()),
                 fmt::format("{:.0f} ns", times.both()), "", codec_text(times));
    }
    return;
  }
  fmt::print("{:<14} {:>7.2f} {:>15} {:>8} {:<7} {:>12} {:>12} {:>10} {:>10}  {}\n", cell.name, result.b2.ratio, spread_text(result.b2),
             target_text(cell), result.met() ? "met" : "missed", rate_text(result.b2.figures), rate_text(result.raw),
             time_text(result.b2.figures.p50_us), time_text(result.raw.p50_us), cell.what);
  for (const Side& rival : result.rivals) {
    const std::string times = fmt::format("b2 is {:.2g}x", result.b2.ratio / rival.ratio);
    fmt::print("  {:<12} {:>7.2f} {:>15} {:>16} {:>12} {:>12} {:>10}\n", rival.name, rival.ratio, spread_text(rival), times,
               rate_text(rival.figures), "", time_text(rival.figures.p50_us));
  }
  std::fflush(stdout);
}

void print_json(const CellResult& result) {
  if (result.cell->measure == Cell::Measure::codec) {
    fmt::print(R"({{"cell":"{}","target":{},"measured":{:.1f},"met":{},"encode_ns":{:.1f},"decode_ns":{:.1f},"fresh_ns":{:.1f})", result.cell->name, result.cell->target,
               result.measured(), result.met(), result.codec.encode_ns, result.codec.decode_ns, result.codec.fresh_ns);
    for (const auto& [name, times] : result.codec_rivals) {
      fmt::print(R"(,"{}":{{"encode_ns":{:.1f},"decode_ns":{:.1f},"fresh_ns":{:.1f}}})", name, times.encode_ns, times.decode_ns, times.fresh_ns);
    }
    fmt::print("}}\n");
    std::fflush(stdout);
    return;
  }
  const Figures& b2 = result.b2.figures;
  fmt::print(R"({{"cell":"{}","ratio":{:.4f},"lowest":{:.4f},"highest":{:.4f},"target":{},"measured":{:.4f},"met":{},)", result.cell->name,
             result.b2.ratio, result.b2.lowest, result.b2.highest, result.cell->target, result.measured(), result.met());
  fmt::print(R"("b2_per_second":{:.0f},"raw_per_second":{:.0f},"b2_p50_us":{:.2f},"raw_p50_us":{:.2f},"b2_p99_us":{:.2f},"raw_p99_us":{:.2f})",
             b2.per_second, result.raw.per_second, b2.p50_us, result.raw.p50_us, b2.p99_us, result.raw.p99_us);
  for (const Side& rival : result.rivals) {
    fmt::print(R"(,"{}":{{"ratio":{:.4f},"lowest":{:.4f},"highest":{:.4f},"per_second":{:.0f},"p50_us":{:.2f},"p99_us":{:.2f}}})", rival.name,
               rival.ratio, rival.lowest, rival.highest, rival.figures.per_second, rival.figures.p50_us, rival.figures.p99_us);
  }
  fmt::print("}}\n");
  std::fflush(stdout);
}

}  // namespace

Result<std::vector<const Cell*>> choose(std::span<const std::string> names) {
  std::vector<const Cell*> chosen;
  std::string known;
  for (const Cell& cell : cells()) {
    if (names.empty()) chosen.push_back(&cell);
    known += (known.empty() ? "" : ", ") + std::string(cell.name);
  }
  for (const std::string& name : names) {
    const auto found = std::find_if(cells().begin(), cells().end(), [&](const Cell& cell) { return cell.name == name; });
    if (found == cells().end()) return Error{Errc::malformed, "there is no cell '" + name + "'; there are " + known};
    chosen.push_back(&*found);
  }
  return chosen;
}

Status measure(const BenchOptions& options, const std::function<void(const CellResult&)>& done) {
  if (!(options.seconds > 0 && options.seconds <= 3600)) return Error{Errc::malformed, "the seconds of a run must be more than 0 and at most 3600"};
  if (options.rounds < 1 || options.rounds > 10'000) return Error{Errc::malformed, "there must be 1 to 10000 rounds"};
  const auto chosen = choose(options.cells);
  if (!chosen) return chosen.error();
  const auto against = choose_rivals(options.against);
  if (!against) return against.error();
  for (const Cell* cell : *chosen) {
    const auto result = cell->measure == Cell::Measure::codec ? measure_codec(*cell, options, *against) : measure(*cell, options, *against);
    if (!result) return result.error().in(std::string(cell->name));
    done(*result);
  }
  return {};
}

int run_bench(const BenchOptions& options) {
  ::mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);  // as the daemons have it; the servers are forked from here
  bool headed = options.json;
  const Status measured = measure(options, [&](const CellResult& result) {
    if (!std::exchange(headed, true)) print_heading();
    options.json ? print_json(result) : print_row(result);
  });
  if (measured) return 0;
  fmt::print(stderr, "b2 bench: {}\n", measured.error().message);
  return 1;
}

}  // namespace ghost::b2::bench
