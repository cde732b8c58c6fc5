#include <cstdlib>
#include <iostream>

#include "bench/abuse.h"
#include "bench/bench.h"
#include "bench/mixed.h"
#include "verbs.h"

namespace ghost::app {

namespace {

int bench(const Arguments& arguments) {
  b2::bench::BenchOptions options;
  const auto number = [&](const std::string& name, double otherwise, double least, double most, double& out) {
    const std::string text = arguments.text(name, std::to_string(otherwise));
    char* end = nullptr;
    out = std::strtod(text.c_str(), &end);
    if (end != text.c_str() && *end == '\0' && out >= least && out <= most) return true;
    std::cerr << "b2: --" << name << " " << text << ": a number from " << least << " to " << most << "\n";
    return false;
  };
  double rounds = 0;
  options.cells = arguments.all("CELL");
  const std::string first = options.cells.empty() ? "" : options.cells.front();
  const bool mixed = first == "mixed", abuse = first == "abuse";
  if (!number("seconds", mixed ? 10 : abuse ? 2 : options.seconds, 0.01, mixed ? 86'400 : 60, options.seconds)) return code(Exit::usage);
  if (mixed && options.cells.size() == 1) return b2::bench::mixed_bench({options.seconds, 1, arguments.has("json")});
  if (abuse) return b2::bench::abuse_bench({options.seconds, 9'900, {options.cells.begin() + 1, options.cells.end()}, arguments.has("json")});
  if (!number("rounds", static_cast<double>(options.rounds), 1, 1000, rounds)) return code(Exit::usage);
  options.rounds = static_cast<std::size_t>(rounds);
  options.against = arguments.text("against", "");
  options.json = arguments.has("json");
  return b2::bench::run_bench(options);
}

}  // namespace

Verb bench_verb() {
  Verb verb;
  verb.name = "bench";
  verb.summary = "measure b2 against a raw epoll echo on this machine, in one run";
  verb.description =
      "Runs each load through a hand-written epoll echo and through b2 in turn, on loopback, and prints the median of the ratios: 1 is as "
      "fast as raw. An unquiet machine gives unquiet figures.\n"
      "'mixed' is no race: everything b2 does at once, over TCP, TLS and a Unix socket, for --seconds (10), with the content of every answer "
      "compared; it fails when something is wrong. 'abuse' tells what it costs a server and others to be abused: idle, reset, loris, subscriber.";
  verb.examples = {{"b2 bench", "all cells"}, {"b2 bench lat lat-spin --rounds 15", "two of them, for longer"}, {"b2 bench --json", "a line a cell"},
                   {"b2 bench --against raw,grpc,zmq,nng,protobuf,protozero", "other libraries too, built by bench/b2/build_rivals"},
                   {"b2 bench mixed --seconds 60", "a minute of everything at once, checked"}, {"b2 bench abuse idle reset", "two abuses, and what they cost"}};
  verb.options = {Option{"seconds", "S", "length of one run (0.5)"}, Option{"rounds", "N", "raw and b2 in turn so many times (7)"},
                  Option{"against", "LIST", "other libraries that take part: raw,grpc,zmq,nng,protobuf,protozero"}, json_option()};
  verb.positionals = {{"CELL", "what to measure; all when left out", Positional::Count::any, {}, Complete::nothing}};
  verb.run = bench;
  return verb;
}

}  // namespace ghost::app
