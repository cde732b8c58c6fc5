#include "verbs.h"
#include "app/version.h"

int main(int argc, char** argv) {
  using namespace ghost;
  Program program;
  program.name = "b2";
  program.version = app::kVersion;
  program.summary = "calls, streams and topics between programs";
  program.description =
      "Talks to whatever speaks b2: lists what it serves, describes it, calls it with JSON, publishes and subscribes, measures it. Without an address it asks "
      "this machine's host through its Unix socket.";
  program.examples = {{"b2 ls", "what this machine serves, and what others were found"},
                      {"b2 describe b2.v1.Core", "methods and messages of a service"},
                      {"b2 call b2.v1.Core/Health '{}'", "one call, JSON in and out"},
                      {"b2 top", "what it is doing, live"},
                      {"b2 call --at 10.0.0.7:2203 b2.v1.Host/Watch '{}'", "a stream, from another machine of the house"},
                      {"b2 sub 'studio.>'", "what is published under these subjects"}};
  program.verbs = {app::ls_verb(), app::describe_verb(), app::call_verb(), app::pub_verb(), app::sub_verb(), app::ping_verb(), app::top_verb(), app::trace_verb(), app::doctor_verb(), app::bench_verb()};
  for (Verb& verb : app::child_verbs()) program.verbs.push_back(std::move(verb));
  return run_command_line(program, argc, argv);
}
