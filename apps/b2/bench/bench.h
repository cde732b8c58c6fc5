#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cells.h"
#include "codec.h"

namespace ghost::b2::bench {

struct BenchOptions {
  double seconds = 0.5;            ///< of each run; a cell takes rounds × 2 of them, and a tenth more
  std::size_t rounds = 7;          ///< raw and b2 in turn; medians are told
  std::vector<std::string> cells;  ///< names; empty for all
  std::string against;             ///< rivals beside raw: "raw,grpc,zmq,nng,protobuf,protozero"
  bool json = false;               ///< NDJSON, one line a cell
};

/// What came of one side of a cell. Each is the median over the rounds.
struct Side {
  std::string_view name;  ///< "b2", or the rival's
  Figures figures;
  double ratio;            ///< of each round's figures to its own raw; above 1, faster than raw
  double lowest, highest;  ///< ratio of any round
};

/// What came of a cell.
struct CellResult {
  const Cell* cell;
  Figures raw;
  Side b2;
  std::vector<Side> rivals;  ///< those that can do what the cell asks for
  CodecTimes codec;          ///< medians, of the codec's cell alone
  std::vector<std::pair<std::string_view, CodecTimes>> codec_rivals;  ///< the same of each rival, by its name
  /// What the target is held against.
  double measured() const {
    if (cell->measure == Cell::Measure::codec) return codec.both();
    return cell->measure == Cell::Measure::absolute ? b2.figures.per_second : b2.ratio;
  }
  bool met() const { return cell->measure == Cell::Measure::codec ? measured() <= cell->target : measured() >= cell->target; }
};

/// The cells of those names, all for none; malformed names the one that is not there, and those that are.
Result<std::vector<const Cell*>> choose(std::span<const std::string> names);

/// Measures each cell and hands over what came of it. Forks servers: no other thread may run.
Status measure(const BenchOptions& options, const std::function<void(const CellResult&)>& done);

/// Measures and prints to standard output; errors go to standard error. The exit code: 0, or 1 when something could not be
/// measured. A target that is missed is told, and is no error: the machine may be busy.
int run_bench(const BenchOptions& options);

}  // namespace ghost::b2::bench
