#include "audiojuggler/jobs.h"

#include <algorithm>
#include <array>

namespace ghost::audiojuggler {

std::string_view name(JobKind kind) {
  constexpr std::array<std::string_view, 3> names = {"grab", "convert", "verify"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name(JobState state) {
  constexpr std::array<std::string_view, 5> names = {"queued", "running", "done", "failed", "cancelled"};
  return names[static_cast<std::size_t>(state)];
}

JobTrack& Job::track(unsigned wanted) {
  auto at = std::lower_bound(tracks.begin(), tracks.end(), wanted, [](const JobTrack& track, unsigned number_of_it) { return track.number < number_of_it; });
  if (at == tracks.end() || at->number != wanted) {
    at = tracks.insert(at, JobTrack());
    at->number = wanted;
  }
  return *at;
}

Result<std::uint64_t> JobTable::add(JobKind kind, std::string source, std::string into, TimePoint now) {
  std::size_t open = 0;
  for (const auto& [id, job] : jobs_) {
    if (has_ended(job.state)) continue;
    ++open;
    const bool reads_only = kind == JobKind::verify && job.kind == JobKind::verify;
    if (job.into == into && !reads_only && kind != JobKind::convert) {
      return Error{Errc::conflict, "job " + std::to_string(id) + " works on " + into + " already; watch that one, or cancel it"};
    }
  }
  if (open >= kMostRunning) return Error{Errc::exhausted, std::to_string(open) + " jobs wait or run already; wait for one to end"};
  Job job;
  job.id = next_++;
  job.kind = kind;
  job.source = std::move(source);
  job.into = std::move(into);
  job.started = job.changed = now;
  const std::uint64_t id = job.id;
  jobs_.emplace(id, std::move(job));
  forget_oldest();
  return id;
}

const Job* JobTable::find(std::uint64_t id) const {
  const auto at = jobs_.find(id);
  return at == jobs_.end() ? nullptr : &at->second;
}

bool JobTable::update(std::uint64_t id, const std::function<void(Job&)>& change, TimePoint now) {
  const auto at = jobs_.find(id);
  if (at == jobs_.end() || has_ended(at->second.state)) return false;
  Job& job = at->second;
  change(job);
  ++job.number;
  job.changed = now;
  return true;
}

bool JobTable::end(std::uint64_t id, const Status& outcome, TimePoint now) {
  return update(id, [&](Job& job) {
    job.state = outcome ? JobState::done : outcome.error().code == Errc::cancelled ? JobState::cancelled : JobState::failed;
    if (!outcome) job.error = outcome.error().message;
    if (outcome) job.done = job.total;
  }, now);
}

void JobTable::forget_oldest() {
  std::size_t ended = 0;
  for (auto at = jobs_.rbegin(); at != jobs_.rend(); ++at) ended += has_ended(at->second.state) ? 1 : 0;
  for (auto at = jobs_.begin(); at != jobs_.end() && ended > kMostEnded;) {
    if (has_ended(at->second.state)) {
      at = jobs_.erase(at);
      --ended;
    } else {
      ++at;
    }
  }
}

}  // namespace ghost::audiojuggler
