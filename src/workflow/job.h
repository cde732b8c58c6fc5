#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ardus/api.h"
#include "ariascribe/api.h"
#include "audiojuggler/api.h"
#include "base/result.h"
#include "base/time.h"
#include "ghostlight/v1/stage.b2.h"
#include "portlight/api.h"

namespace ghost::workflow {

namespace v1 = ghostlight::v1;

enum class StepKind : unsigned char { grab, describe, distribute, verify, account };
inline constexpr std::array kSteps = {StepKind::grab, StepKind::describe, StepKind::distribute, StepKind::verify, StepKind::account};
std::string_view name(StepKind step);

/// What is asked of the last step.
struct Expectations {
  std::vector<std::uint16_t> tcp, udp;  ///< ports of ours that must be confirmed where we listen on them
};

/// One disc's way through the house: grab, describe, distribute, verify, account. Pure: answers of the four systems and the time come
/// in, the step to take next and the state for people come out. Whoever does the steps says how each went by finish() or fail(); the
/// on_…() in between are news of the step that runs.
class Job {
 public:
  /// @param request  source and into are absolute
  Job(std::uint64_t number, v1::StartRequest request, TimePoint now);
  /// As record() gave it, perhaps in another process: a step that ran then is failed, since nobody knows how far it came.
  Job(v1::StageRecord record, TimePoint now);

  const v1::StartRequest& request() const { return record_.request.value(); }
  const v1::StageState& state() const { return record_.state.value(); }
  const v1::StageRecord& record() const { return record_; }
  bool is_folder() const { return is_folder_; }
  /// Its name is the album's.
  void set_folder();

  /// The step to begin; nothing while one runs, after one failed, and at the end.
  std::optional<StepKind> next() const;
  std::optional<StepKind> running() const;
  bool ended() const;

  void begin(StepKind step, TimePoint now);
  void finish(StepKind step, std::string detail, TimePoint now);
  void skip(StepKind step, std::string why);
  void fail(StepKind step, const Error& why, TimePoint now);
  /// A failed or cancelled job goes on with the step it stopped at. conflict when there is nothing to go on with.
  Status resume(TimePoint now);
  void cancel(TimePoint now);
  /// Brings the running times up to date.
  void tick(TimePoint now);

  // Grab, or for a folder its conversion. The last news gives the outcome: what to tell, or why it failed.
  void on_grab(const audiojuggler::v1::Job& job);
  Result<std::string> grabbed(const audiojuggler::v1::Job& job);
  // Describe.
  void on_proposal(const ariascribe::v1::Proposal& proposal);
  std::string described(const ariascribe::v1::CommitResponse& commit);
  // Distribute.
  void on_transfer(const ardus::v1::Transfer& transfer);
  Result<std::string> distributed(const ardus::v1::Transfer& transfer);
  // Verify: compared with the disc; of a folder nothing is compared.
  void on_verification(const audiojuggler::v1::Job& job);
  Result<std::string> verified(const audiojuggler::v1::Job* job);
  // Account.
  Result<std::string> accounted(const portlight::v1::ListResponse& ports, const Expectations& expected);

 private:
  v1::StageState& mutable_state() { return record_.state.value(); }
  v1::Step& step(StepKind kind) { return mutable_state().steps[static_cast<std::size_t>(kind)]; }
  v1::StageTrack& track(std::uint32_t number);
  v1::StageTrack* track_of_file(const std::string& path);

  v1::StageRecord record_;
  TimePoint began_, step_began_;
  double seconds_before_ = 0;  ///< of earlier tries
  bool is_folder_ = false;
};

}  // namespace ghost::workflow
