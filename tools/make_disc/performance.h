#pragma once
#include <vector>

#include "base/result.h"
#include "score.h"

namespace ghost::disc {

/// A key that goes down and up again.
struct Strike {
  double start = 0, end = 0;  ///< seconds from the first bar's start
  std::size_t voice = 0;
  int pitch = 60;
  int velocity = 64;  ///< 1…127

  friend bool operator==(const Strike&, const Strike&) = default;
};

struct PedalChange {
  double at = 0;  ///< seconds
  bool down = false;

  friend bool operator==(const PedalChange&, const PedalChange&) = default;
};

/// A score played: repeats unfolded, tempo and dynamics followed, ornaments written out.
struct Performance {
  std::vector<Voice> voices;
  std::vector<Strike> strikes;      ///< by start, then voice, then pitch
  std::vector<PedalChange> pedals;  ///< by time
  double length = 0;                ///< seconds to the end of the last bar
};

/// malformed when a tie leads to no note, with its section and bar; exhausted for more than an hour or 200,000 notes.
Result<Performance> perform(const Score& score);

}  // namespace ghost::disc
