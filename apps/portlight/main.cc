#include "app/daemon_service.h"
#include "app/version.h"

int main(int argc, char** argv) {
  using namespace ghost;
  app::DaemonSpec daemon;
  daemon.program = "portlight";
  daemon.port = 0;
  daemon.socket = "portlight";
  Program program;
  program.name = "portlight";
  program.version = app::kVersion;
  program.summary = "what is on which port";
  program.description = "The daemon of Portlight: today it answers who it is and how it fares. It has no port of its own.";
  program.verbs = {app::serve_verb(daemon, "answer b2.v1.Core on its Unix socket")};
  return run_command_line(program, argc, argv);
}
