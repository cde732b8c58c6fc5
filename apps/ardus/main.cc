#include "app/daemon_service.h"
#include "app/version.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace ghost;
  app::DaemonSpec daemon;
  daemon.program = "ardus";
  daemon.port = 1117;
  daemon.socket = "ardus";
  Program program;
  program.name = "ardus";
  program.version = app::kVersion;
  program.summary = "multicast file transfer";
  program.description = "Sends files to many machines at once. The daemon answers who it is and how it fares; simulate plays a whole transfer.";
  program.verbs = {app::serve_verb(daemon, "answer b2.v1.Core on port 1117"), app::simulate_verb()};
  return run_command_line(program, argc, argv);
}
