#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audiojuggler/api.h"
#include "audiojuggler/job_runner_service.h"
#include "audiojuggler/jobs.h"
#include "b2/workers.h"
#include "net/reactor.h"

namespace ghost::audiojuggler {

/// audiojuggler.v1.Jobs: the table is on the reactor's thread, the work on others. Told to end, it cancels what runs: a grab goes on when it is asked
/// for again.
class JobsService : public v1::JobsService {
 public:
  /// @param program  "audiojuggler 0.1.0", for the record of a grab
  JobsService(net::Reactor& reactor, std::string program);
  ~JobsService() override;

  Result<v1::Job> grab(const v1::GrabRequest& request, const b2::CallContext& context) override;
  Result<v1::Job> convert(const v1::ConvertRequest& request, const b2::CallContext& context) override;
  Result<v1::Job> verify(const v1::VerifyRequest& request, const b2::CallContext& context) override;
  Result<v1::ListResponse> list(const v1::ListRequest& request, const b2::CallContext& context) override;
  void watch(v1::WatchRequest request, b2::ServerStream<v1::Job> stream) override;
  Result<v1::CancelResponse> cancel(const v1::CancelRequest& request, const b2::CallContext& context) override;

  /// Cancels all work and waits for its threads. On the reactor's thread, while that still takes posted work.
  void stop();

 private:
  using Cancelled = std::shared_ptr<std::atomic<bool>>;  ///< shared with the thread that does the work
  using Work = std::function<Status(const ChangeJob& change, const std::atomic<bool>& cancelled)>;
  struct Watcher {
    std::uint64_t job;
    b2::ServerStream<v1::Job> stream;
    std::uint64_t told = 0;      ///< number of the state told last
    TimePoint told_at{};
    bool full = false;           ///< its queue is; on_ready will ring
  };

  Result<v1::Job> start(JobKind kind, const std::string& source, const std::string& into, Work work);
  ChangeJob change_of(std::uint64_t id);
  void end(std::uint64_t id, const Status& outcome);
  void tell_watchers();
  /// False when the watcher is done with.
  bool tell(Watcher& watcher);

  net::Reactor& reactor_;
  std::string program_;
  JobTable table_;
  std::map<std::uint64_t, Cancelled> running_;
  std::vector<std::shared_ptr<Watcher>> watchers_;  ///< shared with the callbacks of their streams
  net::Timer timer_;
  bool armed_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< gone when posted work must not touch this
  std::unique_ptr<b2::Workers> workers_;                    ///< last, so that it ends first
};

}  // namespace ghost::audiojuggler
