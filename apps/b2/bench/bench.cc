#include "bench.h"

#include <fmt/format.h>
#include <malloc.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "child_server.h"
#include "raw_echo.h"

namespace ghost::b2::bench {

namespace {

constexpr std::size_t kMostInVain = 20;  ///< rounds done again, because a busy machine gave one side no time at all

/// A directory for Unix sockets, removed with what is in it.
class SocketDirectory {
 public:
  SocketDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "b2-bench-XXXXXX").string();
    if (const char* made = ::mkdtemp(pattern.data())) path_ = made;
  }
  ~SocketDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  net::Address address(std::string_view name) const { return net::Address::unix_path(path_ + "/" + std::string(name)); }

 private:
  std::string path_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double ratio(const Cell& cell, const Figures& raw, const Figures& b2) {
  return cell.measure == Cell::Measure::latency ? raw.p50_us / b2.p50_us : b2.per_second / raw.per_second;
}

Figures median(const std::vector<Figures>& all) {
  const auto of = [&](double Figures::*member) {
    std::vector<double> values;
    for (const Figures& figures : all) values.push_back(figures.*member);
    return median(std::move(values));
  };
  return {of(&Figures::per_second), of(&Figures::p50_us), of(&Figures::p99_us)};
}

Result<CellResult> measure(const Cell& cell, const BenchOptions& options) {
  const SocketDirectory directory;
  const auto at = [&](std::string_view name) { return cell.unix_socket ? directory.address(name) : net::Address::loopback(0); };
  const auto raw_server = ChildServer::start([&](const auto& listening) { return serve_raw(at("raw"), listening); });
  if (!raw_server) return raw_server.error();
  const auto b2_server = ChildServer::start([&](const auto& listening) { return serve_b2(at("b2"), cell.setup, listening); });
  if (!b2_server) return b2_server.error();
  auto raw = open_raw(raw_server->address(), cell.work);
  if (!raw) return raw.error();
  auto b2 = open_b2(b2_server->address(), cell.setup, cell.work);
  if (!b2) return b2.error();

  const Duration span(static_cast<Duration::rep>(options.seconds * 1e9));
  std::vector<Figures> raws, b2s;
  std::vector<double> ratios;
  for (std::size_t in_vain = 0; ratios.size() < options.rounds;) {
    const auto raw_figures = (*raw)->run(span);
    if (!raw_figures) return raw_figures.error();
    const auto b2_figures = (*b2)->run(span);
    if (!b2_figures) return b2_figures.error();
    const double measured = ratio(cell, *raw_figures, *b2_figures);
    if (!(std::isfinite(measured) && measured > 0) && ++in_vain <= kMostInVain) continue;
    raws.push_back(*raw_figures);
    b2s.push_back(*b2_figures);
    ratios.push_back(measured);
  }
  const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
  return CellResult{&cell, median(raws), median(b2s), median(ratios), *lowest, *highest};
}

std::string target_text(const Cell& cell) {
  return cell.measure == Cell::Measure::absolute ? fmt::format("{:.0f} M/s", cell.target / 1e6) : fmt::format("{:.2f}", cell.target);
}

std::string rate_text(const Figures& figures) {
  return figures.per_second >= 1e6 ? fmt::format("{:.2f} M/s", figures.per_second / 1e6) : fmt::format("{:.0f}/s", figures.per_second);
}

std::string time_text(double us) { return us > 0 ? fmt::format("{:.1f}", us) : ""; }

void print_heading() {
  fmt::print("{:<14} {:>7} {:>15} {:>8} {:<7} {:>12} {:>12} {:>10} {:>10}  {}\n", "cell", "ratio", "lowest-highest", "target", "",
             "b2", "raw", "b2 p50 us", "raw p50 us", "what");
}

void print_row(const CellResult& result) {
  const Cell& cell = *result.cell;
  fmt::print("{:<14} {:>7.2f} {:>15} {:>8} {:<7} {:>12} {:>12} {:>10} {:>10}  {}\n", cell.name, result.ratio,
             fmt::format("{:.2f}-{:.2f}", result.lowest, result.highest), target_text(cell), result.met() ? "met" : "missed",
             rate_text(result.b2), rate_text(result.raw), time_text(result.b2.p50_us), time_text(result.raw.p50_us), cell.what);
  std::fflush(stdout);
}

void print_json(const CellResult& result) {
  fmt::print(R"({{"cell":"{}","ratio":{:.4f},"lowest":{:.4f},"highest":{:.4f},"target":{},"measured":{:.4f},"met":{},)", result.cell->name,
             result.ratio, result.lowest, result.highest, result.cell->target, result.measured(), result.met());
  fmt::print(R"("b2_per_second":{:.0f},"raw_per_second":{:.0f},"b2_p50_us":{:.2f},"raw_p50_us":{:.2f},"b2_p99_us":{:.2f},"raw_p99_us":{:.2f}}})",
             result.b2.per_second, result.raw.per_second, result.b2.p50_us, result.raw.p50_us, result.b2.p99_us, result.raw.p99_us);
  fmt::print("\n");
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
  for (const Cell* cell : *chosen) {
    const auto result = measure(*cell, options);
    if (!result) return result.error().in(std::string(cell->name));
    done(*result);
  }
  return {};
}

int run_bench(const BenchOptions& options) {
  ::mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);  // as the daemons have it; the servers are forked from here
  if (!options.json) print_heading();
  const Status measured = measure(options, options.json ? print_json : print_row);
  if (measured) return 0;
  fmt::print(stderr, "b2 bench: {}\n", measured.error().message);
  return 1;
}

}  // namespace ghost::b2::bench
