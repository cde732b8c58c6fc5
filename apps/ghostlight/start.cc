#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <optional>

#include "app/session_service.h"
#include "b2/message.h"
#include "base/units.h"
#include "ghostlight/v1/stage.b2.h"
#include "stage_report.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using namespace ghostlight::v1;

constexpr Duration kAnswer = std::chrono::seconds(10);

/// Tells a job as it goes: a line for each step that ends on `out`, and on stderr how far the one that runs is.
class Teller {
 public:
  Teller(bool json, bool quiet) : json_(json), quiet_(quiet) {}

  void tell(const StageState& state, TimePoint now) {
    for (; told_ < state.steps.size(); ++told_) {
      const Step& step = state.steps[told_];
      if (step.state == StepState::running) return show(step, now);
      if (step.state == StepState::waiting) return;
      if (progress_) std::cerr << progress_->clear();
      progress_.reset();
      if (json_) std::cout << step_json(step) << std::endl;
      else if (!quiet_) std::cout << step_line(out_, step) << std::endl;
    }
  }
  void end() {
    if (progress_) std::cerr << progress_->clear() << std::flush;
  }

 private:
  void show(const Step& step, TimePoint now) {
    if (json_ || quiet_ || step.total == 0) return;
    if (!progress_) progress_.emplace(err_, step.name, step.name == "distribute" ? Progress::Unit::bytes : Progress::Unit::items, step.total, now);
    std::cerr << progress_->update(step.done, now) << std::flush;
  }

  Terminal out_ = Terminal::of(STDOUT_FILENO), err_ = Terminal::of(STDERR_FILENO);
  bool json_, quiet_;
  std::size_t told_ = 0;
  std::optional<Progress> progress_;
};

Result<StartRequest> request_of(const Arguments& arguments) {
  namespace fs = std::filesystem;
  StartRequest request;
  std::error_code failed;
  const auto absolute = [&](const std::string& path) { return fs::absolute(path, failed).lexically_normal().string(); };
  if (const auto source = arguments.find("SOURCE")) request.source = absolute(*source);
  if (const auto into = arguments.find("into")) request.into = absolute(*into);
  if (const auto titles = arguments.find("titles")) request.titles = absolute(*titles);
  request.interfaces = arguments.all("iface");
  if (const auto receivers = arguments.find("receivers")) {
    const int number = std::atoi(receivers->c_str());
    if (number < 0 || std::to_string(number) != *receivers) return Error{Errc::malformed, "--receivers " + *receivers + ": a number is wanted"};
    request.receivers = static_cast<std::uint32_t>(number);
  }
  if (const auto rate = arguments.find("rate")) {
    const auto bits = parse_bit_rate(*rate);
    if (!bits) return bits.error().in("--rate");
    request.rate = *bits;
  }
  return request;
}

/// Asks the stage to begin, go on or stop.
Status ask(Session& session, const Arguments& arguments) {
  if (arguments.has("resume")) {
    const auto answer = session.call("ghostlight.v1.Stage", "Resume", {}, kAnswer);
    return answer ? Status{} : Status(answer.error());
  }
  const auto request = request_of(arguments);
  if (!request) return request.error();
  const auto answer = session.call("ghostlight.v1.Stage", "Start", b2::encode(*request), kAnswer);
  return answer ? Status{} : Status(answer.error());
}

int cancel(Session& session) {
  const auto answer = session.call("ghostlight.v1.Stage", "Cancel", {}, kAnswer);
  if (!answer) return complain("ghostlight", answer.error());
  const auto response = b2::decode<CancelResponse>(*answer);
  if (!response || !response->found) return complain("ghostlight", Error{Errc::not_found, "no job is running"});
  std::cout << "cancelled; 'ghostlight start --resume' goes on\n";
  return code(Exit::done);
}

