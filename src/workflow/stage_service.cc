#include "workflow/stage_service.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>

#include "b2/message.h"
#include "base/file.h"
#include "base/unique_fd.h"
#include "workflow/ledger.h"

namespace ghost::workflow {

namespace {

constexpr Duration kBetweenStates = std::chrono::milliseconds(100);
constexpr Duration kTick = std::chrono::seconds(1);
constexpr std::size_t kMaxRecord = 16 * 1024 * 1024;

Status append(const std::filesystem::path& path, const std::string& line) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file) return errno_error("open", path.string());
  if (::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return errno_error("write", path.string());
  if (::fdatasync(file.get()) != 0) return errno_error("write", path.string());
  return {};
}

}  // namespace

StageService::StageService(StageParts parts)
    : parts_(std::move(parts)),
      folder_(parts_.state / "stage"),
      ardus_(parts_.network, parts_.endpoint, "ardus", parts_.socket("ardus")),
      ariascribe_(parts_.network, parts_.endpoint, "ariascribe", parts_.socket("ariascribe")),
      audiojuggler_(parts_.network, parts_.endpoint, "audiojuggler", parts_.socket("audiojuggler")),
      portlight_(parts_.network, parts_.endpoint, "portlight", parts_.socket("portlight")) {}

StageService::~StageService() {
  end_watching({Errc::busy, "the host is shutting down"});
  if (job_ && !job_->ended()) keep("left", job_->running());
}

void StageService::end_watching(const Error& why) {
  for (const auto& watcher : std::exchange(watchers_, {})) watcher->stream.fail(why);
}

Result<std::unique_ptr<StageService>> StageService::open(StageParts parts) {
  std::unique_ptr<StageService> stage(new StageService(std::move(parts)));
  if (const Status made = make_directories(stage->folder_, 0700); !made) return made.error();
  if (const Status loaded = stage->load(); !loaded) return loaded.error();
  return stage;
}

Status StageService::load() {
  const auto path = folder_ / "last.pb";
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return {};
  const auto bytes = read_file(path, kMaxRecord);
  if (!bytes) return bytes.error();
  auto record = b2::decode<v1::StageRecord>(as_bytes(*bytes));
  if (!record) return record.error().in(path.string() + " (move it away to begin afresh)");
  job_.emplace(std::move(*record), now());
  if (std::filesystem::is_directory(job_->request().source, failed)) job_->set_folder();
  return {};
}

/// The request with what it left out; refused where nothing could come of it.
Result<v1::StartRequest> StageService::checked(v1::StartRequest request) {
  namespace fs = std::filesystem;
  if (request.source.empty()) return Error{Errc::malformed, "say what to take: a .cue or .toc file, a folder of audio files, or a drive such as /dev/sr0"};
  if (!fs::path(request.source).is_absolute()) return Error{Errc::malformed, "'" + request.source + "' is no absolute path"};
  std::error_code failed;
  if (!fs::exists(request.source, failed)) return Error{Errc::not_found, request.source + ": there is no such file"};
  if (request.into.empty()) {
    std::string album = fs::path(request.source).stem().string();
    if (album.empty()) album = "disc";
    const auto albums = folder_ / "albums";
    request.into = (albums / album).string();
    for (int n = 2; fs::exists(request.into, failed); ++n) request.into = (albums / (album + " " + std::to_string(n))).string();
  }
  if (!fs::path(request.into).is_absolute()) return Error{Errc::malformed, "'" + request.into + "' is no absolute path"};
  if (request.interfaces.empty()) request.interfaces = parts_.interfaces;
  if (request.receivers == 0) request.receivers = parts_.receivers;
  return request;
}

Result<v1::StartResponse> StageService::start(const v1::StartRequest& request, const b2::CallContext&) {
  if (job_ && !job_->ended()) return Error{Errc::busy, "a job is running on " + job_->state().source + "; wait for it or cancel it ('ghostlight start --cancel')"};
  auto full = checked(request);
  if (!full) return full.error();
  const std::uint64_t number = job_ ? job_->state().job + 1 : 1;
  std::error_code failed;
  const bool folder = std::filesystem::is_directory(full->source, failed);
  job_.emplace(number, std::move(*full), now());
  if (folder) job_->set_folder();
  keep("begun", {});
  go_on();
  tick();
  return v1::StartResponse{number};
}

Result<v1::StartResponse> StageService::resume(const v1::ResumeRequest&, const b2::CallContext&) {
  if (!job_) return Error{Errc::conflict, "there was no job yet: 'ghostlight start FILE.cue' begins one"};
  if (const Status resumed = job_->resume(now()); !resumed) return resumed.error();
  keep("resumed", {});
  go_on();
  tick();
  return v1::StartResponse{job_->state().job};
}

