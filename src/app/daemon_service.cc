#include "app/daemon_service.h"

#include <malloc.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "b2/child_service.h"
#include "b2/spawn_service.h"
#include "base/file.h"
#include "portlight/api.h"
#include "app/places.h"
#include "app/succession_service.h"
#include "app/version.h"

namespace ghost::app {

namespace {

constexpr Duration kSpin = std::chrono::microseconds(50);
/// A hosted child is killed 5 s after SIGTERM: what it grants its callers stays below.
constexpr Duration kLongestGraceOfAChild = std::chrono::seconds(4);
/// What came to a process goes on there for so long when another takes over.
constexpr Duration kHandOverGrace = std::chrono::seconds(60);

/// SIGTERM and SIGINT as a descriptor, so that they are handled in a turn like everything else. Blocked for threads made later, too.
UniqueFd termination_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

constexpr std::array<std::string_view, 7> kSections = {"child", "b2", "ardus", "ariascribe", "audiojuggler", "portlight", "workflow"};

Result<std::vector<net::Address>> addresses(const DaemonSpec& spec, const Places& where, const Config& config) {
  std::vector<net::Address> all;
  const std::string key = spec.socket + ".listen";
  for (const std::string& text : config.list(key)) {
    auto address = net::Address::parse(text, spec.port);
    if (!address) return address.error().in(config.origin(key));
    all.push_back(std::move(*address));
  }
  all.push_back(net::Address::unix_path((where.sockets / (spec.socket + ".sock")).string()));
  return all;
}

b2::NatsServers nats_servers(const std::string& section, const Config& config) {
  return {config.list(section + ".nats"), config.text(section + ".nats_credentials"), config.text(section + ".nats_ca"),
          config.text(section + ".nats_certificate"), config.text(section + ".nats_key")};
}

/// Whether the settings for NATS fit each other.
Status check_nats(const std::string& section, const Config& config) {
  const b2::NatsServers servers = nats_servers(section, config);
  for (const std::string& url : servers.urls) {
    if (url.starts_with("nats://") || url.starts_with("tls://")) continue;
    return Error{Errc::malformed, config.origin(section + ".nats") + ": '" + b2::shown_nats_url(url) + "' is no NATS server; write nats://HOST:4222 or tls://HOST:4222"};
  }
  if (servers.certificate.empty() != servers.key.empty()) {
    return Error{Errc::malformed, config.origin(section + (servers.key.empty() ? ".nats_certificate" : ".nats_key")) + ": a certificate and its key go together"};
  }
  return {};
}

/// A hosted child is announced by its host.
b2::Node::Options::Discover discover(const std::string& setting) {
  using Discover = b2::Node::Options::Discover;
  if (setting == "off" || std::getenv(b2::kHostFdVariable) != nullptr) return Discover::never;
  return setting == "on" ? Discover::always : Discover::off_loopback;
}

/// The orderly end of a daemon: its node drains and it takes leave of its host, then its own parts end, then the loop does.
class Departure : public Running {
 public:
  /// All outlive it. @param grace  for calls that are open, by either way
  Departure(const DaemonSpec& spec, net::EpollNetwork& network, b2::Node& node, Duration grace)
      : spec_(spec), network_(network), node_(node), grace_(grace) {}

  /// A signal says so. Told the second time nobody is waited for, who is cut off only hears of it; the third time not even that.
  /// @param passed_on  by the process that waits for this one: a group's signal comes from there, too, and counts once
  void on_signal(b2::HostLink* host, int signal, bool passed_on) {
    if (handed_over_ && spec_.told_to_end) spec_.told_to_end(signal);
    const int before = std::max(told_, passed_on_);
    ++(passed_on ? passed_on_ : told_);
    const int times = std::max(told_, passed_on_);
    if (times == before) return;
    if (times == 1) return begun_ ? hurry() : begin(host);
    if (awaited_ == 0 || std::exchange(hurried_, true)) return network_.stop();
    node_.cut_short();
    on_host_left();
  }
  void begin(b2::HostLink* host) {
    if (std::exchange(begun_, true)) return;
    if (spec_.before != nullptr) spec_.before->part();
    awaits_host_ = host != nullptr;
    awaited_ = awaits_host_ ? 2 : 1;
    if (host != nullptr) {
      patience_ = network_.wake_at(network_.now() + grace_, [this](TimePoint) { on_host_left(); });
      host->leave(node_.endpoint().name + " is shutting down");
    }
    node_.shut_down([this] { on_part_left(); });
  }
  void hand_over() override {
    if (std::exchange(begun_, true)) return;
    awaited_ = 1;
    handed_over_ = true;
    node_.hand_over(kHandOverGrace, [this] { on_part_left(); });
  }
  void hurry() override { node_.hurry(); }
  bool is_ending() const override { return begun_; }

