#pragma once
#include <string>

#include "base/terminal.h"
#include "ghostlight/v1/stage.b2.h"

namespace ghost::app {

/// "grab        12 s  9 tracks, 12.4 minutes, 55890 sectors, no doubt left": one step that has ended, marked by how.
std::string step_line(const Terminal& terminal, const ghostlight::v1::Step& step);

/// What a job came to, for a person: each track as the disc had it and as it is, the receivers, the ports.
std::string stage_report(const Terminal& terminal, const ghostlight::v1::StageState& state);

/// The same as one object of JSON (docs/guide/main-job.md), without a newline.
std::string stage_json(const ghostlight::v1::StageState& state);
/// A step as an event of JSON, without a newline.
std::string step_json(const ghostlight::v1::Step& step);

}  // namespace ghost::app
