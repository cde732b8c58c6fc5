// The five steps of the stage: which daemon is asked for what.
#include <algorithm>

#include "base/file.h"
#include "workflow/stage_service.h"

namespace ghost::workflow {

namespace {

constexpr Duration kDescribePatience = std::chrono::minutes(5);
constexpr Duration kLookPatience = std::chrono::minutes(1);
constexpr std::uint32_t kJoinPatience = 15'000;  // ms: receivers that hear an announcement join within a second
constexpr unsigned kLooks = 5;
constexpr Duration kBetweenLooks = std::chrono::seconds(1);

b2::CallOptions lasting(Duration patience) {
  b2::CallOptions options;
  options.timeout = patience;
  return options;
}

bool is_audio(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> known = {".flac", ".wav", ".aiff", ".aif", ".w64", ".rf64"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return std::find(known.begin(), known.end(), ending) != known.end();
}

/// The audio files of a folder by name; not_found when there is none.
Result<std::vector<std::string>> audio_files(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->is_regular_file(failed) && is_audio(at->path())) files.push_back(at->path().string());
  }
  if (failed) return Error{Errc::io, "read folder " + folder.string() + ": " + failed.message()};
  if (files.empty()) return Error{Errc::not_found, folder.string() + " holds no FLAC, WAV or AIFF file"};
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

template <class T>
void StageService::with(DaemonLink& link, StepKind step, std::function<void(T)> use) {
  link.open([this, step, attempt = attempt_, use = std::move(use)](Result<b2::Caller*> caller) {
    if (!current(step, attempt)) return;
    if (!caller) return ended(step, caller.error());
    use(T(**caller));
  });
}

void StageService::grab() {
  with<audiojuggler::v1::JobsClient>(audiojuggler_, StepKind::grab, [this](audiojuggler::v1::JobsClient jobs) {
    audiojuggler::v1::GrabRequest request;
    request.source = job_->request().source;
    request.into = job_->request().into;
    request.titles = job_->request().titles;
    jobs.grab(request, [this, attempt = attempt_](Result<audiojuggler::v1::Job> started) {
      if (!current(StepKind::grab, attempt)) return;
      if (!started) return ended(StepKind::grab, started.error());
      watch_grab(started->id);
    });
  });
}

void StageService::convert_folder() {
  auto files = audio_files(job_->request().source);
  if (!files) return ended(StepKind::grab, files.error());
  with<audiojuggler::v1::JobsClient>(audiojuggler_, StepKind::grab, [this, files = std::move(*files)](audiojuggler::v1::JobsClient jobs) {
    audiojuggler::v1::ConvertRequest request;
    request.files = files;
    request.to = "flac";
    request.into = job_->request().into;
    jobs.convert(request, [this, attempt = attempt_](Result<audiojuggler::v1::Job> started) {
      if (!current(StepKind::grab, attempt)) return;
      if (!started) return ended(StepKind::grab, started.error());
      watch_grab(started->id);
    });
  });
}

void StageService::watch_grab(std::uint64_t id) {
  remote_job_ = id;
  with<audiojuggler::v1::JobsClient>(audiojuggler_, StepKind::grab, [this, id](audiojuggler::v1::JobsClient jobs) {
    const auto last = std::make_shared<audiojuggler::v1::Job>();
    call_ = jobs.watch(
        {id},
        [this, last, attempt = attempt_](const audiojuggler::v1::Job& news) {
          if (!current(StepKind::grab, attempt)) return;
          *last = news;
          job_->on_grab(news);
          changed();
        },
        [this, last, attempt = attempt_](const Status& status) {
          if (!current(StepKind::grab, attempt)) return;
          ended(StepKind::grab, status ? job_->grabbed(*last) : Result<std::string>(status.error()));
        });
  });
}

void StageService::describe() {
  with<ariascribe::v1::LibraryClient>(ariascribe_, StepKind::describe, [this](ariascribe::v1::LibraryClient library) {
    ariascribe::v1::ProposeRequest request;
    request.paths = {job_->request().into};
    call_ = library.propose(
        request,
        [this, attempt = attempt_](Result<ariascribe::v1::Proposal> proposal) {
          if (!current(StepKind::describe, attempt)) return;
          if (!proposal) return ended(StepKind::describe, proposal.error());
          job_->on_proposal(*proposal);
          changed();
          commit(proposal->id);
        },
        lasting(kDescribePatience));
  });
}

void StageService::commit(const std::string& proposal) {
  with<ariascribe::v1::LibraryClient>(ariascribe_, StepKind::describe, [this, proposal](ariascribe::v1::LibraryClient library) {
    call_ = library.commit(
        {proposal, {}},
        [this, attempt = attempt_](Result<ariascribe::v1::CommitResponse> committed) {
          if (!current(StepKind::describe, attempt)) return;
          ended(StepKind::describe, committed ? Result<std::string>(job_->described(*committed)) : Result<std::string>(committed.error()));
        },
        lasting(kDescribePatience));
  });
}

void StageService::distribute() {
  if (job_->request().receivers == 0) return skipped(StepKind::distribute, "no receivers were asked for (--receivers N)");
  with<ardus::v1::NodeClient>(ardus_, StepKind::distribute, [this](ardus::v1::NodeClient node) {
    ardus::v1::SendRequest request;
    request.paths = {job_->request().into};
    request.name = job_->state().title;
    request.interfaces = job_->request().interfaces;
    request.rate = job_->request().rate;
    request.receivers = job_->request().receivers;
    request.wait_ms = kJoinPatience;
    const auto last = std::make_shared<ardus::v1::Transfer>();
    call_ = node.send(
        request,
        [this, last, attempt = attempt_](const ardus::v1::Transfer& news) {
          if (!current(StepKind::distribute, attempt)) return;
          *last = news;
          session_ = news.session;
          job_->on_transfer(news);
          changed();
        },
        [this, last, attempt = attempt_](const Status& status) {
          if (!current(StepKind::distribute, attempt)) return;
          ended(StepKind::distribute, status ? job_->distributed(*last) : Result<std::string>(status.error()));
        });
  });
}

void StageService::verify() {
  if (job_->is_folder()) return ended(StepKind::verify, job_->verified(nullptr));
  with<audiojuggler::v1::JobsClient>(audiojuggler_, StepKind::verify, [this](audiojuggler::v1::JobsClient jobs) {
    jobs.verify({job_->request().into, job_->request().source}, [this, attempt = attempt_](Result<audiojuggler::v1::Job> started) {
      if (!current(StepKind::verify, attempt)) return;
      if (!started) return ended(StepKind::verify, started.error());
      watch_verification(started->id);
    });
  });
}

void StageService::watch_verification(std::uint64_t id) {
  remote_job_ = id;
  with<audiojuggler::v1::JobsClient>(audiojuggler_, StepKind::verify, [this, id](audiojuggler::v1::JobsClient jobs) {
    const auto last = std::make_shared<audiojuggler::v1::Job>();
    call_ = jobs.watch(
        {id},
        [this, last, attempt = attempt_](const audiojuggler::v1::Job& news) {
          if (!current(StepKind::verify, attempt)) return;
          *last = news;
          job_->on_verification(news);
          changed();
        },
        [this, last, attempt = attempt_](const Status& status) {
          if (!current(StepKind::verify, attempt)) return;
          ended(StepKind::verify, status ? job_->verified(last.get()) : Result<std::string>(status.error()));
        });
  });
}

void StageService::account() {
  with<portlight::v1::PortsClient>(portlight_, StepKind::account, [this](portlight::v1::PortsClient ports) {
    call_ = ports.list(
        {},
        [this, attempt = attempt_](Result<portlight::v1::ListResponse> listed) {
          if (!current(StepKind::account, attempt)) return;
          if (!listed) return ended(StepKind::account, listed.error());
          auto outcome = job_->accounted(*listed, parts_.expected);
          // A daemon that is busy may have been too late for one look; what is wrong stays wrong.
          if (!outcome && ++looks_ < kLooks) return look_again();
          ended(StepKind::account, std::move(outcome));
        },
        lasting(kLookPatience));
  });
}

void StageService::look_again() {
  changed();
  look_timer_ = parts_.network.reactor().wake_at(now() + kBetweenLooks, [this, attempt = attempt_](TimePoint) {
    if (current(StepKind::account, attempt)) account();
  });
}

}  // namespace ghost::workflow