  /// The connection to the host has ended.
  void on_host_left() {
    if (!std::exchange(host_left_, true) && awaits_host_) on_part_left();
  }

 private:
  void on_part_left() {
    if (--awaited_ != 0) return;
    patience_.reset();
    if (spec_.stopping && !hurried_) spec_.stopping([this] { network_.stop(); });
    else network_.stop();
  }

  const DaemonSpec& spec_;
  net::EpollNetwork& network_;
  b2::Node& node_;
  Duration grace_;
  bool begun_ = false, handed_over_ = false, awaits_host_ = false, host_left_ = false, hurried_ = false;
  int awaited_ = 0, told_ = 0, passed_on_ = 0;
  net::Timer patience_;
};

/// A hosted program may be relieved by another of its kind, and says nothing of it to whoever it starts.
net::EpollOptions::Listening listening() {
  const bool relieves = std::getenv(b2::kRelievesVariable) != nullptr;
  ::unsetenv(b2::kRelievesVariable);
  if (std::getenv(b2::kHostFdVariable) == nullptr) return net::EpollOptions::Listening::alone;
  return relieves ? net::EpollOptions::Listening::relieving : net::EpollOptions::Listening::to_be_relieved;
}

Status serve(const DaemonSpec& spec, const Places& where_it_is, const Config& config, const Logger& log, bool& interrupted) {
  const UniqueFd signals = termination_signals();
  const Places* const where = &where_it_is;
  if (const Status made = make_directories(where->state, 0700); !made) return made;  // it holds keys
  std::error_code failed;
  std::filesystem::create_directories(where->sockets, failed);
  if (failed) return Error{Errc::io, "create " + where->sockets.string() + ": " + failed.message()};

  auto network = net::EpollNetwork::create({.spin = kSpin, .listening = listening(), .resends_soon = spec.resends_soon, .small_segments = spec.small_segments});
  if (!network) return network.error();
  if (spec.before != nullptr) {
    if (const Status inherited = (*network)->inherit(spec.before->take_sockets()); !inherited) return inherited;
  }
  auto listen = addresses(spec, *where, config);
  if (!listen) return listen.error();
  b2::Node::Options options;
  options.program = spec.program;
  options.version = kVersion;
  options.node_name = config.text(spec.socket + ".name");
  options.state = where->state;
  options.listen = std::move(*listen);
  options.hosts = config.list(spec.socket + ".host");
  options.keeps_house = spec.keeps_house;
  options.datagrams = spec.datagrams;
  options.assets = spec.assets;
  options.asks_keeper = std::getenv(b2::kHostFdVariable) == nullptr;  // its host does
  options.nats = nats_servers(spec.socket, config);
  auto rights = b2::Rights::read(config.tables("rights"));
  if (!rights) return rights.error();
  options.rights = std::move(*rights);
  if (config.text(spec.socket + ".metrics") == "loopback") options.metrics_for = b2::MetricsFor::loopback;
  options.grace = config.duration(spec.socket + ".grace");
  if (std::getenv(b2::kHostFdVariable) != nullptr) options.grace = std::min(options.grace, kLongestGraceOfAChild);
  const Duration grace = options.grace;
  options.discover = discover(config.text(spec.socket + ".discovery"));
  options.seeds = config.list(spec.socket + ".seeds");
  if (spec.before != nullptr) {
    options.token = spec.before->legacy().token;
    options.begins_later = true;
  }
  auto node = b2::Node::start(**network, std::move(options), log);
  if (!node) return node.error();
  std::unique_ptr<b2::HostLink> host;
  struct End {
    const DaemonSpec& spec;
    ~End() {
      if (spec.ended) spec.ended();
    }
  } end{spec};
  (*node)->on_services_changed = [&](const b2::v1::ServiceEntry& entry) {
    if (host) host->tell_services(entry);
    if (spec.services_changed) spec.services_changed(entry);
  };
  if (spec.ready) {
    if (const Status ready = spec.ready(**node); !ready) return ready;
  }

  Departure departure(spec, **network, **node, grace);
  const auto watch = (*network)->watch(signals.get(), POLLIN, [&](short) {
    signalfd_siginfo info;
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
      interrupted = info.ssi_signo == SIGINT;
      departure.on_signal(host.get(), static_cast<int>(info.ssi_signo), info.ssi_code == SI_QUEUE);
    }
  });
  auto hosted = b2::HostLink::from_environment(**network, (*node)->endpoint(), [&](const Error&) {
    if (departure.is_ending()) departure.on_host_left();
    else departure.begin(nullptr);
  });
  if (!hosted) return hosted.error();
  host = std::move(*hosted);
  Status outcome;
  if (spec.before != nullptr) {
    const auto serve = [&] {
      (*network)->hear_inherited();
      (*node)->begin();
      if (spec.serves) spec.serves();
    };
    spec.before->follow(**network, {spec.stands, serve, [&](const Error& why) {
                                      outcome = why;
                                      departure.begin(nullptr);
                                    }});
  }
  if (spec.running) spec.running(&departure);
  (*network)->run();
  if (spec.running) spec.running(nullptr);
  return outcome;
}

}  // namespace

