#include "verbs.h"
#include "app/version.h"

int main(int argc, char** argv) {
  using namespace ghost;
  Program program;
  program.name = "ghostlight";
  program.version = app::kVersion;
  program.summary = "five services on one stage";
  program.description =
      "Runs this node: the b2 host on port 2203 with its console, and ARDUS, Ariascribe, AudioJuggler and Portlight as supervised "
      "children. Keeps who belongs together: a house is a small certificate authority, made by one command.";
  program.examples = {{"ghostlight up", "start the host and its four children"},
                      {"ghostlight start disc.cue", "the main job: grab, describe, distribute, verify, account"},
                      {"ghostlight status", "what runs, and the console's address"},
                      {"ghostlight house create \"Radio Archive\"", "make a house, with this node as its keeper"},
                      {"ghostlight house invite", "a one-time code for another machine"}};
  program.verbs = {app::up_verb(), app::start_verb(), app::stop_verb(), app::upgrade_verb(), app::status_verb(), app::config_verb()};
  for (Verb& verb : app::house_verbs()) program.verbs.push_back(std::move(verb));
  return run_command_line(program, argc, argv);
}
