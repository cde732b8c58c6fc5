#pragma once
#include "ardus/stream_map.h"
#include "ardus/v1/session.b2.h"

namespace ghost::ardus {

/// Ranges of chunks as they stand in messages.
inline v1::ChunkRuns to_runs(const std::vector<ChunkRange>& ranges) {
  v1::ChunkRuns runs;
  for (const ChunkRange& range : ranges) {
    runs.first.push_back(range.first);
    runs.count.push_back(range.count);
  }
  return runs;
}

inline Result<std::vector<ChunkRange>> from_runs(const v1::ChunkRuns& runs) {
  if (runs.first.size() != runs.count.size()) return Error{Errc::malformed, "chunk runs: as many beginnings as lengths were expected"};
  std::vector<ChunkRange> ranges;
  for (std::size_t i = 0; i < runs.first.size(); ++i) ranges.push_back({runs.first[i], runs.count[i]});
  return ranges;
}

}  // namespace ghost::ardus
