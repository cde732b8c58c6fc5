#include "app/version.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace ghost;
  Program program;
  program.name = "ariascribe";
  program.version = app::kVersion;
  program.summary = "classical-music metadata";
  program.description = "Turns messy titles and tags into composer, work, movement and performers: offline, with how sure each is, and with undo.";
  program.examples = {{"ariascribe identify 'Op. 27 Nr. 2, 3. Satz' --composer Beethoven", "what a title means"}, {"ariascribe search Eroica", "find works"}, {"ariascribe enhance ~/Music/Bach", "what proper tags would be"}};
  program.verbs = {app::identify_verb(), app::identify_album_verb(), app::search_verb(), app::show_verb(), app::enhance_verb(), app::undo_verb(), app::audit_verb(), app::import_verb(), app::export_verb(), app::stats_verb(), app::correct_verb(), app::forget_verb(), app::ariascribe_serve_verb()};
  return run_command_line(program, argc, argv);
}
