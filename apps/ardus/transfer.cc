// `ardus send` and `ardus receive`.
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <memory>
#include <set>

#include "ardus/api.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "hooks.h"
#include "report.h"
#include "steering_service.h"
#include "verbs.h"

namespace ghost::app {

namespace {

constexpr std::uint64_t kNoLimit = 10'000'000'000;  ///< bit/s: `--rate max`

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

/// Milliseconds of an option; 0 when it was not given.
Result<std::uint32_t> milliseconds(const Arguments& arguments, const std::string& option) {
  const auto text = arguments.find(option);
  if (!text) return 0u;
  const auto duration = parse_duration(*text);
  if (!duration) return duration.error().in("--" + option);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*duration).count();
  if (ms < 1 || ms > 24 * 3600 * 1000) return Error{Errc::malformed, "--" + option + " " + *text + ": between 1 ms and a day"};
  return static_cast<std::uint32_t>(ms);
}

/// The lines of a file that are neither empty nor comments.
Result<std::vector<std::string>> read_list(const std::string& path) {
  const auto text = read_file(path, 16 * 1024 * 1024);
  if (!text) return text.error();
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    std::string line = text->substr(at, end - at);
    line.erase(line.find_last_not_of(" \t\r") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.empty() && line[0] != '#') names.push_back(std::move(line));
    at = end + 1;
  }
  return names;
}

/// 4, 6, or 0 where it was not given.
Result<std::uint32_t> ip_version(const Arguments& arguments) {
  const auto text = arguments.find("ip");
  if (!text) return 0u;
  if (*text != "4" && *text != "6") return Error{Errc::malformed, "--ip " + *text + ": 4 or 6 is wanted"};
  return *text == "4" ? 4u : 6u;
}

Result<ardus::v1::SendRequest> send_request(const Arguments& arguments) {
  ardus::v1::SendRequest request;
  for (const std::string& path : arguments.all("PATH")) request.paths.push_back(absolute(path));
  request.name = arguments.text("name");
  request.interfaces = arguments.all("iface");
  const auto ip = ip_version(arguments);
  if (!ip) return ip.error();
  request.ip = *ip;
  request.source_specific = arguments.has("ssm");
  if (const auto rate = arguments.find("rate")) {
    const auto bits = *rate == "max" ? Result<std::uint64_t>(kNoLimit) : parse_bit_rate(*rate);
    if (!bits) return bits.error().in("--rate");
    request.rate = *bits;
  }
  const auto congestion = congestion_of(arguments);
  if (!congestion) return congestion.error();
  request.congestion = static_cast<ardus::v1::Congestion>(*congestion);  // the same numbers
  const std::string layout = arguments.has("layout") ? arguments.text("layout") : "standard";
  if (layout == "standard") request.layout = ardus::v1::Layout::standard;
  else if (layout == "jumbo") request.layout = ardus::v1::Layout::jumbo;
  else if (layout == "auto") request.layout = ardus::v1::Layout::automatic;
  else return Error{Errc::malformed, "--layout " + layout + ": standard, jumbo or auto is wanted"};
  if (const auto count = arguments.find("receivers")) {
    const auto [end, wrong] = std::from_chars(count->data(), count->data() + count->size(), request.receivers);
    if (wrong != std::errc{} || end != count->data() + count->size() || request.receivers == 0) return Error{Errc::malformed, "--receivers " + *count + ": a number from 1 on is wanted"};
  }
  const auto wait = milliseconds(arguments, "wait"), patience = milliseconds(arguments, "patience");
  if (!wait) return wait.error();
  if (!patience) return patience.error();
  request.wait_ms = *wait;
  request.patience_ms = *patience;
  if (const auto list = arguments.find("list")) {
    auto names = read_list(*list);
    if (!names) return names.error();
    request.expected = std::move(*names);
  }
  return request;
}

/// What is shown while it lasts.
class Display {
 public:
  explicit Display(const Arguments& arguments) : json_(arguments.has("json")), quiet_(arguments.has("quiet")) {}

