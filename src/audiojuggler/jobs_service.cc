#include "audiojuggler/jobs_service.h"

#include <utility>

#include "audiojuggler/formats/open_service.h"
#include "audiojuggler/job_messages_service.h"
#include "base/file.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kThreads = 2;       // jobs at a time; each has threads of its own beside
constexpr Duration kShortestInterval = std::chrono::milliseconds(100);
constexpr std::size_t kMaxTitles = 1024 * 1024;

Status need_absolute(const std::string& path, std::string_view what) {
  if (std::filesystem::path(path).is_absolute()) return {};
  return Error{Errc::malformed, std::string(what) + " '" + path + "' must be an absolute path: the daemon is not where you are"};
}

}  // namespace

JobsService::JobsService(net::Reactor& reactor, std::string program) : reactor_(reactor), program_(std::move(program)), workers_(std::make_unique<b2::Workers>(kThreads)) {}

JobsService::~JobsService() { stop(); }

void JobsService::stop() {
  for (const auto& [id, cancelled] : running_) *cancelled = true;
  workers_.reset();
  alive_.reset();
  for (const auto& watcher : std::exchange(watchers_, {})) watcher->stream.fail({Errc::busy, "the daemon is shutting down"});
  timer_.reset();
}

/// Brings a change from the thread that works to the table.
ChangeJob JobsService::change_of(std::uint64_t id) {
  return [this, id, alive = std::weak_ptr<char>(alive_)](std::function<void(Job&)> change) {
    reactor_.post([this, id, alive, change = std::move(change)] {
      if (alive.expired()) return;
      table_.update(id, change, reactor_.now());
      tell_watchers();
    });
  };
}

void JobsService::end(std::uint64_t id, const Status& outcome) {
  running_.erase(id);
  table_.end(id, outcome, reactor_.now());
  tell_watchers();
}

Result<v1::Job> JobsService::start(JobKind kind, const std::string& source, const std::string& into, Work work) {
  if (!workers_) return Error{Errc::busy, "the daemon is shutting down"};
  const auto id = table_.add(kind, source, into, reactor_.now());
  if (!id) return id.error();
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  running_[*id] = cancelled;
  workers_->run([this, id = *id, cancelled, work = std::move(work), change = change_of(*id), alive = std::weak_ptr<char>(alive_)] {
    change([](Job& job) { job.state = JobState::running; });
    const Status outcome = *cancelled ? Status(Error{Errc::cancelled, "cancelled before it began"}) : work(change, *cancelled);
    reactor_.post([this, id, outcome, alive] {
      if (!alive.expired()) end(id, outcome);
    });
  });
  return job_message(*table_.find(*id));
}

Result<v1::Job> JobsService::grab(const v1::GrabRequest& request, const b2::CallContext&) {
  for (const auto& [path, what] : {std::pair(request.source, "source"), std::pair(request.into, "into")}) {
    if (const Status absolute = need_absolute(path, what); !absolute) return absolute.error();
  }
  GrabOptions options;
  options.source = request.source;
  options.into = std::filesystem::path(request.into).lexically_normal();
  options.format = request.format.empty() ? "flac" : request.format;
  options.offset = request.offset;
  options.titles = request.title_lines;
  options.program = program_;
  if (!request.titles.empty()) {
    if (const Status absolute = need_absolute(request.titles, "titles"); !absolute) return absolute.error();
  }
  return start(JobKind::grab, request.source, options.into.string(), [options, titles = request.titles](const ChangeJob& change, const std::atomic<bool>& cancelled) mutable -> Status {
    if (options.titles.empty() && !titles.empty()) {
      const auto text = read_file(titles, kMaxTitles);
      if (!text) return text.error();
      options.titles = title_lines(as_bytes(*text));
    }
    return run_grab(options, change, cancelled);
  });
}

