#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "called.h"
#include "verbs.h"
#include "base/text.h"

namespace ghost::app {

namespace {

/// What an endpoint that the call went by tells of it (docs/spec/b2.md §5).
struct Hop {
  std::string span, parent;
  std::uint64_t took_us = 0;
  std::string status;
  std::string who;
};

/// "SPAN PARENT MICROSECONDS STATUS NAME"; nothing for what is none.
std::optional<Hop> read_hop(std::string_view text) {
  std::array<std::string_view, 4> words;
  for (std::string_view& word : words) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    word = text.substr(0, space);
    text.remove_prefix(space + 1);
  }
  Hop hop;
  hop.span = printable(words[0]);
  hop.parent = printable(words[1]);
  unsigned status = 0;
  const auto took = std::from_chars(words[2].data(), words[2].data() + words[2].size(), hop.took_us);
  const auto told = std::from_chars(words[3].data(), words[3].data() + words[3].size(), status);
  if (took.ec != std::errc() || told.ec != std::errc() || status > 16) return std::nullopt;
  hop.status = status == 0 ? "ok" : std::string(name(static_cast<Errc>(status)));
  hop.who = printable(text);
  return hop;
}

/// Gathers what the call brings.
class Follow : public b2::CallHandler {
 public:
  Follow(std::vector<Hop>& hops, std::optional<Status>& end) : hops_(hops), end_(end) {}
  void on_message(BytesView) override {}
  void on_metadata(const b2::Metadata& metadata) override {
    for (const auto& [key, value] : metadata) {
      if (key != b2::kHop) continue;
      if (auto hop = read_hop(value)) hops_.push_back(std::move(*hop));
    }
  }
  void on_end(const Status& status) override { end_ = status; }

 private:
  std::vector<Hop>& hops_;
  std::optional<Status>& end_;
};

std::string milliseconds(std::uint64_t us) { return fmt::format("{:.3f} ms", static_cast<double>(us) / 1000); }

/// The hops below one another, each once; those whose parent told nothing stand below the root.
class Tree {
 public:
  explicit Tree(const std::vector<Hop>& hops) : hops_(hops), told_(hops.size()) {}

  /// @param tell  gets each hop with its depth and the time between it and its parent
  template <class Tell>
  void walk(const std::string& root, std::uint64_t root_us, const Tell& tell) {
    below(root, root_us, 1, tell);
    for (std::size_t i = 0; i < hops_.size(); ++i) {
      if (!told_[i]) one(i, root_us, 1, tell);
    }
  }

 private:
  template <class Tell>
  void below(const std::string& parent, std::uint64_t parent_us, int depth, const Tell& tell) {
    for (std::size_t i = 0; i < hops_.size(); ++i) {
      if (!told_[i] && hops_[i].parent == parent) one(i, parent_us, depth, tell);
    }
  }
  template <class Tell>
  void one(std::size_t i, std::uint64_t parent_us, int depth, const Tell& tell) {
    told_[i] = true;
    tell(hops_[i], depth, parent_us - std::min(parent_us, hops_[i].took_us));
    below(hops_[i].span, hops_[i].took_us, depth + 1, tell);
  }