std::vector<Option> daemon_options() {
  Option name;
  name.name = "name";
  name.value = "NAME";
  name.help = "what this node calls itself (kept; by default the machine's name)";
  Option host;
  host.name = "host";
  host.value = "HOST";
  host.help = "a name, beside localhost, that browsers may reach this by";
  host.repeated = true;
  Option log;
  log.name = "log";
  log.value = "LEVEL";
  log.help = "how much to tell on stderr";
  log.choices = {"error", "warning", "info", "debug"};
  Option metrics;
  metrics.name = "metrics";
  metrics.value = "WHO";
  metrics.help = "who may read /metrics: members and the token's bearer, or all of this machine";
  metrics.choices = {"members", "loopback"};
  Option discovery;
  discovery.name = "discovery";
  discovery.value = "WHEN";
  discovery.help = "find other nodes by beacons, and be found: auto where it listens off loopback, on also on loopback";
  discovery.choices = {"auto", "on", "off"};
  Option seeds;
  seeds.name = "seeds";
  seeds.value = "ADDR";
  seeds.help = "a node to ask for others, where beacons do not pass: HOST:PORT";
  seeds.repeated = true;
  Option grace;
  grace.name = "grace";
  grace.value = "TIME";
  grace.help = "how long open calls may go on when it is told to end (5s); told again, it ends at once";
  std::vector<Option> all = {state_option(), config_option(), listen_option(), name, host, discovery, seeds, metrics, grace, log};
  Option nats;
  nats.name = "nats";
  nats.value = "URL";
  nats.help = "a server of the NATS cluster that joins the house past this machine, nats://HOST:4222";
  nats.repeated = true;
  all.push_back(nats);
  all.push_back(Option{"nats-credentials", "FILE", "what NATS is shown: a .creds file"});
  all.push_back(Option{"nats-ca", "FILE", "PEM of who signed the certificates of the NATS servers"});
  all.push_back(Option{"nats-certificate", "FILE", "PEM of the certificate that NATS is shown"});
  all.push_back(Option{"nats-key", "FILE", "PEM of its key"});
  return all;
}