Result<v1::Job> JobsService::convert(const v1::ConvertRequest& request, const b2::CallContext&) {
  if (request.files.empty()) return Error{Errc::malformed, "there is no file to convert"};
  for (const std::string& file : request.files) {
    if (const Status absolute = need_absolute(file, "file"); !absolute) return absolute.error();
  }
  if (const Status absolute = need_absolute(request.into, "into"); !absolute) return absolute.error();
  return start(JobKind::convert, request.files.front(), request.into, [request](const ChangeJob& change, const std::atomic<bool>& cancelled) {
    return run_convert(request.files, request.to, request.into, change, cancelled);
  });
}

Result<v1::Job> JobsService::verify(const v1::VerifyRequest& request, const b2::CallContext&) {
  if (const Status absolute = need_absolute(request.folder, "folder"); !absolute) return absolute.error();
  if (!request.source.empty()) {
    if (const Status absolute = need_absolute(request.source, "source"); !absolute) return absolute.error();
  }
  const std::string folder = std::filesystem::path(request.folder).lexically_normal().string();
  return start(JobKind::verify, request.source, folder, [folder, source = request.source](const ChangeJob& change, const std::atomic<bool>& cancelled) {
    return run_verify(folder, source, change, cancelled);
  });
}

Result<v1::ListResponse> JobsService::list(const v1::ListRequest&, const b2::CallContext&) {
  v1::ListResponse response;
  for (const auto& [id, job] : table_.all()) response.jobs.push_back(job_message(job));
  return response;
}

Result<v1::CancelResponse> JobsService::cancel(const v1::CancelRequest& request, const b2::CallContext&) {
  v1::CancelResponse response;
  const auto at = running_.find(request.id);
  response.found = at != running_.end();
  if (response.found) *at->second = true;
  return response;
}

void JobsService::watch(v1::WatchRequest request, b2::ServerStream<v1::Job> stream) {
  if (table_.find(request.id) == nullptr) {
    return stream.fail({Errc::not_found, "there is no job " + std::to_string(request.id) + "; List names those there are"});
  }
  const auto watcher = std::make_shared<Watcher>(Watcher{request.id, std::move(stream)});
  const std::weak_ptr<Watcher> weak = watcher;
  watcher->stream.on_cancel([this, weak, alive = std::weak_ptr<char>(alive_)] {
    const auto gone = weak.lock();
    if (!gone) return;
    if (!alive.expired()) std::erase(watchers_, gone);
    gone->stream.fail({Errc::cancelled, "cancelled by the caller"});
  });
  watcher->stream.on_ready([this, weak, alive = std::weak_ptr<char>(alive_)] {
    const auto ready = weak.lock();
    if (!ready || alive.expired()) return;
    ready->full = false;
    tell_watchers();
  });
  if (tell(*watcher)) watchers_.push_back(watcher);
}

bool JobsService::tell(Watcher& watcher) {
  const Job* job = table_.find(watcher.job);
  if (job == nullptr) {
    watcher.stream.fail({Errc::not_found, "the job was forgotten"});
    return false;
  }
  watcher.told = job->number;
  watcher.told_at = reactor_.now();
  watcher.full = !watcher.stream.write(job_message(*job));
  if (!has_ended(job->state)) return true;
  watcher.stream.finish();
  return false;
}

/// Tells those who are due; the others are told when they are, with what is then.
void JobsService::tell_watchers() {
  const TimePoint now = reactor_.now();
  TimePoint next = TimePoint::max();
  for (const auto& watcher : std::vector(watchers_)) {
    const Job* job = table_.find(watcher->job);
    if (watcher->full || (job != nullptr && job->number == watcher->told)) continue;
    const TimePoint due = watcher->told_at + kShortestInterval;
    const bool ended = job == nullptr || has_ended(job->state);
    if (due > now && !ended) {
      next = std::min(next, due);
    } else if (!tell(*watcher)) {
      std::erase(watchers_, watcher);
    }
  }
  if (next == TimePoint::max() || armed_) return;
  armed_ = true;
  timer_ = reactor_.wake_at(next, [this](TimePoint) {
    armed_ = false;
    tell_watchers();
  });
}

}  // namespace ghost::audiojuggler
