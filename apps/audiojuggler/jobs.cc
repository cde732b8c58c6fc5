#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <iostream>

#include "app/daemon_service.h"
#include "app/places.h"
#include "app/session_service.h"
#include "app/version.h"
#include "audiojuggler/api.h"
#include "audiojuggler/devices_service.h"
#include "audiojuggler/jobs_service.h"
#include "b2/message.h"
#include "base/text.h"
#include "base/units.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using audiojuggler::v1::JobState;

/// The daemon of this machine, by its Unix socket.
Result<std::unique_ptr<Session>> open_daemon(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return where.error();
  Session::Wish wish;
  wish.at = arguments.text("at", where->socket("audiojuggler"));
  auto session = Session::open(*where, wish);
  if (session || arguments.has("at")) return session;
  Error error = session.error();
  error.message += "; is the daemon running? 'ghostlight up' or 'audiojuggler serve' starts it";
  return error;
}

Option at_option() {
  Option at;
  at.name = "at";
  at.value = "ADDR";
  at.help = "ask the daemon there instead of this machine's";
  return at;
}

Json json_of(const audiojuggler::v1::Job& job, std::string_view event) {
  Json tracks = Json::array();
  for (const auto& track : job.tracks) {
    tracks.push_back({{"number", track.number}, {"title", track.title}, {"file", track.file}, {"sectors", track.sectors}, {"sectors_done", track.sectors_done}, {"crc32", hex32(track.crc32)},
                      {"doubts", track.doubts}, {"verified", track.verified}});
  }
  return {{"v", 1}, {"event", event}, {"id", job.id}, {"kind", job.kind}, {"state", name(job.state)}, {"number", job.number}, {"source", job.source}, {"into", job.into},
          {"done", job.done}, {"total", job.total}, {"seconds", job.seconds}, {"error", job.error}, {"tracks", tracks}};
}

std::string share(const audiojuggler::v1::Job& job) {
  return job.total == 0 ? "" : fmt::format("{} %", job.done * 100 / job.total);
}

int list(const Arguments& arguments) {
  auto session = open_daemon(arguments);
  if (!session) return fail(arguments, session.error());
  const auto answer = (*session)->call("audiojuggler.v1.Jobs", "List", {}, std::chrono::seconds(10));
  if (!answer) return fail(arguments, answer.error());
  const auto response = b2::decode<audiojuggler::v1::ListResponse>(*answer);
  if (!response) return fail(arguments, response.error());
  if (arguments.has("json")) {
    for (const auto& job : response->jobs) print_event(json_of(job, "job"));
    print_event({{"v", 1}, {"event", "summary"}, {"jobs", response->jobs.size()}, {"code", 0}});
    return code(Exit::done);
  }
  Table table({"id", "kind", "state", "done", "time", "into", "error"});
  for (const auto& job : response->jobs) {
    table.add({std::to_string(job.id), job.kind, std::string(name(job.state)), share(job), format_duration(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(job.seconds))), job.into, job.error});
  }
  if (!table.empty()) std::cout << table.text(Terminal::of(STDOUT_FILENO));
  else std::cout << "no jobs\n";
  return code(Exit::done);
}

Result<std::uint64_t> job_id(const Arguments& arguments) {
  const std::string text = arguments.text("JOB");
  std::uint64_t id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failed != std::errc() || end != text.data() + text.size()) return Error{Errc::malformed, "'" + text + "' is no job; 'audiojuggler jobs' lists their numbers"};
  return id;
}

int watch(const Arguments& arguments) {
  const auto id = job_id(arguments);
  if (!id) return complain("audiojuggler", id.error()), code(Exit::usage);
  auto session = open_daemon(arguments);
  if (!session) return fail(arguments, session.error());
  const bool json = arguments.has("json");
  std::optional<Status> end;
  audiojuggler::v1::Job last;
  std::optional<ShownProgress> progress;
  audiojuggler::v1::JobsClient jobs((*session)->channel());
  auto call = jobs.watch(
      {*id},
      [&](const audiojuggler::v1::Job& job) {
        last = job;
        if (json) return print_event(json_of(job, "job"));
        if (job.total == 0) return;
        if (!progress) {
          progress.emplace(arguments, job.kind, job.kind == "grab" ? Progress::Unit::sound : Progress::Unit::bytes);
          progress->total(job.total);
        }
        progress->update(job.done);
      },
      [&](const Status& status) { end = status; }, b2::without_timeout());
  if (!(*session)->wait([&] { return end.has_value(); })) {
    call.cancel();
    return code(Exit::interrupted);
  }
  if (progress) progress->finish(name(last.state));
  if (!*end) return fail(arguments, end->error());
  const Exit exit = last.state == JobState::done ? Exit::done : last.state == JobState::cancelled ? Exit::interrupted : Exit::failed;
  if (json) {
    Json summary = json_of(last, "summary");
    summary["code"] = code(exit);
    print_event(summary);
  } else if (!last.error.empty()) {
    complain("audiojuggler", Error{Errc::io, last.error});
  } else if (!arguments.has("quiet")) {
    std::cout << fmt::format("job {}: {} {}, {}\n", last.id, last.kind, name(last.state), printable(last.into));
  }
  return code(exit);
}