int follow(Session& session, bool json, bool quiet) {
  Teller teller(json, quiet);
  StageState last;
  std::optional<Status> ended;
  const auto over = [&] { return ended.has_value() || last.state == StepState::done || last.state == StepState::failed; };
  StageClient stage(session.channel());
  auto call = stage.watch(
      {},
      [&](const StageState& state) {
        if (over()) return;
        if (state.job == 0) {
          ended = Error{Errc::not_found, "there was no job yet: 'ghostlight start FILE.cue' begins one"};
          return;
        }
        last = state;
        teller.tell(last, session.network().reactor().now());
      },
      [&](const Status& status) {
        if (!ended) ended = status;
      });
  const bool came = session.wait(over);
  const std::optional<Status> told = ended;
  call.cancel();  // what is above hears no more of it
  teller.end();
  if (!came) {
    std::cerr << "ghostlight: the job goes on without this terminal; 'ghostlight start --watch' shows it, --cancel ends it\n";
    return code(Exit::interrupted);
  }
  if (last.state != StepState::done && last.state != StepState::failed) return complain("ghostlight", told && !*told ? told->error() : Error{Errc::io, "the host ended"});
  if (json) std::cout << stage_json(last) << std::endl;
  else if (!quiet) std::cout << stage_report(Terminal::of(STDOUT_FILENO), last) << std::flush;
  if (last.state == StepState::failed) return complain("ghostlight", Error{Errc::aborted, last.message});
  return code(Exit::done);
}

int start(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  const int modes = int(arguments.has("resume")) + int(arguments.has("watch")) + int(arguments.has("cancel")) + int(arguments.has("SOURCE"));
  if (modes != 1) {
    std::cerr << "ghostlight: start takes one of: a SOURCE (a .cue or .toc file, a folder of audio files, a drive), --resume, --watch, --cancel\n";
    return code(Exit::usage);
  }
  auto session = Session::open(*where, {});
  if (!session) return complain("ghostlight", session.error());
  if (arguments.has("cancel")) return cancel(**session);
  if (!arguments.has("watch")) {
    if (const Status asked = ask(**session, arguments); !asked) return complain("ghostlight", asked.error());
  }
  return follow(**session, arguments.has("json"), arguments.has("quiet"));
}

}  // namespace

Verb start_verb() {
  Verb verb;
  verb.name = "start";
  verb.summary = "the main job: grab, describe, distribute, verify, account for every port";
  verb.description =
      "Asks the host of this machine ('ghostlight up') to do it, and shows how it goes; the job does not end with this command. Exits 0 when "
      "every step went well, 1 when one did not: then --resume goes on from there.";
  verb.examples = {{"ghostlight start disc.cue", "an image; receivers as the host runs them"},
                   {"ghostlight start /dev/sr0 --titles titles.txt --receivers 12 --iface eth0", "a disc without text, to twelve machines"},
                   {"ghostlight start --resume", "go on with the job that stopped"},
                   {"ghostlight start --watch --json", "what it does, for a script"}};
  verb.options = {Option{.name = "into", .value = "DIR", .help = "folder for the album", .complete = Complete::directories},
                  Option{.name = "titles", .value = "FILE", .help = "titles of a disc that has none, a line a track", .complete = Complete::files},
                  Option{"receivers", "N", "machines that must hold a verified copy"},
                  Option{"iface", "NAME", "interface to distribute on; may be repeated"},
                  Option{"rate", "BIT/S", "how fast to distribute, as in 200M; by itself it finds out"},
                  Option{"resume", "", "go on with the last job where it stopped"},
                  Option{"watch", "", "show the job that runs, or the last one"},
                  Option{"cancel", "", "end the job that runs"},
                  state_option(), json_option(), quiet_option()};
  verb.options[3].repeated = true;
  verb.positionals = {{"SOURCE", "a .cue or .toc file, a folder of audio files, a drive", Positional::Count::optional, {}, Complete::files}};
  verb.run = start;
  return verb;
}

}  // namespace ghost::app
