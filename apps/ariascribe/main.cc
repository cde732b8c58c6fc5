#include "app/daemon_service.h"
#include "app/version.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace ghost;
  app::DaemonSpec daemon;
  daemon.program = "ariascribe";
  daemon.port = 2114;
  daemon.socket = "ariascribe";
  Program program;
  program.name = "ariascribe";
  program.version = app::kVersion;
  program.summary = "classical-music metadata";
  program.description = "Turns messy titles and tags into composer, work, movement and performers: offline, with how sure each is, and with undo.";
  program.examples = {{"ariascribe identify 'Op. 27 Nr. 2, 3. Satz' --composer Beethoven", "what a title means"}, {"ariascribe search Eroica", "find works"}};
  program.verbs = {app::identify_verb(), app::identify_album_verb(), app::search_verb(), app::show_verb(), app::serve_verb(daemon, "answer b2 on port 2114")};
  return run_command_line(program, argc, argv);
}
