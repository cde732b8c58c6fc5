#include "ariascribe/auditor_service.h"

#include <utility>

#include "ariascribe/audit_service.h"
#include "ariascribe/tag_reader_service.h"
#include "ariascribe/tag_text.h"

namespace ghost::ariascribe {

namespace {

Error audit_stopped() { return {Errc::cancelled, "the audit was stopped, or nobody took what it found"}; }

constexpr std::size_t kMostAudits = 8, kAuditsAtOnce = 2, kTellEveryFiles = 250;

Status look_through(const Knowledge& knowledge, const std::vector<std::filesystem::path>& places, ThreadStream<v1::AuditEvent>& answer) {
  std::size_t files = 0;
  const auto tell = [&](v1::AuditEvent event) {
    event.files = files;
    const bool sent = answer.send(std::move(event));
    if (!sent) answer.cancel();
    return sent;
  };
  AuditListener listener;
  listener.on_finding = [&](const Finding& each) {
    v1::AuditEvent event;
    event.finding = v1::AuditFinding{std::string(name(each.kind)), utf8_or_escaped(each.place), each.files, utf8_or_escaped(each.message)};
    tell(std::move(event));
  };
  listener.on_unread = [&](const std::filesystem::path& path, const Error& why) {
    v1::AuditEvent event;
    event.unread = v1::UnreadFile{utf8_or_escaped(path.native()), utf8_or_escaped(why.message)};
    tell(std::move(event));
  };
  listener.go_on = [&](std::size_t looked_at) {
    files = looked_at;
    if (files > 0 && files % kTellEveryFiles == 0) tell({});
    return !answer.cancelled();
  };
  const auto done = audit_places(knowledge, places, listener);
  if (!done) return done.error();
  v1::AuditEvent event;
  event.summary = v1::AuditSummary{done->files, done->findings, done->unread};
  return tell(std::move(event)) ? Status() : audit_stopped();
}

}  // namespace

AuditorService::AuditorService(net::Reactor& reactor, LiveKnowledge knowledge) : reactor_(reactor), knowledge_(std::move(knowledge)), workers_(std::make_unique<b2::Workers>(kAuditsAtOnce)) {}

void AuditorService::stop() {
  for (const auto& each : running_) each->cancel();
  workers_.reset();
  alive_.reset();
  const Error down{Errc::busy, "the daemon is shutting down"};
  for (const auto& each : std::exchange(running_, {})) each->end(down);
  for (const Job& each : std::exchange(waiting_, {})) each.answer->end(down);
}

void AuditorService::audit(v1::AuditRequest request, b2::ServerStream<v1::AuditEvent> stream) {
  if (!workers_) return stream.fail({Errc::busy, "the daemon is shutting down"});
  forget_cancelled();
  if (running_.size() + waiting_.size() >= kMostAudits) return stream.fail({Errc::exhausted, "libraries are being looked through " + std::to_string(kMostAudits) + " times already"});
  auto places = places_of_caller(request.paths);
  if (!places) return stream.fail(places.error());
  waiting_.push_back({Answer::make(reactor_, std::move(stream)), std::move(*places)});
  run_next();
}

void AuditorService::forget_cancelled() {
  std::erase_if(waiting_, [](const Job& each) {
    if (!each.answer->cancelled()) return false;
    each.answer->end(audit_stopped());
    return true;
  });
}

void AuditorService::run_next() {
  forget_cancelled();
  if (waiting_.empty() || running_.size() >= kAuditsAtOnce) return;
  Job job = std::move(waiting_.front());
  waiting_.pop_front();
  running_.push_back(job.answer);
  workers_->run([this, job = std::move(job), alive = std::weak_ptr<char>(alive_)] {
    const auto knowledge = knowledge_.now();
    const Status ended = look_through(*knowledge, job.places, *job.answer);
    reactor_.post([this, answer = job.answer, alive, ended] {
      if (alive.expired()) return;
      std::erase(running_, answer);
      answer->end(ended);
      run_next();
    });
  });
}

}  // namespace ghost::ariascribe
