#include <unistd.h>

#include <array>
#include <iostream>
#include <optional>

#include "b2/host_service.h"
#include "base/file.h"
#include "console/assets.h"
#include "verbs.h"
#include "app/daemon_service.h"
#include "app/version.h"

namespace ghost::app {

namespace {

constexpr std::uint16_t kPort = 2203;

/// A child of the host and the port it listens on: its registered one, or one the kernel chooses when --free-ports was given.
struct ChildProgram {
  std::string name;
  std::uint16_t port;
};

std::array<ChildProgram, 4> children() { return {{{"ardus", 1117}, {"ariascribe", 2114}, {"audiojuggler", 3643}, {"portlight", 0}}}; }

Result<std::filesystem::path> own_directory() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return Error{Errc::io, "/proc/self/exe: " + failed.message()};
  return self.parent_path();
}

std::optional<b2::WebAsset> find_web_asset(std::string_view path) {
  const auto asset = console::find_asset(path == "/index.html" ? "/" : path);
  if (!asset) return std::nullopt;
  return b2::WebAsset{asset->content_type, asset->gzip, asset->immutable};
}

/// Where a browser on this machine finds the console.
std::string console_url(const b2::Node& node, const b2::Server& server) {
  for (const net::Address& address : server.addresses()) {
    if (address.is_ip() && address.is_loopback()) return "http://" + address.text() + "/#t=" + node.token();
  }
  return "";
}

b2::ChildSpec child_spec(const ChildProgram& child, const std::filesystem::path& programs, const Places& where, const Arguments& arguments) {
  b2::ChildSpec spec;
  spec.name = child.name;
  spec.command = {(programs / child.name).string(), "serve"};
  if (const auto level = arguments.find("log")) spec.command.insert(spec.command.end(), {"--log", *level});
  if (const auto file = arguments.find("config")) spec.command.insert(spec.command.end(), {"--config", std::filesystem::absolute(*file).string()});
  if (arguments.has("state")) {
    spec.command.insert(spec.command.end(), {"--state", where.state.string()});
  }
  if (arguments.has("free-ports") && child.port != 0) spec.command.insert(spec.command.end(), {"--listen", "127.0.0.1:0"});
  return spec;
}

DaemonSpec daemon_spec() {
  DaemonSpec spec;
  spec.program = "ghostlight";
  spec.port = kPort;
  spec.socket = "b2";
  spec.keeps_house = true;
  spec.assets = find_web_asset;
  return spec;
}

int print_config(const Arguments& arguments) {
  const auto config = daemon_config(daemon_spec(), arguments);
  if (!config) return complain("ghostlight", config.error());
  std::cout << (arguments.has("json") ? config->to_json() + "\n" : config->to_toml());
  return code(Exit::done);
}

int up(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  if (const Status made = make_private_directory(where->state); !made) return complain("ghostlight", made.error());
  const auto lock = FileLock::acquire(up_lock(*where));
  if (!lock) return complain("ghostlight", lock.error().in("a host runs on " + where->state.string() + " already ('ghostlight stop' ends it)"));
  const auto programs = own_directory();
  if (!programs) return complain("ghostlight", programs.error());

  std::unique_ptr<b2::Host> host;
  DaemonSpec spec = daemon_spec();
  std::unique_ptr<b2::KernelProcesses> processes;
  const Logger log = Logger::to_stderr(parse_log_level(arguments.text("log", "info")).value_or(LogLevel::info));
  spec.ready = [&](b2::Node& node) -> Status {
    processes = std::make_unique<b2::KernelProcesses>(node.network());
    host = std::make_unique<b2::Host>(b2::HostParts{node.network().reactor(), *processes, node.endpoint(), log, {}}, b2::Host::About{node.core(), kVersion});
    node.endpoint().services.add(*host);
    for (const ChildProgram& child : children()) {
      if (const Status added = host->add(child_spec(child, *programs, *where, arguments)); !added) return added;
    }
    const std::string url = console_url(node, node.server());
    if (const Status written = write_file_atomically(console_file(*where), as_bytes(url + "\n"), 0600); !written) return written;
    if (const auto file = arguments.find("ready-file")) {
      if (const Status written = write_file_atomically(*file, as_bytes(url + "\n"), 0600); !written) return written;
    }
    std::cout << "Ghostlight is up. Console: " << url << std::endl;
    return {};
  };
  spec.services_changed = [&](const b2::v1::ServiceEntry& changed) {
    if (host) host->tell_services(changed);
  };
  spec.stopping = [&](std::function<void()> stopped) {
    if (host) host->stop(std::move(stopped));
    else stopped();
  };
  const int ended = run_daemon(spec, arguments);
  std::error_code gone;
  std::filesystem::remove(console_file(*where), gone);
  return ended;
}

}  // namespace

Verb up_verb() {
  Verb verb;
  verb.name = "up";
  verb.summary = "run the host, its console and its four children, until it is told to end";
  verb.description =
      "Listens on 127.0.0.1:2203 and a Unix socket. Children that end are started again, sooner at first, later when it goes on. Prints "
      "the console's address with the token that opens it.";
  verb.examples = {{"ghostlight up", "on the registered ports"},
                   {"ghostlight up --state /tmp/try --listen 127.0.0.1:0 --free-ports", "a second one beside it, on free ports"},
                   {"ghostlight up --listen 0.0.0.0:2203 --listen 127.0.0.1:2203", "for the house, too"}};
  verb.options = daemon_options();
  Option ready;
  ready.name = "ready-file";
  ready.value = "FILE";
  ready.help = "write the console's address here once the host listens";
  ready.complete = Complete::files;
  Option free_ports;
  free_ports.name = "free-ports";
  free_ports.help = "let the children listen on ports the kernel chooses";
  verb.options.push_back(ready);
  verb.options.push_back(free_ports);
  verb.run = up;
  return verb;
}

Verb config_verb() {
  Verb verb;
  verb.name = "config";
  verb.summary = "print the host's configuration, and where each value comes from";
  verb.examples = {{"ghostlight config", "as a TOML file"}, {"ghostlight config --json", "for a script"}};
  verb.options = daemon_options();
  verb.options.push_back(json_option());
  verb.run = print_config;
  return verb;
}

}  // namespace ghost::app
