#pragma once
#include <vector>

#include "base/command_line.h"

namespace ghost::app {

Verb disc_verb();
Verb grab_verb();
Verb verify_verb();
Verb convert_verb();
Verb picture_verb();
/// jobs, watch, cancel and devices: what the daemon does and has.
std::vector<Verb> job_verbs();
Verb jobs_daemon_verb();

}  // namespace ghost::app