Result<Config> daemon_config(const DaemonSpec& spec, const Arguments& arguments) {
  const std::string& section = spec.socket;
  const std::string listen = spec.port == 0 ? "" : "127.0.0.1:" + std::to_string(spec.port);
  std::vector<ConfigKey> keys = {
      {section + ".listen", ConfigType::list, listen, "addresses to listen on, beside the Unix socket", {}},
      {section + ".name", ConfigType::text, "", "what this node calls itself; by default the name it has kept, or the machine's", {}},
      {section + ".host", ConfigType::list, "", "names, beside localhost, that browsers may reach this by", {}},
      {section + ".discovery", ConfigType::text, "auto", "whether other nodes are looked for and told of this one: auto where it listens off loopback", {"auto", "on", "off"}},
      {section + ".seeds", ConfigType::list, "", "nodes to ask for others, where beacons do not pass: HOST:PORT", {}},
      {section + ".metrics", ConfigType::text, "members", "who may read /metrics: members and who bears the token, or all of this machine", {"members", "loopback"}},
      {section + ".nats", ConfigType::list, "", "servers of the NATS cluster that joins the house past this machine", {}},
      {section + ".nats_credentials", ConfigType::text, "", "what NATS is shown: a .creds file", {}},
      {section + ".nats_ca", ConfigType::text, "", "PEM of who signed the certificates of the NATS servers", {}},
      {section + ".nats_certificate", ConfigType::text, "", "PEM of the certificate that NATS is shown", {}},
      {section + ".nats_key", ConfigType::text, "", "PEM of its key", {}},
      {section + ".grace", ConfigType::duration, "5s", "how long open calls may go on when it is told to end", {}},
      {section + ".log", ConfigType::text, "info", "how much to tell on stderr", {"error", "warning", "info", "debug"}},
  };
  keys.push_back({"rights", ConfigType::tables, "", "who may call which methods and use which topics, beside what their schemas say", {}});
  keys.insert(keys.end(), spec.keys.begin(), spec.keys.end());
  ConfigSources sources;
  if (const auto named = arguments.find("config")) {
    sources.file = *named;
    sources.file_must_exist = true;
  } else if (const auto standard = standard_directories(::geteuid(), process_environment)) {
    sources.file = standard->config / "ghostlight.toml";
  }
  sources.flags = arguments.options_given();
  for (const std::string_view other : kSections) {
    if (other != section) sources.foreign_sections.emplace_back(other);
  }
  auto config = Config::load(keys, sources);
  if (!config) return config;
  if (const auto rights = b2::Rights::read(config->tables("rights")); !rights) return rights.error();
  return config;
}

/// Output slabs come and go with every turn; by default malloc gives such memory back to the kernel each time, and a stream of large
/// messages pays for it in page faults (docs/performance.md).
static void keep_freed_memory() {
  constexpr int kKept = 8 * 1024 * 1024;
  ::mallopt(M_TRIM_THRESHOLD, kKept);
}

/// ": held by ghostlight (pid 812), of user you" for the address that the message of a failed listen names; "" when it can't be told.
static std::string held_by(const DaemonSpec& spec, const Places& where, const Config& config, const std::string& message) {
  const auto all = addresses(spec, where, config);
  if (!all) return "";
  for (const net::Address& address : *all) {
    if (!address.is_ip() || message.find(address.text()) == std::string::npos) continue;
    for (const std::string_view transport : {"tcp", "udp"}) {
      if (const auto holder = portlight::holder_of(transport, address.port())) return ": port " + std::to_string(address.port()) + " is held by " + *holder;
    }
  }
  return "";
}

int run_daemon(const DaemonSpec& spec, const Arguments& arguments) {
  keep_freed_memory();
  const auto where = places(arguments);
  if (!where) return complain(spec.program, where.error());
  const auto config = daemon_config(spec, arguments);
  if (!config) return complain(spec.program, config.error());
  const Logger log = Logger::to_stderr(parse_log_level(config->text(spec.socket + ".log")).value_or(LogLevel::info));
  if (const Status fine = check_nats(spec.socket, *config); !fine) return complain(spec.program, fine.error());
  if (spec.configured) {
    if (const Status configured = spec.configured(*config); !configured) return complain(spec.program, configured.error());
  }
  bool interrupted = false;
  const Status served = serve(spec, *where, *config, log, interrupted);
  if (!served && spec.before != nullptr) spec.before->say_failed(served.error().message);
  if (!served && served.error().code == Errc::busy) {
    return complain(spec.program, Error{Errc::busy, served.error().message + held_by(spec, *where, *config, served.error().message) +
                                                        "; end what listens there, or choose another place with --listen"});
  }
  if (!served) return complain(spec.program, served.error());
  return code(interrupted ? Exit::interrupted : Exit::done);
}

Verb serve_verb(const DaemonSpec& spec, std::string summary) {
  Verb verb;
  verb.name = "serve";
  verb.summary = std::move(summary);
  verb.options = daemon_options();
  const std::string at = spec.port == 0 ? "its Unix socket" : "127.0.0.1:" + std::to_string(spec.port) + " and its Unix socket";
  verb.description = "Answers b2 on " + at + " until it is told to end. Off loopback only members of the house are served.";
  verb.examples = {{spec.program + " serve", "serve this machine"}};
  if (spec.port != 0) verb.examples.push_back({spec.program + " serve --listen 0.0.0.0:" + std::to_string(spec.port), "serve the house, by TLS"});
  verb.run = [spec](const Arguments& arguments) { return run_daemon(spec, arguments); };
  return verb;
}

}  // namespace ghost::app
