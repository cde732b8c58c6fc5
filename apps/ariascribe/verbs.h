#pragma once
#include "base/command_line.h"

namespace ghost::app {

Verb identify_verb();
Verb identify_album_verb();
Verb search_verb();
Verb show_verb();

}  // namespace ghost::app
