#include "app/daemon_service.h"
#include "app/version.h"

int main(int argc, char** argv) {
  using namespace ghost;
  app::DaemonSpec daemon;
  daemon.program = "audiojuggler";
  daemon.port = 3643;
  daemon.socket = "audiojuggler";
  Program program;
  program.name = "audiojuggler";
  program.version = app::kVersion;
  program.summary = "recorder, CD grabber, converter, burner";
  program.description = "The daemon of AudioJuggler: today it answers who it is and how it fares.";
  program.verbs = {app::serve_verb(daemon, "answer b2.v1.Core on port 3643")};
  return run_command_line(program, argc, argv);
}
