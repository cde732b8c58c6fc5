#pragma once
#include "base/command_line.h"

namespace ghost::app {

Verb simulate_verb();

}  // namespace ghost::app
