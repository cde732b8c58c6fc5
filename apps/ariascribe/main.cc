#include "app/daemon_service.h"
#include "app/version.h"

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
  program.description = "The daemon of Ariascribe: today it answers who it is and how it fares.";
  program.verbs = {app::serve_verb(daemon, "answer b2.v1.Core on port 2114")};
  return run_command_line(program, argc, argv);
}