int cancel(const Arguments& arguments) {
  const auto id = job_id(arguments);
  if (!id) return complain("audiojuggler", id.error()), code(Exit::usage);
  auto session = open_daemon(arguments);
  if (!session) return fail(arguments, session.error());
  audiojuggler::v1::CancelRequest request;
  request.id = *id;
  const auto answer = (*session)->call("audiojuggler.v1.Jobs", "Cancel", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return fail(arguments, answer.error());
  const auto response = b2::decode<audiojuggler::v1::CancelResponse>(*answer);
  if (!response) return fail(arguments, response.error());
  if (!response->found) return fail(arguments, Error{Errc::not_found, "no job " + std::to_string(*id) + " waits or runs"});
  return code(Exit::done);
}

int devices(const Arguments& arguments) {
  const auto response = audiojuggler::list_devices();
  if (arguments.has("json")) {
    for (const auto& device : response.devices) {
      print_event({{"v", 1}, {"event", "device"}, {"path", device.path}, {"vendor", device.vendor}, {"model", device.model}, {"revision", device.revision}, {"disc", device.disc}});
    }
    print_event({{"v", 1}, {"event", "summary"}, {"devices", response.devices.size()}, {"code", 0}});
    return code(Exit::done);
  }
  if (response.devices.empty()) std::cout << "this machine has no CD drive; images (.cue, .toc) are read like discs\n";
  Table table({"device", "vendor", "model", "revision", "disc"});
  for (const auto& device : response.devices) table.add({device.path, device.vendor, device.model, device.revision, device.model.empty() ? "?" : device.disc ? "yes" : "no"});
  if (!table.empty()) std::cout << table.text(Terminal::of(STDOUT_FILENO));
  return code(Exit::done);
}

Verb daemon_verb(std::string name, std::string summary, std::vector<Example> examples, int (*run)(const Arguments&)) {
  Verb verb;
  verb.name = std::move(name);
  verb.summary = std::move(summary);
  verb.examples = std::move(examples);
  verb.options = {at_option(), state_option(), json_option()};
  verb.run = run;
  return verb;
}

}  // namespace

std::vector<Verb> job_verbs() {
  Verb jobs = daemon_verb("jobs", "the jobs of the daemon", {{"audiojuggler jobs", "those that run, and the last that ended"}}, list);
  Verb watching = daemon_verb("watch", "a job as it goes, until it ends", {{"audiojuggler watch 3", "exits as the job did"}}, watch);
  watching.options.push_back(quiet_option());
  Verb cancelling = daemon_verb("cancel", "stop a job; a grab goes on when it is asked for again", {{"audiojuggler cancel 3", "what is finished is kept"}}, cancel);
  for (Verb* verb : {&watching, &cancelling}) verb->positionals = {{"JOB", "its number"}};
  Verb drives;
  drives.name = "devices";
  drives.summary = "the CD drives of this machine";
  drives.examples = {{"audiojuggler devices", "and whether a disc is in them"}};
  drives.options = {json_option()};
  drives.run = devices;
  return {std::move(jobs), std::move(watching), std::move(cancelling), std::move(drives)};
}

/// `serve`: audiojuggler.v1.Jobs and .Devices beside b2.v1.Core.
Verb jobs_daemon_verb() {
  DaemonSpec daemon;
  daemon.program = "audiojuggler";
  daemon.port = 3643;
  daemon.socket = "audiojuggler";
  Verb verb = serve_verb(daemon, "run jobs that others ask for, on port 3643");
  verb.run = [daemon](const Arguments& arguments) mutable {
    std::signal(SIGXFSZ, SIG_IGN);  // a full disk is an error of a call
    std::unique_ptr<audiojuggler::JobsService> jobs;
    audiojuggler::DevicesService devices_service;
    daemon.ready = [&](b2::Node& node) {
      jobs = std::make_unique<audiojuggler::JobsService>(node.network(), "audiojuggler " + std::string(kVersion));
      node.endpoint().services.add(*jobs);
      node.endpoint().services.add(devices_service);
      return Status();
    };
    daemon.stopping = [&](std::function<void()> stopped) {
      if (jobs) jobs->stop();
      stopped();
    };
    daemon.ended = [&] { jobs.reset(); };
    return run_daemon(daemon, arguments);
  };
  return verb;
}

}  // namespace ghost::app