  void show(const ardus::v1::Transfer& transfer) {
    if (json_) {
      std::string key = std::string(name(transfer.phase)) + transfer.detail;
      for (const auto& receiver : transfer.receivers) key += is_served_alone(receiver) ? receiver.name + receiver.detail : "";
      const TimePoint now = std::chrono::steady_clock::now();
      if (key == told_ && now - told_at_ < std::chrono::seconds(1)) return;
      told_ = key;
      told_at_ = now;
      auto line = progress_event(transfer);
      if (measure(transfer, now)) line["eta_seconds"] = std::chrono::duration<double>(*progress_->time_left()).count();
      return print_json(line);
    }
    if (quiet_) return;
    const TimePoint now = std::chrono::steady_clock::now();
    measure(transfer, now);
    std::cerr << drawn_;
    tell_of_those_alone(transfer);
    const std::string line = transfer.detail.empty() ? std::string(name(transfer.phase)) : transfer.detail;
    if (line == told_ || transfer.phase >= ardus::v1::TransferPhase::done) return;
    told_ = line;
    std::cerr << (progress_ ? progress_->clear() : "") << "ardus: " << printable(line) << "\n";
  }
  void finish(std::string_view outcome) {
    if (progress_ && !json_) std::cerr << progress_->finish(outcome, std::chrono::steady_clock::now());
    progress_.reset();
  }

 private:
  /// Who is not served with the group, and why: once.
  void tell_of_those_alone(const ardus::v1::Transfer& transfer) {
    for (const auto& receiver : transfer.receivers) {
      if (!is_served_alone(receiver) || !alone_.insert(receiver.name + receiver.detail).second) continue;
      std::cerr << (progress_ ? progress_->clear() : "") << "ardus: " << printable(receiver.name) << ": " << printable(receiver.detail) << "\n";
    }
  }

  /// True when the time that is left can be told. What was there before is no speed, so the measure begins at it.
  bool measure(const ardus::v1::Transfer& transfer, TimePoint now) {
    drawn_.clear();
    if (transfer.bytes_needed == 0 || transfer.phase < ardus::v1::TransferPhase::streaming) return false;
    if (!progress_) {
      progress_.emplace(json_ ? Terminal{} : Terminal::of(STDERR_FILENO), printable(transfer.name), Progress::Unit::bytes, transfer.bytes_needed, now);
      progress_->begin_at(transfer.bytes_done);
    }
    progress_->note(remark(transfer));
    drawn_ = progress_->update(transfer.bytes_done, now);
    return progress_->time_left().has_value();
  }

  bool json_, quiet_;
  std::string drawn_;
  std::set<std::string> alone_;
  std::optional<Progress> progress_;
  std::string told_;
  TimePoint told_at_{};
};

int fail(const Arguments& arguments, const Error& error) {
  if (arguments.has("json")) print_json({{"v", 1}, {"event", "error"}, {"status", name(error.code)}, {"message", error.message}, {"code", code(exit_code_of(error))}});
  return complain("ardus", error);
}

int end(const Arguments& arguments, const ardus::v1::Transfer& transfer) {
  const Exit exit = exit_of(transfer);
  if (arguments.has("json")) {
    print_json(summary_event(transfer, exit));
  } else if (!arguments.has("quiet") || exit != Exit::done) {
    std::cout << sentence(transfer) << "\n" << receivers_table(transfer, Terminal::of(STDOUT_FILENO));
  }
  if (exit != Exit::done && !transfer.detail.empty()) std::cerr << "ardus: " << printable(transfer.detail) << "\n";
  return code(exit);
}

/// Cancels the transfer that Ctrl-C was for.
void cancel(Steering& steering, std::uint64_t session) {
  const auto answered = std::make_shared<bool>(false);  // the answer may come when nobody waits any more
  ardus::v1::CancelRequest request;
  request.session = session;
  ardus::v1::NodeClient(steering.caller()).cancel(request, [answered](const Result<ardus::v1::CancelResponse>&) { *answered = true; });
  steering.wait([&] { return *answered; });
}

int wrong_use(const Error& error) {
  std::cerr << "ardus: " << error.message << "\n";
  return code(Exit::usage);
}

int send(const Arguments& arguments) {
  auto request = send_request(arguments);
  if (!request) return wrong_use(request.error());
  auto hooks = CommandHooks::of(arguments, "on-finished");
  if (!hooks) return wrong_use(hooks.error());
  // Before the connection, whose end is told to them.
  Display display(arguments);
  ardus::v1::Transfer last;
  std::optional<Status> ended;
  auto steering = Steering::open(arguments, arguments.has("quiet"));
  if (!steering) return fail(arguments, steering.error());
  auto call = ardus::v1::NodeClient((*steering)->caller()).send(
      *request,
      [&](const ardus::v1::Transfer& transfer) {
        last = transfer;
        display.show(transfer);
      },
      [&](const Status& status) { ended = status; });
  if (!(*steering)->wait([&] { return ended.has_value(); })) {
    cancel(**steering, last.session);
    display.finish("interrupted");
    return code(Exit::interrupted);
  }
  display.finish(*ended ? name(last.phase) : "failed");
  if (!*ended) return fail(arguments, ended->error());
  hooks->run(last);
  hooks->finish();
  return end(arguments, last);
}

