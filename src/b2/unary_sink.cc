#include "b2/unary_sink.h"

#include <utility>

#include "b2/endpoint.h"

namespace ghost::b2 {

void answer_by_worker(const Endpoint& endpoint, std::function<std::shared_ptr<CallSink>()> sink, std::uint64_t key, WorkerToken token, WorkerTask work) {
  auto run = [work = std::move(work), token = std::move(token)] { return work(token); };
  auto then = [sink = std::move(sink), key](Result<Bytes> result) {
    const auto to = sink();
    if (!to) return;
    if (result) to->finish(key, Payload(BytesView(*result)));
    else to->fail(key, result.error());
  };
  if (endpoint.run_on_worker) endpoint.run_on_worker(std::move(run), std::move(then));
  else then(run());
}

void UnarySink::run_on_worker(std::uint64_t key, WorkerTask work) {
  token_ = std::make_shared<std::atomic<bool>>(false);
  answer_by_worker(endpoint_, [self = shared_from_this()] { return self; }, key, token_, std::move(work));
}

void UnarySink::cancel_handler() {
  if (token_) token_->store(true);
  if (const auto cancelled = std::exchange(cancelled_, nullptr)) cancelled();
}

}  // namespace ghost::b2
