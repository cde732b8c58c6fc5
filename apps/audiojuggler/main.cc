#include "app/version.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace ghost;
  Program program;
  program.name = "audiojuggler";
  program.version = app::kVersion;
  program.summary = "grab discs without doubt, convert, verify";
  program.description =
      "Reads audio discs, and images of them, into one verified file a track, bit-exact or with every doubt listed; checks them later, converts them, draws them. Its daemon does "
      "the same as jobs for others.";
  program.examples = {{"audiojuggler disc album.cue", "what a disc says of itself"},
                      {"audiojuggler grab album.cue --into album", "one FLAC a track, with rip.json, rip.log and disc.cue"},
                      {"audiojuggler verify album --against album.cue", "bit for bit"},
                      {"audiojuggler convert album/*.flac --to opus --into phone", "for a telephone"}};
  program.verbs = {app::disc_verb(), app::grab_verb(), app::verify_verb(), app::convert_verb(), app::picture_verb()};
  for (Verb& verb : app::job_verbs()) program.verbs.push_back(std::move(verb));
  program.verbs.push_back(app::jobs_daemon_verb());
  return run_command_line(program, argc, argv);
}