int receive(const Arguments& arguments) {
  if (!arguments.has("into")) {
    std::cerr << "ardus: receive needs --into DIR, the folder that takes what comes\n";
    return code(Exit::usage);
  }
  if (arguments.has("from")) return receive_from_web(arguments);
  for (const char* option : {"publisher", "ca"}) {
    if (!arguments.has(option)) continue;
    std::cerr << "ardus: --" << option << " goes with --from URL\n";
    return code(Exit::usage);
  }
  const auto wait = milliseconds(arguments, "wait");
  if (!wait) return wrong_use(wait.error());
  const auto ip = ip_version(arguments);
  if (!ip) return wrong_use(ip.error());
  auto hooks = CommandHooks::of(arguments, "on-received");
  if (!hooks) return wrong_use(hooks.error());
  // Before the connection, whose end is told to them.
  Display display(arguments);
  ardus::v1::Transfer last;
  bool accepted = false;  // a sender that may send has told what it sends
  std::optional<Status> ended;
  auto steering = Steering::open(arguments, arguments.has("quiet"));
  if (!steering) return fail(arguments, steering.error());
  ardus::v1::ReceiveRequest request;
  request.into = absolute(arguments.text("into"));
  request.interfaces = arguments.all("iface");
  request.ip = *ip;
  request.once = arguments.has("once");
  for (const std::string& seed : arguments.all("seed-from")) request.seed_from.push_back(absolute(seed));
  request.owners = arguments.has("owners");
  for (const std::string& url : arguments.all("mirror")) request.mirrors.push_back(url);
  if (!arguments.has("json") && !arguments.has("quiet")) std::cerr << "ardus: waiting for transfers into " << request.into << "\n";
  auto call = ardus::v1::NodeClient((*steering)->caller()).receive(
      request,
      [&](const ardus::v1::Transfer& transfer) {
        last = transfer;
        const bool has_manifest = transfer.files > 0 || transfer.phase >= ardus::v1::TransferPhase::streaming;
        accepted = accepted || (has_manifest && !ardus::is_nobodys(transfer));
        display.show(transfer);
        if (transfer.phase < ardus::v1::TransferPhase::done) return;
        display.finish(name(transfer.phase));
        if (!ardus::is_nobodys(transfer)) hooks->run(transfer);
        if (!request.once || ardus::is_nobodys(transfer)) {
          if (ardus::is_unanswered(transfer) && !arguments.has("quiet")) std::cerr << "ardus: " << printable(transfer.detail) << "; waiting for another\n";
          if (arguments.has("json")) print_json(progress_event(transfer));
          else std::cout << sentence(transfer) << std::endl;
        }
      },
      [&](const Status& status) { ended = status; });
  const auto over = [&] {
    hooks->tell();
    return ended.has_value();
  };
  const auto begun = [&] { return over() || accepted; };
  if (*wait > 0 && !(*steering)->wait(begun, std::chrono::steady_clock::now() + std::chrono::milliseconds(*wait)) && !(*steering)->interrupted()) {
    call.cancel();
    display.finish("failed");
    return fail(arguments, {Errc::timed_out, "no sender that may send began a transfer within " + arguments.text("wait") + (last.detail.empty() ? "" : "; the last one announced: " + last.detail)});
  }
  if (!(*steering)->wait(over)) {
    call.cancel();
    display.finish("interrupted");
    return code(Exit::interrupted);
  }
  hooks->finish();
  if (!*ended) return fail(arguments, ended->error());
  return end(arguments, last);
}

}  // namespace

Option iface_option() {
  Option iface = Option{"iface", "IF", "network interface, by name; by default the default route's"};
  iface.repeated = true;
  return iface;
}

Option ip_option() {
  return {"ip", "VERSION", "4 or 6: by that IP alone; by default by IPv4 where an interface has it, and by IPv6 for whom it alone reaches"};
}

Option ssm_option() {
  return {"ssm", "", "send to source-specific groups (232/8, ff35::/16), for networks that route these alone: whose network can't (IGMPv3, MLDv2) gets it by unicast"};
}

Option seed_option() {
  Option seed{"seed-from", "DIR", "a folder whose files may hold some of what comes: what is found there is not sent"};
  seed.repeated = true;
  seed.complete = Complete::directories;
  return seed;
}

Option mirror_option() {
  Option mirror{"mirror", "URL", "a publication ('ardus publish') on the web: what multicast does not bring here, or loses much of, is taken from it, too"};
  mirror.repeated = true;
  return mirror;
}

Option congestion_option() {
  return {"congestion", "MODE", "how the rate is found: quantile, what nearly all receivers' ways carry (the default), or tfmcc, for routed networks: what TCP would get on the worst way"};
}

