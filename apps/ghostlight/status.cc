#include <fcntl.h>
#include <sys/file.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include <fmt/format.h>

#include "b2/message.h"
#include "b2/v1/host.b2.h"
#include "base/file.h"
#include "base/text.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

constexpr auto kStopPatience = std::chrono::seconds(20);

std::string span_text(std::uint64_t ms) {
  const std::uint64_t s = ms / 1000;
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
}

std::string console_url(const Places& where) {
  const auto text = read_file(console_file(where), 4096);
  if (!text) return "";
  return text->substr(0, text->find('\n'));
}

void print(const b2::v1::HostState& state, const std::string& url) {
  std::cout << fmt::format("{}  {}{}  up {}\n", state.node_name, state.node_words, state.house.empty() ? "" : "  house " + state.house, span_text(state.uptime_ms));
  for (const b2::v1::Child& child : state.children) {
    std::string more = child.pid != 0 ? fmt::format("pid {}, {} MB, up {}", child.pid, child.resident_bytes / 1'000'000, span_text(child.uptime_ms)) : child.last_exit;
    if (child.restarts > 0) more += fmt::format(", started again {} times", child.restarts);
    std::string services;
    for (const b2::v1::ServiceEntry& service : child.services) services += " " + service.name;
    std::cout << fmt::format("  {:<13} {:<12} {}\n", child.name, name(child.state), more);
  }
  if (!url.empty()) std::cout << "console  " << url << "\n";
}

int status(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  auto session = Session::open(*where, {});
  if (!session) return complain("ghostlight", session.error());
  const auto answer = (*session)->call("b2.v1.Host", "List", {}, std::chrono::seconds(10));
  if (!answer) return complain("ghostlight", answer.error());
  const auto response = b2::decode<b2::v1::ListResponse>(*answer);
  if (!response) return complain("ghostlight", response.error());
  const b2::v1::HostState state = response->state.value_or(b2::v1::HostState{});
  const std::string url = console_url(*where);
  bool all_ready = true;
  for (const b2::v1::Child& child : state.children) all_ready &= child.state == b2::v1::ChildState::ready;
  if (arguments.has("json")) {
    nlohmann::ordered_json children = nlohmann::ordered_json::array();
    for (const b2::v1::Child& child : state.children) {
      children.push_back({{"name", child.name}, {"state", name(child.state)}, {"pid", child.pid}, {"uptime_ms", child.uptime_ms}, {"restarts", child.restarts}, {"last_exit", child.last_exit}, {"addresses", child.addresses}});
    }
    const nlohmann::ordered_json line = {{"v", 1}, {"event", "summary"}, {"node", state.node_name}, {"node_id", to_hex(state.node_id)}, {"words", state.node_words}, {"house", state.house},
                                         {"version", state.version}, {"uptime_ms", state.uptime_ms}, {"addresses", state.addresses}, {"console", url}, {"children", children}, {"code", all_ready ? 0 : 3}};
    std::cout << line.dump() << "\n";
  } else {
    print(state, url);
  }
  return code(all_ready ? Exit::done : Exit::partly);
}

/// Whether somebody holds the lock of a running host.
bool is_locked(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return true;
  ::flock(file.get(), LOCK_UN);
  return false;
}

int stop(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  const auto lock = up_lock(*where);
  if (!is_locked(lock)) return complain("ghostlight", Error{Errc::not_found, "no host runs on " + where->state.string()});
  const auto text = read_file(lock, 64);
  int pid = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 0) return complain("ghostlight", Error{Errc::io, lock.string() + " does not say which process holds it"});
  if (::kill(pid, SIGTERM) != 0) return complain("ghostlight", errno_error("end process", std::to_string(pid)));
  const auto deadline = std::chrono::steady_clock::now() + kStopPatience;
  while (is_locked(lock)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return complain("ghostlight", Error{Errc::timed_out, "process " + std::to_string(pid) + " has not ended after 20 s; its log tells what it does"});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return code(Exit::done);
}

/// Whether a new version is there, the host itself knows not: it starts what has its program's name.
int upgrade(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  const auto ask = [&](std::string_view method, BytesView request, Duration patience) -> Result<Bytes> {
    auto session = Session::open(*where, {});
    if (!session) return session.error();
    return (*session)->call("b2.v1.Host", method, request, patience);
  };
  const auto answer = ask("Upgrade", b2::encode(b2::v1::UpgradeRequest()), std::chrono::seconds(60));
  if (!answer) return complain("ghostlight", answer.error());
  const auto upgraded = b2::decode<b2::v1::UpgradeResponse>(*answer);
  if (!upgraded) return complain("ghostlight", upgraded.error());
  const auto listed = ask("List", {}, std::chrono::seconds(10));  // of the one that serves
  if (!listed) return complain("ghostlight", listed.error());
  const auto list = b2::decode<b2::v1::ListResponse>(*listed);
  if (!list) return complain("ghostlight", list.error());
  const std::string version = list->state.value_or(b2::v1::HostState()).version;
  if (arguments.has("json")) {
    std::cout << nlohmann::ordered_json{{"v", 1}, {"event", "summary"}, {"pid", upgraded->pid}, {"version", version}, {"code", 0}}.dump() << "\n";
  } else {
    std::cout << fmt::format("The host runs as process {}, version {}, from here on; what the one before had to do it finishes.\n", upgraded->pid, printable(version));
  }
  return code(Exit::done);
}

}  // namespace

Verb upgrade_verb() {
  Verb verb;
  verb.name = "upgrade";
  verb.summary = "have another process of the host take over, without a lost call";
  verb.description =
      "After a new version was put in the programs' place. Another process of the host is started beside the one that runs, with the same options, starts "
      "children of its own, and gets the listening sockets once all are ready. The one before finishes what came to it, for a minute at most. When the "
      "other does not get ready the first goes on as before. Not while a job is being done, nor with --receivers.";
  verb.examples = {{"ghostlight upgrade", "callers notice nothing"}, {"ghostlight upgrade --json", "for a script"}};
  verb.options = {state_option(), json_option()};
  verb.run = upgrade;
  return verb;
}

Verb status_verb() {
  Verb verb;
  verb.name = "status";
  verb.summary = "what runs on this node, and the console's address";
  verb.description = "Exits 3 when a child is not ready.";
  verb.examples = {{"ghostlight status", "for a person"}, {"ghostlight status --json", "for a script"}};
  verb.options = {state_option(), json_option()};
  verb.run = status;
  return verb;
}

Verb stop_verb() {
  Verb verb;
  verb.name = "stop";
  verb.summary = "end the host of this state, and its children";
  verb.examples = {{"ghostlight stop", "waits until it has ended"}};
  verb.options = {state_option()};
  verb.run = stop;
  return verb;
}

}  // namespace ghost::app
