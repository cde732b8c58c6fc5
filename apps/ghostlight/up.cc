#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <optional>

#include "b2/child_config.h"
#include "b2/host_service.h"
#include "b2/house.h"
#include "base/file.h"
#include "console/assets.h"
#include "verbs.h"
#include "app/daemon_service.h"
#include "app/succession_service.h"
#include "app/version.h"
#include "workflow/stage_hosts_service.h"
#include "workflow/stage_service.h"

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
  spec.datagrams = true;
  spec.assets = find_web_asset;
  spec.keys = {{"child", ConfigType::tables, "", "how the host runs its children", {}}};
  return spec;
}

int print_config(const Arguments& arguments) {
  const auto config = daemon_config(daemon_spec(), arguments);
  if (!config) return complain("ghostlight", config.error());
  std::cout << (arguments.has("json") ? config->to_json() + "\n" : config->to_toml());
  return code(Exit::done);
}

/// The house this node keeps; made when receivers are to be run and there is none, since only members are sent anything.
Result<b2::House> own_house(const Places& where) {
  auto house = b2::House::open(where.state);
  if (house || house.error().code != Errc::not_found) return house;
  const auto now = std::chrono::system_clock::now();
  auto node = b2::NodeState::open_or_create(where.state, "", now);
  if (!node) return node.error();
  return b2::House::create(*node, node->name() + "'s stage", now);
}

/// A share as people write it: "2%", "0.02".
Result<double> parse_share(const std::string& text) {
  double value = -1;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (rest == "%") value /= 100;
  if (wrong != std::errc{} || (!rest.empty() && rest != "%") || !(value >= 0 && value <= 0.9)) {
    return Error{Errc::malformed, "'" + text + "' is no packet loss: write 2% or 0.02, at most 90%"};
  }
  return value;
}

/// The receivers that --receivers asks for; null when it does not.
Result<std::unique_ptr<workflow::StageHosts>> stage_hosts(const Places& where, const std::filesystem::path& programs, const Arguments& arguments) {
  const std::string wished = arguments.text("receivers", "0");
  workflow::StageHosts::Spec spec;
  const auto [end, wrong] = std::from_chars(wished.data(), wished.data() + wished.size(), spec.count);
  if (wrong != std::errc{} || end != wished.data() + wished.size()) return Error{Errc::malformed, "--receivers " + wished + ": a number is wanted"};
  if (spec.count == 0) return std::unique_ptr<workflow::StageHosts>();
  const auto loss = parse_share(arguments.text("loss", "0"));
  if (!loss) return loss.error().in("--loss");
  spec.loss = *loss;
  spec.state = where.state;
  spec.ardus = programs / "ardus";
  spec.namespaces = !arguments.has("on-loopback");
  const auto house = own_house(where);
  if (!house) return house.error();
  return workflow::StageHosts::make(std::move(spec), *house);
}

/// What the last step of the main job must find confirmed: nothing where ports are the kernel's choice.
workflow::Expectations expectations(const b2::Node& node, const Arguments& arguments, bool receivers) {
  workflow::Expectations expected;
  if (arguments.has("free-ports")) return expected;
  for (const ChildProgram& child : children()) {
    if (child.port != 0) expected.tcp.push_back(child.port);
  }
  for (const std::string& address : node.addresses()) {
    if (address.ends_with(":" + std::to_string(kPort))) expected.tcp.push_back(kPort);
  }
  expected.udp = {2114};
  if (receivers) expected.udp.insert(expected.udp.end(), {1117, 1834, 1835});
  return expected;
}

/// Whether the children that ran before run here, or why one does not.
Result<bool> all_ready(const b2::Host& host, const std::vector<std::string>& wanted) {
  bool all = true;
  for (const b2::v1::Child& child : host.state().children) {
    if (std::find(wanted.begin(), wanted.end(), child.name) == wanted.end() || child.state == b2::v1::ChildState::ready) continue;
    if (!child.last_exit.empty()) return Error{Errc::conflict, child.name + " does not start: " + child.last_exit};
    all = false;
  }
  return all;
}

std::vector<std::string> ready_children(const b2::Host& host) {
  std::vector<std::string> names;
  for (const b2::HostedCount& child : host.counted()) {
    if (child.ready) names.push_back(child.name);
  }
  return names;
}

