#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "b2/message.h"
#include "b2/v1/host.b2.h"
#include "base/text.h"
#include "base/units.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

using nlohmann::ordered_json;

std::string state_name(const b2::v1::Child& child) {
  switch (child.state) {
    case b2::v1::ChildState::starting: return "starting";
    case b2::v1::ChildState::ready: return "ready";
    case b2::v1::ChildState::backing_off: return "backing off";
    case b2::v1::ChildState::failed: return "failed";
    case b2::v1::ChildState::stopped: return child.starts_on_call ? "waits for a call" : "stopped";
    case b2::v1::ChildState::ending: return "ending";
    case b2::v1::ChildState::unknown: break;
  }
  return "unknown";
}

ordered_json child_json(const b2::v1::Child& child) {
  return {{"v", 1},
          {"event", "child"},
          {"name", child.name},
          {"state", state_name(child)},
          {"pid", child.pid},
          {"uptime_ms", child.uptime_ms},
          {"restarts", child.restarts},
          {"last_exit", child.last_exit},
          {"cpu_percent", child.cpu_percent},
          {"resident_bytes", child.resident_bytes},
          {"addresses", child.addresses}};
}

/// One unary call of b2.v1.Host.
template <class Response, class Request>
Result<Response> ask_host(const Arguments& arguments, std::string_view method, const Request& request, Duration timeout) {
  auto session = open_session(arguments, arguments.text("at"));
  if (!session) return session.error();
  const auto answer = (*session)->call("b2.v1.Host", method, b2::encode(request), timeout);
  if (!answer) return answer.error();
  return b2::decode<Response>(*answer);
}

int ps(const Arguments& arguments) {
  const auto answer = ask_host<b2::v1::ListResponse>(arguments, "List", b2::v1::ListRequest(), std::chrono::seconds(10));
  if (!answer) return complain("b2", answer.error());
  const b2::v1::HostState state = answer->state.value_or(b2::v1::HostState());
  if (!arguments.has("json")) std::cout << fmt::format("{:<14} {:<17} {:>8} {:>10} {:>8} {:>10} {:>6}  {}\n", "NAME", "STATE", "PID", "UP", "RESTARTS", "MEMORY", "CPU", "LAST END");
  for (const b2::v1::Child& child : state.children) {
    if (arguments.has("json")) {
      std::cout << child_json(child).dump() << "\n";
      continue;
    }
    const bool runs = child.pid != 0;
    std::cout << fmt::format("{:<14} {:<17} {:>8} {:>10} {:>8} {:>10} {:>6}  {}\n", printable(child.name), state_name(child), runs ? std::to_string(child.pid) : "",
                             runs ? format_duration(std::chrono::seconds(child.uptime_ms / 1000)) : "", child.restarts, runs ? format_size(child.resident_bytes) : "",
                             runs ? fmt::format("{:.0f} %", child.cpu_percent) : "", printable(child.last_exit));
  }
  if (arguments.has("json")) std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"node", state.node_name}, {"children", state.children.size()}, {"code", 0}}.dump() << "\n";
  return code(Exit::done);
}

int upgrade(const Arguments& arguments) {
  b2::v1::UpgradeRequest request;
  request.name = arguments.text("NAME");
  const auto answer = ask_host<b2::v1::UpgradeResponse>(arguments, "Upgrade", request, std::chrono::seconds(60));
  if (!answer) return complain("b2", answer.error());
  std::cout << fmt::format("{} runs as process {} from here on; the one before it ends when its calls have.\n", request.name, answer->child.value_or(b2::v1::Child()).pid);
  return code(Exit::done);
}

int restart(const Arguments& arguments) {
  b2::v1::RestartRequest request;
  request.name = arguments.text("NAME");
  const auto answer = ask_host<b2::v1::RestartResponse>(arguments, "Restart", request, std::chrono::seconds(10));
  if (!answer) return complain("b2", answer.error());
  std::cout << request.name << " is being started again.\n";
  return code(Exit::done);
}

int logs(const Arguments& arguments) {
  auto session = open_session(arguments, arguments.text("at"));
  if (!session) return complain("b2", session.error());
  b2::v1::LogsRequest request;
  request.name = arguments.text("NAME");
  request.follow = arguments.has("follow");
  const bool json = arguments.has("json");
  std::optional<Status> ended;
  b2::CallOptions options;
  options.timeout = Duration::max();
  b2::ClientCall call = b2::v1::HostClient((*session)->channel()).logs(
      request,
      [&](const b2::v1::LogLine& line) {
        if (json) {
          std::cout << ordered_json{{"v", 1}, {"event", "line"}, {"child", line.child}, {"line", line.line}, {"dropped", line.dropped}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << "\n";
        } else {
          if (line.dropped != 0) std::cout << "(" << line.dropped << " lines came faster than they were read)\n";
          std::cout << (request.name.empty() ? line.child + ": " : "") << printable(line.line) << "\n";
        }
        if (request.follow) std::cout.flush();
      },
      [&](const Status& status) { ended = status; }, options);
  if (!(*session)->wait([&] { return ended.has_value(); })) {
    call.cancel();
    return code(Exit::interrupted);
  }
  if (!*ended) return complain("b2", ended->error());
  return code(Exit::done);
}

}  // namespace

std::vector<Verb> child_verbs() {
  const Positional name{"NAME", "of a child, as 'b2 ps' lists them", Positional::Count::one, {}, Complete::nothing};
  Verb list;
  list.name = "ps";
  list.summary = "the processes a host runs: their state, use and last end";
  list.examples = {{"b2 ps", "this machine's host"}, {"b2 ps --json | jq -r 'select(.state==\"failed\").name'", "for a script"}};
  list.options = connection_options();
  list.run = ps;

  Verb tell;
  tell.name = "logs";
  tell.summary = "what a child writes to its output";
  tell.examples = {{"b2 logs ariascribe", "its last lines"}, {"b2 logs --follow", "all children's, as they come"}};
  tell.options = connection_options();
  Option follow;
  follow.name = "follow";
  follow.letter = 'f';
  follow.help = "go on with each line as it comes";
  tell.options.push_back(follow);
  tell.positionals = {name};
  tell.positionals[0].count = Positional::Count::optional;
  tell.run = logs;

  Verb again;
  again.name = "restart";
  again.summary = "end a child and start it again; one that failed, too";
  again.examples = {{"b2 restart ariascribe", "calls wait for it a little; those under way fail"}};
  again.options = connection_options();
  again.positionals = {name};
  again.run = restart;

  Verb relieve;
  relieve.name = "upgrade";
  relieve.summary = "have a second process of a child take over, without a lost call";
  relieve.description =
      "After a new version was put in the program's place. The second process is started beside the first and gets the calls once it is ready; the first "
      "ends when its calls have, at the latest after a minute. When the second does not get ready the first goes on.";
  relieve.examples = {{"b2 upgrade ariascribe", "callers notice nothing"}};
  relieve.options = connection_options();
  relieve.positionals = {name};
  relieve.run = upgrade;
  return {list, tell, again, relieve};
}

}  // namespace ghost::app
