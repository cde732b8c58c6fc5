#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "disc_plan.h"

namespace ghost::disc {

enum class CdText : bool { no, yes };

/// The CUE sheet of a disc in one BIN, in ISO-8859-1 as sheets of that kind are.
/// @param sectors  by track, its pregap not counted
/// @param text     no: as on the many discs that carry none; numbers, flags, ISRC and the catalogue number stay
/// @return         malformed when a text has a character that ISO-8859-1 lacks
Result<std::string> cue_text(const DiscPlan& plan, const std::vector<std::uint32_t>& sectors, const std::string& bin_name, CdText text);

}  // namespace ghost::disc