int up(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  if (const Status made = make_private_directory(where->state); !made) return complain("ghostlight", made.error());
  const auto programs = own_directory();
  if (!programs) return complain("ghostlight", programs.error());
  const auto opened = Succession::open(up_lock(*where));
  if (!opened) return complain("ghostlight", opened.error().code == Errc::busy ? opened.error().in("a host runs on " + where->state.string() + " already ('ghostlight stop' ends it)") : opened.error());
  Succession& succession = **opened;

  const auto receivers = stage_hosts(*where, *programs, arguments);
  if (!receivers) return complain("ghostlight", receivers.error());

  std::vector<b2::ChildSpec> hosted;
  for (const ChildProgram& child : children()) hosted.push_back(child_spec(child, *programs, *where, arguments));

  std::unique_ptr<b2::Host> host;
  std::unique_ptr<workflow::StageService> stage;
  DaemonSpec spec = daemon_spec();
  std::unique_ptr<b2::KernelProcesses> processes;
  const Logger log = Logger::to_stderr(parse_log_level(arguments.text("log", "info")).value_or(LogLevel::info));
  spec.configured = [&](const Config& config) { return b2::configure_children(config.tables("child"), hosted); };
  spec.ready = [&](b2::Node& node) -> Status {
    processes = std::make_unique<b2::KernelProcesses>(node.network());
    const auto relieves = [&succession] { return succession.before() != nullptr && succession.before()->lives(); };
    host = std::make_unique<b2::Host>(b2::HostParts{node.network().reactor(), *processes, node.endpoint(), log, {}, relieves}, b2::Host::About{node.core(), kVersion});
    host->upgrade_self = [&](auto done) {
      if (*receivers) return done(Error{Errc::unsupported, "the receivers of --receivers would be lost with it; end the host and start it again"});
      if (stage->busy()) return done(Error{Errc::busy, "a job is being done; wait for its end, or cancel it"});
      const Error elsewhere{Errc::busy, "another process of the host serves from here on; call again"};
      const auto relieved = [&, elsewhere] {
        host->end_watching(elsewhere);
        stage->end_watching(elsewhere);
      };
      succession.upgrade(node.network(), {node.token(), ready_children(*host)}, log, relieved, std::move(done));
    };
    node.endpoint().services.add(*host);
    node.hosted = [&host] { return host ? host->counted() : std::vector<b2::HostedCount>(); };
    for (b2::ChildSpec& child : hosted) {
      if (const Status added = host->add(std::move(child)); !added) return added;
    }
    workflow::StageParts parts{node.network(), node.endpoint(), log, where->state, [&](std::string_view program) { return where->socket(program); },
                               expectations(node, arguments, *receivers != nullptr), {}, 0};
    if (*receivers) {
      for (const b2::ChildSpec& receiver : (*receivers)->children()) {
        if (const Status added = host->add(receiver); !added) return added;
      }
      parts.interfaces = {(*receivers)->interface()};
      parts.receivers = static_cast<std::uint32_t>((*receivers)->children().size());
    }
    auto made = workflow::StageService::open(std::move(parts));
    if (!made) return made.error();
    stage = std::move(*made);
    node.endpoint().services.add(*stage);
    const std::string url = console_url(node, node.server());
    if (const Status written = write_file_atomically(console_file(*where), as_bytes(url + "\n"), 0600); !written) return written;
    if (const auto file = arguments.find("ready-file")) {
      if (const Status written = write_file_atomically(*file, as_bytes(url + "\n"), 0600); !written) return written;
    }
    if (succession.before() == nullptr) std::cout << "Ghostlight is up. Console: " << url << std::endl;
    if (*receivers) std::cout << (*receivers)->text() << std::endl;
    return {};
  };
  spec.services_changed = [&](const b2::v1::ServiceEntry& changed) {
    if (host) host->tell_services(changed);
  };
  spec.stopping = [&](std::function<void()> stopped) {
    if (host) host->stop(std::move(stopped));
    else stopped();
  };
  spec.ended = [&] {
    stage.reset();
    host.reset();
    processes.reset();
  };
  spec.stands = [&] { return all_ready(*host, succession.before()->legacy().children); };
  succession.join(spec);
  const int code = run_daemon(spec, arguments);
  std::error_code gone;
  if (!succession.is_relieved() && !succession.before_goes_on()) std::filesystem::remove(console_file(*where), gone);
  return succession.end(code);
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
                   {"ghostlight up --receivers 3 --loss 2%", "with three receivers to distribute to, on this machine"},
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
  Option receivers;
  receivers.name = "receivers";
  receivers.value = "N";
  receivers.help = "also run N machines that receive, for a demonstration: in network namespaces as root, else processes on loopback";
  Option loss;
  loss.name = "loss";
  loss.value = "SHARE";
  loss.help = "packets those machines lose, 2% or 0.02; in namespaces only";
  Option on_loopback;
  on_loopback.name = "on-loopback";
  on_loopback.help = "run them on loopback, also as root";
  verb.options.insert(verb.options.end(), {ready, free_ports, receivers, loss, on_loopback});
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