Result<v1::CancelResponse> StageService::cancel(const v1::CancelRequest&, const b2::CallContext&) {
  if (!job_ || job_->ended()) return v1::CancelResponse{false};
  const auto step = job_->running();
  call_.cancel();
  if (step == StepKind::distribute && session_ != 0) {
    ardus_.open([session = session_](Result<b2::Caller*> caller) {
      if (caller) ardus::v1::NodeClient(**caller).cancel({session}, [](const Result<ardus::v1::CancelResponse>&) {});
    });
  } else if (remote_job_ != 0) {
    audiojuggler_.open([id = remote_job_](Result<b2::Caller*> caller) {
      if (caller) audiojuggler::v1::JobsClient(**caller).cancel({id}, [](const Result<audiojuggler::v1::CancelResponse>&) {});
    });
  }
  ++attempt_;
  job_->cancel(now());
  keep("cancelled", step);
  changed();
  return v1::CancelResponse{true};
}

bool StageService::current(StepKind step, std::uint64_t attempt) const { return job_ && attempt == attempt_ && job_->running() == step; }

/// Begins what is next, in a turn of its own.
void StageService::go_on() {
  changed();
  const auto next = job_->next();
  if (!next) return;
  parts_.network.reactor().post([this, next, alive = std::weak_ptr<char>(alive_), number = job_->state().job] {
    if (alive.expired() || !job_ || job_->state().job != number || job_->next() != next) return;
    run(*next);
  });
}

void StageService::run(StepKind step) {
  ++attempt_;
  session_ = remote_job_ = 0;
  job_->begin(step, now());
  keep("step", step);
  changed();
  switch (step) {
    case StepKind::grab: return job_->is_folder() ? convert_folder() : grab();
    case StepKind::describe: return describe();
    case StepKind::distribute: return distribute();
    case StepKind::verify: return verify();
    case StepKind::account: looks_ = 0; return account();
  }
}

void StageService::ended(StepKind step, Result<std::string> outcome) {
  ++attempt_;
  if (outcome) job_->finish(step, std::move(*outcome), now());
  else job_->fail(step, outcome.error(), now());
  keep(outcome ? "done" : "failed", step);
  const v1::Step& told = job_->state().steps[static_cast<std::size_t>(step)];
  if (outcome) parts_.log.info("stage: step done", {{"job", job_->state().job}, {"step", told.name}, {"s", told.seconds}, {"detail", told.detail}});
  else parts_.log.error("stage: step failed", {{"job", job_->state().job}, {"step", told.name}, {"why", outcome.error()}});
  go_on();
}

void StageService::skipped(StepKind step, std::string why) {
  ++attempt_;
  job_->skip(step, std::move(why));
  keep("skipped", step);
  go_on();
}

/// Notes the event in the ledger and the state beside it, so that both survive this process.
void StageService::keep(std::string_view event, std::optional<StepKind> step) {
  if (const Status kept = append(folder_ / "ledger.jsonl", ledger_line(*job_, event, step, std::chrono::system_clock::now())); !kept) {
    parts_.log.error("stage: the ledger can't be written", {{"why", kept.error()}});
  }
  if (const Status kept = write_file_atomically(folder_ / "last.pb", b2::encode(job_->record()), 0600); !kept) {
    parts_.log.error("stage: the state can't be kept", {{"why", kept.error()}});
  }
}

void StageService::watch(v1::WatchRequest, b2::ServerStream<v1::StageState> stream) {
  const auto watcher = std::make_shared<Watcher>(Watcher{std::move(stream)});
  watcher->stream.on_cancel([this, weak = std::weak_ptr<Watcher>(watcher), alive = std::weak_ptr<char>(alive_)] {
    const auto gone = weak.lock();
    if (!gone) return;
    if (!alive.expired()) std::erase(watchers_, gone);
    gone->stream.fail({Errc::cancelled, "cancelled by the caller"});
  });
  watcher->stream.on_ready([this, weak = std::weak_ptr<Watcher>(watcher), alive = std::weak_ptr<char>(alive_)] {
    const auto ready = weak.lock();
    if (!ready || alive.expired()) return;
    ready->full = false;
    if (ready->behind) changed();
  });
  watchers_.push_back(watcher);
  tell();
}

/// The state is another: who watches hears of it soon, ten times a second at most.
void StageService::changed() {
  for (const auto& watcher : watchers_) watcher->behind = true;
  if (std::exchange(telling_, true)) return;
  tell_timer_ = parts_.network.reactor().wake_at(now() + kBetweenStates, [this](TimePoint) {
    telling_ = false;
    tell();
  });
}

void StageService::tell() {
  if (job_) job_->tick(now());
  const v1::StageState state = job_ ? job_->state() : v1::StageState{};
  for (const auto& watcher : std::vector(watchers_)) {
    if (!watcher->behind || watcher->full) continue;
    watcher->behind = false;
    watcher->full = !watcher->stream.write(state);
  }
}

/// While a job runs its times go on, whether or not there is other news.
void StageService::tick() {
  tick_timer_ = parts_.network.reactor().wake_at(now() + kTick, [this](TimePoint) {
    if (!job_ || job_->ended()) return;
    changed();
    tick();
  });
}

}  // namespace ghost::workflow
