#include "workflow/job.h"

#include <algorithm>

namespace ghost::workflow {

using v1::StepState;

std::string_view name(StepKind step) {
  constexpr std::array names = {"grab", "describe", "distribute", "verify", "account"};
  return names[static_cast<std::size_t>(step)];
}

static double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Job::Job(std::uint64_t number, v1::StartRequest request, TimePoint now) : began_(now), step_began_(now) {
  record_.state.emplace();
  v1::StageState& state = mutable_state();
  state.job = number;
  state.source = request.source;
  state.into = request.into;
  state.state = StepState::running;
  for (const StepKind kind : kSteps) {
    v1::Step step;
    step.name = name(kind);
    state.steps.push_back(std::move(step));
  }
  record_.request = std::move(request);
}

Job::Job(v1::StageRecord record, TimePoint now) : record_(std::move(record)), began_(now), step_began_(now) {
  if (!record_.request) record_.request.emplace();
  if (!record_.state) record_.state.emplace();
  v1::StageState& state = mutable_state();
  state.steps.resize(kSteps.size());
  for (const StepKind kind : kSteps) step(kind).name = name(kind);
  seconds_before_ = state.seconds;
  if (const auto was = running()) fail(*was, Error{Errc::aborted, "the host ended while this ran; 'ghostlight start --resume' goes on"}, now);
}

std::optional<StepKind> Job::running() const {
  for (const StepKind kind : kSteps) {
    if (state().steps[static_cast<std::size_t>(kind)].state == StepState::running) return kind;
  }
  return std::nullopt;
}

std::optional<StepKind> Job::next() const {
  if (ended()) return std::nullopt;
  for (const StepKind kind : kSteps) {
    const StepState at = state().steps[static_cast<std::size_t>(kind)].state;
    if (at == StepState::waiting) return kind;
    if (at != StepState::done && at != StepState::skipped) return std::nullopt;
  }
  return std::nullopt;
}

bool Job::ended() const { return state().state != StepState::running; }

void Job::begin(StepKind kind, TimePoint now) {
  step_began_ = now;
  v1::Step fresh;
  fresh.name = name(kind);
  fresh.state = StepState::running;
  step(kind) = std::move(fresh);
}

void Job::tick(TimePoint now) {
  if (const auto kind = running()) step(*kind).seconds = seconds(now - step_began_);
  if (!ended()) mutable_state().seconds = seconds_before_ + seconds(now - began_);
}

void Job::finish(StepKind kind, std::string detail, TimePoint now) {
  tick(now);
  step(kind).state = StepState::done;
  step(kind).detail = std::move(detail);
  if (step(kind).total > 0) step(kind).done = step(kind).total;
  mutable_state().message = std::string(name(kind)) + ": " + step(kind).detail;
  if (kind == kSteps.back()) mutable_state().state = StepState::done;
}

void Job::skip(StepKind kind, std::string why) {
  step(kind).state = StepState::skipped;
  step(kind).detail = std::move(why);
}

void Job::fail(StepKind kind, const Error& why, TimePoint now) {
  tick(now);
  step(kind).state = StepState::failed;
  step(kind).detail = why.message;
  mutable_state().state = StepState::failed;
  mutable_state().message = std::string(name(kind)) + ": " + why.message;
}

Status Job::resume(TimePoint now) {
  if (state().state == StepState::done) return Error{Errc::conflict, "the last job is done; nothing is left to go on with"};
  if (!ended()) return Error{Errc::conflict, "the last job is still running"};
  for (v1::Step& one : mutable_state().steps) {
    if (one.state != StepState::done && one.state != StepState::skipped) one.state = StepState::waiting;
  }
  seconds_before_ = state().seconds;
  began_ = now;
  mutable_state().state = StepState::running;
  return {};
}

void Job::cancel(TimePoint now) {
  if (const auto kind = running()) return fail(*kind, Error{Errc::cancelled, "cancelled; 'ghostlight start --resume' goes on"}, now);
  if (ended()) return;
  mutable_state().state = StepState::failed;
  mutable_state().message = "cancelled; 'ghostlight start --resume' goes on";
}

v1::StageTrack& Job::track(std::uint32_t number) {
  auto& tracks = mutable_state().tracks;
  const auto at = std::find_if(tracks.begin(), tracks.end(), [&](const v1::StageTrack& one) { return one.number >= number; });
  if (at != tracks.end() && at->number == number) return *at;
  v1::StageTrack made;
  made.number = number;
  return *tracks.insert(at, std::move(made));
}

v1::StageTrack* Job::track_of_file(const std::string& path) {
  for (v1::StageTrack& one : mutable_state().tracks) {
    if (one.file == path) return &one;
  }
  return nullptr;
}

}  // namespace ghost::workflow
