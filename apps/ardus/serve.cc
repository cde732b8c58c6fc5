// `ardus serve` and `ardus relay`.
#include <iostream>

#include "app/daemon_service.h"
#include "app/session_service.h"
#include "ardus/ardus_node_service.h"
#include "base/text.h"
#include "base/units.h"
#include "hooks.h"
#include "steering_service.h"
#include "verbs.h"

namespace ghost::app {

namespace {

DaemonSpec daemon_spec() {
  DaemonSpec spec;
  spec.program = "ardus";
  spec.port = 1117;
  spec.socket = "ardus";
  spec.resends_soon = true;    // receivers of a session wait for the slowest of them to join
  spec.small_segments = true;  // an MTU of 9,000 may not be everybody's
  spec.keys = {{"ardus.into", ConfigType::text, "", "take every transfer of a trusted sender into this folder", {}},
               {"ardus.seed_from", ConfigType::list, "", "folders whose files may hold some of what comes", {}},
               {"ardus.mirror", ConfigType::list, "", "publications on the web whose chunks are taken where multicast is not enough", {}},
               {"ardus.owners", ConfigType::boolean, "false", "give files the owners and ACLs they have at the sender, by number (root only)", {}},
               {"ardus.iface", ConfigType::list, "", "network interfaces to hear announcements on; by default the default route's", {}},
               {"ardus.ip", ConfigType::text, "", "4 or 6: by that IP alone; by default by IPv4 where an interface has it, and by IPv6", {"", "4", "6"}},
               {"ardus.on_received", ConfigType::text, "", "a shell command to run for each transfer that was received, or failed", {}},
               {"ardus.on_finished", ConfigType::text, "", "a shell command to run when a transfer from here has ended", {}},
               {"ardus.hook_limit", ConfigType::text, "60s", "a command that takes longer is ended", {}},
               {"ardus.accept_from", ConfigType::text, "", "take transfers of this sender only: its name, words or id", {}}};
  spec.keys.push_back({"ardus.from", ConfigType::text, "", "hand on, here, what is sent at this address of another site: HOST[:1117]", {}});
  spec.keys.push_back({"ardus.cache", ConfigType::text, "", "with from: the folder that keeps what is relayed; by default relay-cache of the state directory", {}});
  spec.keys.push_back({"ardus.rate", ConfigType::text, "", "with from: fetch no faster than this, and send at this rate: 200M; by default as fast as the ways carry", {}});
  spec.keys.push_back({"ardus.ssm", ConfigType::boolean, "false", "with from: send to source-specific groups", {}});
  spec.keys.push_back({"ardus.cache_size", ConfigType::text, "20G", "with from: how large it may grow", {}});
  return spec;
}

ardus::Ip ip_of(const Config& config) {
  const std::string& text = config.text("ardus.ip");
  return text == "4" ? ardus::Ip::four : text == "6" ? ardus::Ip::six : ardus::Ip::any;
}

/// What is to be relayed, if anything is.
Result<std::optional<ardus::Relay::Wish>> relay_wish(const Config& config, const Arguments& arguments) {
  const std::string& from = config.text("ardus.from");
  if (from.empty()) return std::optional<ardus::Relay::Wish>();
  const bool bare = from.find(':') == std::string::npos || from.ends_with(']');
  const auto target = find_target(bare ? from + ":1117" : from);
  if (!target) return target.error().in("--from");
  if (!target->address.is_ip()) return Error{Errc::malformed, "--from " + from + ": HOST[:1117] is wanted, as archive.example.org, 10.1.0.1 or [2001:db8::1]"};
  ardus::Relay::Wish wish;
  wish.from = target->address;
  wish.interfaces = config.list("ardus.iface");
  wish.ip = ip_of(config);
  wish.sources = config.boolean("ardus.ssm") ? ardus::Sources::one : ardus::Sources::any;
  const auto size = parse_size(config.text("ardus.cache_size"));
  if (!size) return size.error().in("--cache-size");
  wish.cache_size = *size;
  if (const std::string& text = config.text("ardus.rate"); !text.empty() && text != "max") {
    const auto rate = parse_bit_rate(text);
    if (!rate) return rate.error().in("--rate");
    wish.rate = *rate;
  }
  const auto where = places(arguments);
  if (!where) return where.error();
  const std::string& cache = config.text("ardus.cache");
  wish.cache = cache.empty() ? where->state / "relay-cache" : std::filesystem::absolute(cache).lexically_normal();
  return std::optional(std::move(wish));
}

int serve(const Arguments& arguments) {
  ardus::ArdusNode::Options options;
  std::unique_ptr<ardus::ArdusNode> ardus;
  std::unique_ptr<Hooks> hooks;
  Logger log = Logger::none();
  DaemonSpec spec = daemon_spec();
  spec.configured = [&](const Config& config) -> Status {
    if (const std::string& into = config.text("ardus.into"); !into.empty()) options.into = std::filesystem::absolute(into).lexically_normal();
    options.interfaces = config.list("ardus.iface");
    options.ip = ip_of(config);
    for (const std::string& seed : config.list("ardus.seed_from")) options.seeds.push_back(std::filesystem::absolute(seed).lexically_normal());
    for (const std::string& url : config.list("ardus.mirror")) {
      if (!url.starts_with("http://") && !url.starts_with("https://")) return Error{Errc::malformed, "ardus.mirror = " + url + ": an address that begins with http:// or https:// is wanted"};
      options.mirrors.push_back(url);
    }
    options.owners = config.boolean("ardus.owners") ? ardus::Owners::publishers : ardus::Owners::own;
    options.accept_from = config.text("ardus.accept_from");
    auto relay = relay_wish(config, arguments);
    if (!relay) return relay.error();
    options.relay = std::move(*relay);
    log = Logger::to_stderr(parse_log_level(config.text("ardus.log")).value_or(LogLevel::info));
    const std::string received = config.text("ardus.on_received"), finished = config.text("ardus.on_finished");
    const auto limit = hook_limit(config.text("ardus.hook_limit"));
    if (!limit) return limit.error();
    if (received.empty() && finished.empty()) return {};
    hooks = std::make_unique<Hooks>(*limit, [log](const HookResult& result) {
      if (result.well()) log.info("ardus: hook ended", {{"command", printable(result.command)}, {"s", result.took}});
      else log.warning("ardus: hook failed", {{"command", printable(result.command)}, {"how", in_words(result)}});
    });
    options.ended = [&hooks, &log, received, finished](const ardus::v1::Transfer& transfer) {
      const std::string& command = transfer.sending ? finished : received;
      if (!command.empty() && !hooks->run(transfer_hook(command, transfer))) log.warning("ardus: a hundred hooks wait; one was left out", {{"session", transfer.session}});
    };
    return {};
  };
  spec.ready = [&](b2::Node& node) -> Status {
    ardus = std::make_unique<ardus::ArdusNode>(node, log, holder_of);
    const Status started = ardus->start(options);
    if (!started) ardus.reset();
    return started;
  };
  spec.stopping = [&](std::function<void()> stopped) {
    ardus.reset();
    stopped();
  };
  return run_daemon(spec, arguments);
}

}  // namespace

Verb serve_verb() {
  Verb verb = app::serve_verb(daemon_spec(), "send on request, and receive what trusted senders announce");
  verb.description =
      "Answers b2 on port 1117 and its Unix socket, and does what 'ardus send' and 'ardus receive' ask for. With --into, takes every transfer that a member of the house "
      "with the role send announces (udp 1117), by multicast (1835) and unicast (1834).";
  verb.examples = {{"ardus serve --into /srv/music --iface eth0 --listen 10.0.0.7:1117", "receive for the house"}, {"ardus serve --into /srv/in --on-received 'logger \"$ARDUS_NAME is in $ARDUS_INTO: $ARDUS_STATE\"'", "run a command for each transfer"},
                   {"ardus serve", "send on request"}};
  Option into;
  into.name = "into";
  into.value = "DIR";
  into.help = "take every transfer of a trusted sender into this folder";
  into.complete = Complete::directories;
  Option from;
  from.name = "accept-from";
  from.value = "NAME";
  from.help = "take transfers of this sender only: its name, words or id";
  verb.options.push_back(into);
  verb.options.push_back(iface_option());
  verb.options.push_back(ip_option());
  verb.options.push_back(mirror_option());
  verb.options.push_back(seed_option());
  verb.options.push_back(owners_option());
  verb.options.push_back(from);
  for (Option& hook : std::vector<Option>{on_received_option(), on_finished_option(), hook_limit_option()}) verb.options.push_back(std::move(hook));
  verb.run = serve;
  return verb;
}

Verb relay_verb() {
  Verb verb = app::serve_verb(daemon_spec(), "hand a distant sender's transfers on to this site");
  verb.name = "relay";
  verb.description =
      "Joins the sessions that are sent at HOST, takes each content once, by TLS on port 1117, into a cache on disk, and multicasts it here; receivers need nothing but "
      "'ardus serve' as ever. Their signed receipts go back, so that the sender counts them. A relay needs the role listen only: receivers believe the sender's signature, not the relay. "
      "What the cache holds is not fetched again.";
  verb.examples = {{"ardus relay --from archive.example.org --iface eth0", "for the receivers on eth0"},
                   {"ardus relay --from 10.1.0.1 --iface eth0 --cache /var/cache/ardus --cache-size 100G", "with room for more"},
                   {"ardus relay --from 10.1.0.1 --iface eth0 --rate 20M", "leave the link between the sites to others, too"}};
  Option from{"from", "HOST", "where the sender is joined: HOST[:1117]"};
  Option cache{"cache", "DIR", "keeps what is relayed; by default relay-cache of the state directory"};
  cache.complete = Complete::directories;
  verb.options.push_back(from);
  verb.options.push_back(iface_option());
  verb.options.push_back(ip_option());
  verb.options.push_back(ssm_option());
  verb.options.push_back(cache);
  verb.options.push_back(Option{"rate", "RATE", "fetch no faster than this, and send at this rate (200M); by default as fast as the ways carry"});
  verb.options.push_back(Option{"cache-size", "SIZE", "how large it may grow (20G): the oldest contents go first"});
  verb.run = [](const Arguments& arguments) {
    if (arguments.has("from")) return serve(arguments);
    std::cerr << "ardus: relay needs --from HOST, where the sender is joined\n";
    return code(Exit::usage);
  };
  return verb;
}

}  // namespace ghost::app
