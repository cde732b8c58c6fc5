#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost::disc {

/// One track as the disc will have it. Its texts are those of the sleeve, right or wrong; empty: the disc has none.
struct PlannedTrack {
  std::string score;               ///< file beside the plan
  std::uint32_t pregap = 0;        ///< sectors of silence before it, counted from its INDEX 00
  double peak_dbfs = -2.0;
  std::string title, performer, songwriter, isrc;
  std::vector<std::string> flags;  ///< as a CUE names them: DCP, PRE
};

/// What disc.txt says (data/demo/README.md).
struct DiscPlan {
  std::string catalog;  ///< 13 digits: the media catalogue number
  std::string title, performer;
  std::vector<std::string> remarks;
  std::vector<PlannedTrack> tracks;
};

/// malformed with the line and what is wrong there.
Result<DiscPlan> parse_disc_plan(std::string_view text);

}  // namespace ghost::disc