Option background_option() { return {"background", "", "takes only what other traffic leaves over"}; }

Result<ardus::Congestion> congestion_of(const Arguments& arguments) {
  const std::string mode = arguments.has("congestion") ? arguments.text("congestion") : "quantile";
  if (mode != "quantile" && mode != "tfmcc") return Error{Errc::malformed, "--congestion " + mode + ": quantile or tfmcc is wanted"};
  if (!arguments.has("background")) return mode == "tfmcc" ? ardus::Congestion::tfmcc : ardus::Congestion::quantile;
  if (arguments.has("congestion")) return Error{Errc::malformed, "--background finds its rate in a way of its own: it does not go with --congestion"};
  return ardus::Congestion::background;
}

Option owners_option() { return {"owners", "", "give files the owners and ACLs they have at the sender, by number (root only)"}; }

Verb send_verb() {
  Verb verb;
  verb.name = "send";
  verb.summary = "send files and folders to many machines at once";
  verb.description =
      "Announces a session, waits for receivers of the house, sends once what any of them lacks, and ends when each has handed over a signed receipt "
      "for its verified copy: then, and only then, with 0. With 3, a table says who has none, and why. A running 'ardus serve' does the work; without one, this process.";
  verb.examples = {{"ardus send album/ --receivers 3", "once three have joined; until three are verified"},
                   {"ardus send image.iso --iface eth1 --rate 200M --wait 10s", "to all who join within 10 s, at 200 Mbit/s"},
                   {"ardus send /srv/models --list machines.txt --json", "to every machine of a list"},
                   {"ardus send /srv/models --background --rate 300M", "beside other traffic, which goes first"}};
  Option list = Option{"list", "FILE", "names of the machines that must have a copy, one a line"};
  list.complete = Complete::files;
  verb.options = {iface_option(),
                  ip_option(),
                  ssm_option(),
                  Option{"rate", "RATE", "bit/s on the wire, 200M, or max; by default found out. With --congestion tfmcc or --background the most it may be"},
                  congestion_option(),
                  background_option(),
                  Option{"layout", "LAYOUT", "standard (the default); jumbo: datagrams of 8,872 bytes, for networks with an MTU of 9000, and by TCP to receivers they don't reach; or auto: jumbo where they reach all who are there when it begins, and by TCP to those who come later and are not reached"},
                  Option{"receivers", "N", "begin when so many have joined, and end only when so many are verified"},
                  Option{"wait", "TIME", "begin after this with those who joined (5s; with --receivers, without limit)"},
                  list,
                  Option{"patience", "TIME", "how long a receiver that fell silent is waited for (60s)"},
                  Option{"name", "NAME", "of the transfer, for people"},
                  on_finished_option(),
                  hook_limit_option(),
                  state_option(),
                  json_option(),
                  quiet_option()};
  verb.positionals = {{"PATH", "files and folders", Positional::Count::at_least_one, {}, Complete::files}};
  verb.run = send;
  return verb;
}

Verb receive_verb() {
  Verb verb;
  verb.name = "receive";
  verb.summary = "take transfers into a folder";
  verb.description =
      "Takes what trusted senders of this node's house announce. Nothing stands under its name before it is whole and verified; what an interrupted transfer left "
      "is gone on with by the next. A running 'ardus serve' does the work; without one, this process. With --from URL it fetches what 'ardus publish' wrote from a web server "
      "instead, and ends: the server is not trusted, the publisher's signature is; several servers may be named. Either way goes on where the other was interrupted.";
  verb.examples = {{"ardus receive --into /srv/music", "until Ctrl-C"},
                   {"ardus receive --into . --once --wait 10m", "the next transfer, then end; without one, after ten minutes"},
                   {"ardus receive --into /srv/music --from https://www.example.org/pub/album.ardus", "from a web server"}};
  Option ca = Option{"ca", "FILE", "with --from: PEM of who may sign the servers' certificates, instead of the system's"};
  ca.complete = Complete::files;
  Option from = Option{"from", "URL", "fetch a publication from here; again for another server that has it"};
  from.repeated = true;
  Option into = Option{"into", "DIR", "the folder"};
  into.complete = Complete::directories;
  verb.options = {into, iface_option(), ip_option(), Option{"once", "", "end with the first transfer"}, Option{"wait", "TIME", "end, without success, when no transfer has begun after this (without limit)"}, from,
                  Option{"publisher", "NODE", "with --from: take what this node published only: its name in the house, words or id"}, ca, mirror_option(), seed_option(), owners_option(), on_received_option(), hook_limit_option(), state_option(), json_option(), quiet_option()};
  verb.run = receive;
  return verb;
}

}  // namespace ghost::app
