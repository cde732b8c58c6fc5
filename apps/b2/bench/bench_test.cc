#include "bench.h"
#include "abuse.h"
#include "mixed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "rival_process.h"

namespace ghost::b2::bench {
namespace {

TEST(Bench, EveryCellGivesNumbers) {
  BenchOptions options;
  options.seconds = 0.02;
  options.rounds = 2;
  std::map<std::string_view, CellResult> results;
  const Status measured = measure(options, [&](const CellResult& result) { results.emplace(result.cell->name, result); });
  ASSERT_TRUE(measured) << measured.error().message;
  ASSERT_EQ(results.size(), cells().size());
  for (const auto& [name, result] : results) {
    if (result.cell->measure == Cell::Measure::codec) {
      EXPECT_GT(result.measured(), 0);
      continue;
    }
    EXPECT_GT(result.raw.per_second, 0) << name;
    EXPECT_GT(result.b2.figures.per_second, 0) << name;
    EXPECT_TRUE(std::isfinite(result.b2.ratio) && result.b2.ratio > 0) << name << ": " << result.b2.ratio;
    EXPECT_LE(result.b2.lowest, result.b2.highest) << name;
    const bool timed = result.cell->work.kind == Work::Kind::calls;
    EXPECT_EQ(result.b2.figures.p50_us > 0, timed) << name;
    EXPECT_EQ(result.raw.p50_us > 0, timed) << name;
    EXPECT_LE(result.b2.figures.p50_us, result.b2.figures.p99_us) << name;
  }
}

TEST(Bench, ACellThatIsNotThereIsToldWithThoseThatAre) {
  const std::vector<std::string> names = {"lat", "warp"};
  const auto chosen = choose(names);
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("'warp'"), std::string::npos);
  EXPECT_NE(chosen.error().message.find("tls-oneway"), std::string::npos);
}

TEST(Bench, TheCellsAskedForComeInTheOrderAsked) {
  const std::vector<std::string> names = {"stream", "lat"};
  const auto chosen = choose(names);
  ASSERT_TRUE(chosen);
  ASSERT_EQ(chosen->size(), 2u);
  EXPECT_EQ((*chosen)[0]->name, "stream");
  EXPECT_EQ((*chosen)[1]->name, "lat");
}

TEST(Bench, ARivalThatIsNotKnownOrNotBuiltIsToldWithTheWayOut) {
  const auto unknown = choose_rivals("raw,carrier-pigeon");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("carrier-pigeon: there are raw, grpc, zmq, nng, protobuf and protozero"), std::string::npos);
  const auto missing = choose_rivals("grpc");
  EXPECT_TRUE(missing || missing.error().message.find("bench/b2/build_rivals") != std::string::npos);
  EXPECT_TRUE(choose_rivals("raw") && choose_rivals("raw")->empty());
}

TEST(Bench, ARivalTakesPartInEveryRoundItFits) {
  EXPECT_TRUE(rivals()[0].fits(cells()[0]));
  for (const Cell& cell : cells()) {
    for (const Rival& rival : rivals()) {
      const bool spin = cell.setup.spin > Duration::zero();
      const bool calls = (rival.encrypts || !cell.setup.tls) && (rival.spins || !spin) && !cell.setup.datagrams;
      const bool codec = cell.measure == Cell::Measure::codec;
      EXPECT_EQ(rival.fits(cell), rival.encodes == codec && (codec || calls)) << rival.name << " " << cell.name;
    }
  }
}

TEST(Bench, ARunWithoutTimeIsRefused) {
  BenchOptions options;
  options.seconds = 0;
  const Status measured = measure(options, [](const CellResult&) { FAIL() << "nothing was to be measured"; });
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().code, Errc::malformed);
}

TEST(Mixed, EverythingAtOnceComesRight) {
  MixedOptions options;
  options.seconds = 1.5;
  const auto counts = run_mixed(options);
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(counts->wrong_total, 0u) << (counts->wrong.empty() ? "" : counts->wrong.front());
  for (const std::uint64_t ended : {counts->echoes, counts->works, counts->counts, counts->collects, counts->mirrors, counts->publications}) EXPECT_GT(ended, 0u);
  EXPECT_GT(counts->topic_messages, 0u);
  EXPECT_GE(counts->connections, 4u);
}

TEST(Abuse, IsMeasured) {
  AbuseOptions options;
  options.seconds = 0.05;
  options.connections = 50;
  options.kinds = {"idle", "reset", "subscriber"};
  const auto figures = measure_abuse(options);
  ASSERT_TRUE(figures) << figures.error().message;
  EXPECT_GT(figures->size(), 12u);
  options.kinds = {"insult"};
  EXPECT_EQ(measure_abuse(options).error().code, Errc::malformed);
}

}  // namespace
}  // namespace ghost::b2::bench
