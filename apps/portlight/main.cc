#include "app/daemon_service.h"
#include "app/places.h"
#include "app/version.h"
#include "portlight/registry_store_service.h"
#include "verbs.h"

namespace ghost::app {

/// `serve`: portlight.v1.Ports beside b2.v1.Core.
Verb ports_daemon_verb() {
  DaemonSpec daemon;
  daemon.program = "portlight";
  daemon.port = 0;
  daemon.socket = "portlight";
  Verb verb = serve_verb(daemon, "answer portlight.v1.Ports on its Unix socket");
  verb.run = [daemon](const Arguments& arguments) mutable {
    const auto engine = open_portlight(arguments);
    if (!engine) return refuse(engine.error());
    portlight::PortsService ports(**engine);
    daemon.ready = [&ports](b2::Node& node) {
      node.endpoint().services.add(ports);
      return Status();
    };
    return run_daemon(daemon, arguments);
  };
  return verb;
}

}  // namespace ghost::app

int main(int argc, char** argv) {
  using namespace ghost;
  Program program;
  program.name = "portlight";
  program.version = app::kVersion;
  program.summary = "what is on which port";
  program.description = "What is registered on a port, what really listens there, who owns it, what it speaks, and whether to worry. Run as root it sees every "
                        "listener in every network namespace; as anyone else it says what it could not see.";
  program.examples = {{"portlight", "every listener, with a verdict"},
                      {"portlight 2203 1117-1120", "some ports"},
                      {"portlight why 2256", "the story of one"},
                      {"portlight registry search music", "IANA's registry"},
                      {"portlight --json | jq -r 'select(.verdict==\"warn\").why'", "for a script"}};
  program.verbs = {app::list_verb(), app::why_verb(), app::identify_verb()};
  for (Verb& verb : app::registry_verbs()) program.verbs.push_back(std::move(verb));
  program.verbs.push_back(app::ports_daemon_verb());
  return run_command_line(program, argc, argv);
}
