#include "b2/steady_caller.h"

#include <algorithm>
#include <utility>

namespace ghost::b2 {

namespace {

/// Why no connection was made, where another try would end the same way.
bool is_lasting(Errc code) {
  return code == Errc::unauthenticated || code == Errc::refused || code == Errc::unsupported || code == Errc::malformed;
}

}  // namespace

/// One sending of a call.
class SteadyCaller::Attempt : public CallHandler {
 public:
  Attempt(std::weak_ptr<SteadyCaller> caller, CallPointer call) : caller_(std::move(caller)), call_(std::move(call)) {}
  void on_message(BytesView message) override {
    call_->heard = true;
    if (!call_->ended) call_->handler->on_message(message);
  }
  void on_metadata(const Metadata& metadata) override {
    if (!call_->ended) call_->handler->on_metadata(metadata);
  }
  void on_ready() override {
    if (!call_->ended) call_->handler->on_ready();
  }
  void on_cut() override { cut_ = true; }
  void on_end(const Status& status) override {
    if (const auto caller = caller_.lock()) caller->on_attempt_end(call_, status, cut_);
  }

 private:
  std::weak_ptr<SteadyCaller> caller_;
  CallPointer call_;
  bool cut_ = false;
};

SteadyCaller::SteadyCaller(Wiring wiring, RetryRules rules) : wiring_(std::move(wiring)), rules_(rules), random_(wiring_.seed) {}

SteadyCaller::~SteadyCaller() {
  const Error gone{Errc::cancelled, wiring_.where + ": the caller is gone"};
  for (const auto& [number, call] : std::exchange(calls_, {})) {
    if (std::exchange(call->ended, true)) continue;
    call->onward.cancel();
    call->handler->on_end(truth(*call, gone));
  }
}

ClientCall SteadyCaller::start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                               std::unique_ptr<CallHandler> handler) {
  auto call = std::make_shared<Call>();
  call->number = ++last_number_;
  call->service = service;
  call->method = method;
  call->request.resize(request.size);
  request.write_to(call->request.data());
  call->options = options;
  call->handler = std::move(handler);
  if (options.timeout != Duration::max()) call->deadline = wiring_.clock.now() + options.timeout;
  calls_[call->number] = call;
  ClientCall told(weak_from_this(), call->number);
  if (closed_) end(call, *closed_);
  else go_on(call);
  return told;
}

SteadyCaller::CallPointer SteadyCaller::find(std::uint64_t number) const {
  const auto found = calls_.find(number);
  return found == calls_.end() ? nullptr : found->second;
}

/// Sends a call that waits, as soon as it may be.
void SteadyCaller::go_on(const CallPointer& call) {
  if (call->deadline != TimePoint::max()) plan(call->deadline);
  if (call->maybe_done) {
    const TimePoint last = call->first_sent + rules_.keyed_within;
    if (wiring_.clock.now() >= last) return end(call, truth(*call, call->last.value_or(Error{Errc::busy, wiring_.where + ": not connected"})));
    plan(last);
  }
  if (!connected()) return want_connection();
  if (call->again_at > wiring_.clock.now()) return plan(call->again_at);
  send(call);
}

void SteadyCaller::send(const CallPointer& call) {
  const TimePoint now = wiring_.clock.now();
  const std::uint64_t epoch = channel_->peer_hello().boot_epoch;
  if (call->maybe_done && !call->options.idempotent && *call->maybe_done != epoch) {
    return end(call, Error{Errc::unknown, call->service + "/" + call->method + " at " + wiring_.where + ": it has restarted since the call was made; whether the call was done cannot be told"});
  }
  CallOptions options = call->options;
  if (call->deadline != TimePoint::max()) options.timeout = std::max<Duration>(call->deadline - now, std::chrono::milliseconds(1));
  if (call->maybe_done && options.key) options.epoch = call->maybe_done;
  if (call->tries++ == 0) call->first_sent = now;
  else ++wiring_.endpoint.counters.retried;
  call->tried_epoch = epoch;
  call->under_way = true;
  const auto channel = channel_;
  ClientCall onward = channel->start(call->service, call->method, Payload(BytesView(call->request)), options, std::make_unique<Attempt>(weak_from_this(), call));
  if (!call->under_way) return;  // it has ended at once
  call->onward = std::move(onward);
  pass_early(call);
}

/// What was written before there was a connection goes first.
void SteadyCaller::pass_early(const CallPointer& call) {
  const bool some = !call->early.empty();
  bool room = true;
  call->early_bytes = 0;
  for (const Bytes& message : std::exchange(call->early, {})) {
    call->wrote = true;
    room = call->onward.write(Payload(BytesView(message)));
  }
  if (call->request_finished) call->onward.finish();
  else if (some && room && !call->ended) call->handler->on_ready();
}

void SteadyCaller::on_attempt_end(const CallPointer& call, const Status& status, bool cut) {
  call->under_way = false;
  call->onward = {};
  if (call->ended) return;
  if (status) return end(call, status);
  const Error& error = status.error();
  const bool harmless = call->options.idempotent || !call->options.key;  // without a key it is Errc::busy only where twice is as once
  if (cut && error.code == Errc::busy && !harmless && !call->maybe_done) call->maybe_done = call->tried_epoch;
  if (error.code != Errc::busy || closed_ || !may_send_again(*call)) return end(call, truth(*call, error));
  call->last = error;
  if (connected()) call->again_at = wiring_.clock.now() + pause(call->tries);
  go_on(call);
}

