#include <cstdlib>
#include <iostream>

#include "bench/bench.h"
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
  if (!number("seconds", options.seconds, 0.01, 60, options.seconds)) return code(Exit::usage);
  if (!number("rounds", static_cast<double>(options.rounds), 1, 1000, rounds)) return code(Exit::usage);
  options.rounds = static_cast<std::size_t>(rounds);
  options.cells = arguments.all("CELL");
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
      "fast as raw. An unquiet machine gives unquiet figures.";
  verb.examples = {{"b2 bench", "all cells"}, {"b2 bench lat lat-spin --rounds 15", "two of them, for longer"}, {"b2 bench --json", "a line a cell"},
                   {"b2 bench --against raw,grpc,zmq,nng", "other libraries too, built by bench/b2/build_rivals"}};
  verb.options = {Option{"seconds", "S", "length of one run (0.5)"}, Option{"rounds", "N", "raw and b2 in turn so many times (7)"},
                  Option{"against", "LIST", "other libraries that take part: raw,grpc,zmq,nng"}, json_option()};
  verb.positionals = {{"CELL", "what to measure; all when left out", Positional::Count::any, {}, Complete::nothing}};
  verb.run = bench;
  return verb;
}

}  // namespace ghost::app
