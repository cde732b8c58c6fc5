#pragma once
#include <string>

#include "base/time.h"
#include "workflow/job.h"

namespace ghost::workflow {

/// One line of the ledger, with its newline: JSON that says when (UTC), which job, what came of which step, and the facts an archive
/// wants to keep of it: checksums of a grab, tags of a description, receipts of a transfer, verdicts on ports.
std::string ledger_line(const Job& job, std::string_view event, std::optional<StepKind> step, WallTime when);

}  // namespace ghost::workflow