  const std::vector<Hop>& hops_;
  std::vector<bool> told_;
};

int trace(const Arguments& arguments) {
  const auto called = Called::read(arguments, "trace");
  if (!called) {
    std::cerr << "b2: " << called.error().message << "\n";
    return code(Exit::usage);
  }
  auto root = Result<b2::TraceContext>(b2::TraceContext::begin());
  if (const auto told = arguments.find("traceparent")) root = b2::TraceContext::parse(*told);
  const auto timeout = timeout_of(arguments);
  if (!root || !timeout) {
    std::cerr << "b2: " << (root ? timeout.error() : root.error()).message << "\n";
    return code(Exit::usage);
  }
  const auto session = open_session(arguments, called->at);
  if (!session) return fail_called(arguments, session.error());
  const auto kind = kind_of((*session)->hello(), *called);
  if (kind == b2::v1::MethodKind::client_stream || kind == b2::v1::MethodKind::bidirectional) {
    return fail_called(arguments, Error{Errc::unsupported, called->path() + " takes a stream; b2 trace follows calls with one request"});
  }
  const auto schema = schema_of(**session, called->service);
  if (!schema) return fail_called(arguments, schema.error());
  const auto request = schema->request_from_json(called->service, called->method, called->json);
  if (!request) return fail_called(arguments, request.error());

  b2::CallOptions options;
  options.timeout = *timeout;
  options.trace = arguments.has("traceparent") ? root->child() : *root;
  options.metadata.emplace_back(b2::kWantsHops, "1");
  std::vector<Hop> hops;
  std::optional<Status> end;
  net::EpollNetwork& network = (*session)->network();
  const TimePoint began = network.precise_now();
  (*session)->channel().start(called->service, called->method, b2::Payload(BytesView(*request)), options, std::make_unique<Follow>(hops, end));
  if (!(*session)->wait([&] { return end.has_value(); })) return code(Exit::interrupted);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(network.precise_now() - began);
  const auto total = static_cast<std::uint64_t>(took.count());
  const std::string status = *end ? "ok" : std::string(name(end->error().code));
  const Exit exit = *end ? Exit::done : exit_code_of(end->error());

  Tree tree(hops);
  if (arguments.has("json")) {
    const auto print = [](const nlohmann::ordered_json& line) { std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n"; };
    tree.walk(options.trace->span_text(), total, [&](const Hop& hop, int depth, std::uint64_t between) {
      print({{"v", 1}, {"event", "hop"}, {"depth", depth}, {"name", hop.who}, {"span", hop.span}, {"parent", hop.parent}, {"status", hop.status},
             {"took_us", hop.took_us}, {"before_and_after_us", between}});
    });
    print({{"v", 1}, {"event", "summary"}, {"trace", options.trace->trace_text()}, {"call", called->path()}, {"status", status}, {"took_us", total},
           {"hops", hops.size()}, {"message", *end ? "" : end->error().message}, {"code", code(exit)}});
    return code(exit);
  }
  std::cout << fmt::format("trace {}\n{:>12}  {:14} {}\n", options.trace->trace_text(), milliseconds(total), status, called->path());
  tree.walk(options.trace->span_text(), total, [&](const Hop& hop, int depth, std::uint64_t between) {
    std::cout << fmt::format("{:>12}  {:14} {:>{}} {} (+{} around it)\n", milliseconds(hop.took_us), hop.status, "└─", 3 * depth, hop.who, milliseconds(between));
  });
  if (hops.empty()) std::cout << "no endpoint told of itself: they are older, or a stream's end had no room for it\n";
  return *end ? code(exit) : complain("b2", end->error());
}

}  // namespace

Verb trace_verb() {
  Verb verb;
  verb.name = "trace";
  verb.summary = "make one call and show the endpoints it went by, with their times";
  verb.description = "Each line is an endpoint that handled the call or passed it on: how long it took there, its end, and how much longer the one before it waited. "
                     "The trace's id stands in the log line of whoever failed. A stream is followed to its end.";
  verb.examples = {{"b2 trace ariascribe.v1.Catalogue/Search '{\"text\": \"BWV 1007\"}'", "from the host to its child"},
                   {"b2 trace --at 10.0.0.7:2203 b2.v1.Core/Health", "another machine"}};
  verb.options = connection_options();
  verb.options.push_back(Option{"traceparent", "TEXT", "go on with a trace that began elsewhere, as W3C's header of that name has it"});
  verb.positionals = {{"WORDS", "[ADDR] SERVICE/METHOD [JSON]", Positional::Count::at_least_one, {}, Complete::nothing}};
  verb.run = trace;
  return verb;
}

}  // namespace ghost::app
