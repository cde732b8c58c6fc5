#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "audiojuggler/grab_service.h"
#include "audiojuggler/jobs.h"

namespace ghost::audiojuggler {

/// Gets the changes that a job's work makes to it, from any thread, and brings them to the job.
using ChangeJob = std::function<void(std::function<void(Job&)> change)>;

/// The work of the three kinds of jobs, each run on a thread of its own choosing. What it gives is the job's outcome.
Status run_grab(const GrabOptions& options, const ChangeJob& change, const std::atomic<bool>& cancelled);
/// Failed when a file is not as rip.json, or the disc, has it; the message names the tracks.
/// @param source  the disc or image to compare with; "" for none
Status run_verify(const std::string& folder, const std::string& source, const ChangeJob& change, const std::atomic<bool>& cancelled);
Status run_convert(const std::vector<std::string>& files, const std::string& to, const std::string& into, const ChangeJob& change, const std::atomic<bool>& cancelled);

}  // namespace ghost::audiojuggler
