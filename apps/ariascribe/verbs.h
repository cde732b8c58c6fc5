#pragma once
#include "base/command_line.h"

namespace ghost::app {

Verb identify_verb();
Verb identify_album_verb();
Verb search_verb();
Verb show_verb();
Verb enhance_verb();
Verb undo_verb();
Verb audit_verb();
Verb import_verb();
Verb export_verb();
Verb stats_verb();
Verb correct_verb();
Verb forget_verb();
Verb ariascribe_serve_verb();

/// `show` of a file instead of a work: its tags as they are.
int show_file(const Arguments& arguments, const std::string& path);

}  // namespace ghost::app
