#include <csignal>

#include "app/version.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace ghost;
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may grow no more (ulimit -f) is an error with a message, not the program's end
  Program program;
  program.name = "ardus";
  program.version = app::kVersion;
  program.summary = "multicast file transfer";
  program.description =
      "Sends files and folders to many machines at once, by multicast, and ends when each has a verified copy. Sender and receivers are members of one house "
      "('ghostlight house').";
  program.examples = {{"ardus send album/ --receivers 3", "to three machines"},
                      {"ardus serve --into /srv/music", "receive, as a daemon"},
                      {"ardus publish album/ --to /var/www/pub", "for whoever can't be reached by multicast"},
                      {"ardus verify /srv/music", "is it still as it came?"},
                      {"ardus doctor --iface eth0", "why does nobody hear it?"},
                      {"ardus simulate --receivers 1000 --loss 0.01", "what it would cost on a lossy network"}};
  program.verbs = {app::send_verb(), app::receive_verb(), app::serve_verb(), app::publish_verb(), app::relay_verb(), app::status_verb(), app::verify_verb(), app::doctor_verb(), app::simulate_verb()};
  return run_command_line(program, argc, argv);
}
