#pragma once
#include "audiojuggler/api.h"
#include "audiojuggler/drives/drive.h"
#include "audiojuggler/jobs.h"

namespace ghost::audiojuggler {

/// What is told over b2 of a disc and of a job.
v1::Disc disc_message(const Disc& disc, const std::string& source);
v1::Job job_message(const Job& job);

}  // namespace ghost::audiojuggler
