#pragma once
#include <string_view>

#include "base/result.h"
#include "score.h"

namespace ghost::disc {

/// Reads the notation of data/demo/README.md. Each bar of each voice must fill its meter.
/// @return  malformed with the line: "line 12, voice rh, bar 3: 7/8 instead of 4/4"; exhausted when the text is beyond all reason
///          (1 MiB, 15 voices, 64 sections, 50,000 notes)
Result<Score> parse_score(std::string_view text);

}  // namespace ghost::disc
