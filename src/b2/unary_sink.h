#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "b2/service.h"

namespace ghost::b2 {

struct Endpoint;

using WorkerToken = std::shared_ptr<std::atomic<bool>>;
using WorkerTask = std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>> cancelled)>;

/// Does `work` on the endpoint's worker pool, at once where it has none, then answers the call `key` with what it returned: of the sink
/// that `sink` gives by then; null when that is gone.
void answer_by_worker(const Endpoint& endpoint, std::function<std::shared_ptr<CallSink>()> sink, std::uint64_t key, WorkerToken token, WorkerTask work);

/// The sink of one call without streams, which stays until its handler has ended. On the reactor's thread only.
class UnarySink : public CallSink, public std::enable_shared_from_this<UnarySink> {
 public:
  /// @param endpoint  whose workers do the call; outlives it
  explicit UnarySink(const Endpoint& endpoint) : endpoint_(endpoint) {}

  bool write(std::uint64_t, const Payload&) override { return false; }
  void on_ready(std::uint64_t, std::function<void()>) override {}
  void on_cancel(std::uint64_t, std::function<void()> cancelled) override { cancelled_ = std::move(cancelled); }
  void run_on_worker(std::uint64_t key, WorkerTask work) override;

 protected:
  /// Tells the handler that nobody waits for its answer; once.
  void cancel_handler();
  /// The handler has answered, so there is nothing to tell it any more.
  void forget_handler() { cancelled_ = nullptr; }

 private:
  const Endpoint& endpoint_;
  std::function<void()> cancelled_;
  WorkerToken token_;  ///< null while no worker has it
};

}  // namespace ghost::b2
