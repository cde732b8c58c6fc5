#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/network.h"
#include "workflow/daemon_link_service.h"
#include "workflow/job.h"

namespace ghost::workflow {

/// What the stage stands on; all of it outlives it.
struct StageParts {
  net::Network& network;
  b2::Endpoint& endpoint;
  Logger log;
  std::filesystem::path state;                                    ///< of the node: the ledger and albums are kept in its folder "stage"
  std::function<std::string(std::string_view program)> socket;    ///< where a daemon answers: "unix:/run/ghostlight/ardus.sock"
  Expectations expected;
  std::vector<std::string> interfaces;                            ///< to distribute on when a request names none
  std::uint32_t receivers = 0;                                    ///< to ask for when a request names none
};

/// ghostlight.v1.Stage: does the main job's steps by asking the four daemons, keeps a ledger of them, and tells who watches. One job
/// at a time. On the reactor's thread only.
class StageService : public v1::StageService {
 public:
  /// Takes up what an earlier process left, to be shown and resumed. Errors name the folder that can't be used.
  static Result<std::unique_ptr<StageService>> open(StageParts parts);
  ~StageService() override;

  /// Whether a job is being done.
  bool busy() const { return job_ && !job_->ended(); }
  /// Ends what is watched: it is told elsewhere.
  void end_watching(const Error& why);

  Result<v1::StartResponse> start(const v1::StartRequest& request, const b2::CallContext& context) override;
  Result<v1::StartResponse> resume(const v1::ResumeRequest& request, const b2::CallContext& context) override;
  Result<v1::CancelResponse> cancel(const v1::CancelRequest& request, const b2::CallContext& context) override;
  void watch(v1::WatchRequest request, b2::ServerStream<v1::StageState> stream) override;

 private:
  struct Watcher {
    b2::ServerStream<v1::StageState> stream;
    bool behind = true;  ///< has not been told the last state
    bool full = false;   ///< waits until its connection takes more
  };
  /// A way to one daemon's service: T is its generated client.
  template <class T>
  void with(DaemonLink& link, StepKind step, std::function<void(T)> use);

  explicit StageService(StageParts parts);
  Status load();
  Result<v1::StartRequest> checked(v1::StartRequest request);
  void go_on();
  void run(StepKind step);
  void grab();
  void convert_folder();
  void watch_grab(std::uint64_t id);
  void describe();
  void commit(const std::string& proposal);
  void distribute();
  void verify();
  void watch_verification(std::uint64_t id);
  void account();
  void look_again();

  void ended(StepKind step, Result<std::string> outcome);
  void skipped(StepKind step, std::string why);
  void keep(std::string_view event, std::optional<StepKind> step);
  void changed();
  void tell();
  void tick();
  TimePoint now() { return parts_.network.reactor().now(); }
  /// False once the step is another, or the try another: news of an old one are not for this.
  bool current(StepKind step, std::uint64_t attempt) const;

  StageParts parts_;
  std::filesystem::path folder_;
  DaemonLink ardus_, ariascribe_, audiojuggler_, portlight_;
  std::optional<Job> job_;
  std::uint64_t attempt_ = 0;  ///< counts steps begun, to tell late news
  std::uint64_t session_ = 0, remote_job_ = 0;  ///< what Cancel names at the daemons; 0 while unknown
  unsigned looks_ = 0;         ///< at the ports, of this step
  b2::ClientCall call_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  bool telling_ = false;
  net::Timer tell_timer_, tick_timer_, look_timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::workflow