bool SteadyCaller::may_send_again(const Call& call) const {
  if (call.heard || call.wrote) return false;
  const TimePoint now = wiring_.clock.now();
  return now < call.deadline && (!call.maybe_done || now < call.first_sent + rules_.keyed_within);
}

/// What may be told of a call that ends with `error`: one that may have been done before was not "not taken".
Error SteadyCaller::truth(const Call& call, const Error& error) const {
  const bool tells_nothing = error.code == Errc::busy || error.code == Errc::exhausted || error.code == Errc::cancelled || is_lasting(error.code);
  if (!call.maybe_done || !tells_nothing) return error;
  return {Errc::unknown, error.message + "; whether the call was done before cannot be told"};
}

/// The last of a call. Its handler stays until the attempt that may be calling it has returned.
void SteadyCaller::end(const CallPointer& call, const Status& status) {
  if (std::exchange(call->ended, true)) return;
  calls_.erase(call->number);
  call->handler->on_end(status);
}

void SteadyCaller::connected(std::shared_ptr<Channel> channel) {
  connecting_ = false;
  failures_ = 0;
  channel_ = std::move(channel);
  const auto self = shared_from_this();
  for (const auto& [number, call] : std::map(calls_)) {
    if (!call->under_way && !call->ended && connected()) go_on(call);
  }
}

void SteadyCaller::failed(const Error& why) {
  connecting_ = false;
  const auto self = shared_from_this();
  dial_at_ = wiring_.clock.now() + pause(++failures_);
  bool waiting = false;
  for (const auto& [number, call] : std::map(calls_)) {
    if (call->under_way || call->ended) continue;
    if (!rules_.patient || is_lasting(why.code)) {
      end(call, truth(*call, why));
    } else {
      call->last = why;
      waiting = true;
    }
  }
  if (waiting) plan(dial_at_);
}

void SteadyCaller::disconnected() {
  channel_.reset();
  const bool waiting = std::any_of(calls_.begin(), calls_.end(), [](const auto& one) { return !one.second->under_way; });
  if (waiting) want_connection();
}

void SteadyCaller::want_connection() {
  if (connecting_ || closed_) return;
  if (dial_at_ > wiring_.clock.now()) return plan(dial_at_);
  connecting_ = true;
  wiring_.connect();
}

void SteadyCaller::on_time() {
  const auto self = shared_from_this();
  const TimePoint now = wiring_.clock.now();
  for (const auto& [number, call] : std::map(calls_)) {
    if (call->under_way || call->ended) continue;
    if (call->deadline <= now) {
      const std::string why = call->last ? call->last->message : wiring_.where + ": not connected";
      end(call, Error{Errc::timed_out, "no answer within the deadline; " + why});
    } else {
      go_on(call);
    }
  }
}

TimePoint SteadyCaller::next_wakeup() const {
  TimePoint when = TimePoint::max();
  for (const auto& [number, call] : calls_) {
    if (call->under_way) continue;
    when = std::min(when, call->deadline);
    if (call->maybe_done) when = std::min(when, call->first_sent + rules_.keyed_within);
    if (connected()) when = std::min(when, call->again_at);
    else if (!connecting_ && !closed_) when = std::min(when, dial_at_);
  }
  return when;
}

void SteadyCaller::close(const Error& why) {
  closed_ = why;
  const auto self = shared_from_this();
  for (const auto& [number, call] : std::map(calls_)) {
    if (!call->under_way) end(call, truth(*call, why));
  }
}

/// Half of it is chance, so that those who lost the same server do not come back together.
Duration SteadyCaller::pause(unsigned tries) {
  const unsigned doublings = std::min(tries == 0 ? 0 : tries - 1, 16u);
  const double span = std::min(std::chrono::duration<double>(rules_.first_pause).count() * static_cast<double>(1u << doublings),
                               std::chrono::duration<double>(rules_.longest_pause).count());
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(span * (0.5 + random_.unit() / 2)));
}

void SteadyCaller::plan(TimePoint when) {
  if (wiring_.wake) wiring_.wake(when);
}

void SteadyCaller::cancel(std::uint64_t key) {
  const auto call = find(key);
  if (!call) return;
  if (call->under_way) return ClientCall(call->onward).cancel();
  end(call, truth(*call, Error{Errc::cancelled, "cancelled by the caller"}));
}

void SteadyCaller::release(std::uint64_t key, std::size_t bytes) {
  if (const auto call = find(key)) call->onward.release(bytes);
}

bool SteadyCaller::write_request(std::uint64_t key, const Payload& message) {
  const auto call = find(key);
  if (!call || call->request_finished) return false;
  if (call->under_way) {
    call->wrote = true;
    return call->onward.write(message);
  }
  if (call->early_bytes + message.size > kMaxWaiting) {
    end(call, Error{Errc::exhausted, wiring_.where + ": the caller wrote 64 MiB while there was no connection"});
    return false;
  }
  Bytes& kept = call->early.emplace_back(message.size);
  message.write_to(kept.data());
  call->early_bytes += message.size;
  return false;
}

void SteadyCaller::finish_request(std::uint64_t key) {
  const auto call = find(key);
  if (!call) return;
  call->request_finished = true;
  if (call->under_way) call->onward.finish();
}

}  // namespace ghost::b2
