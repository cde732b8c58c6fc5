#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "b2/message.h"
#include "b2/service.h"

namespace ghost::b2 {

/// A unary call that wants a T. As ServerCall: move-only, on the reactor's thread, and dropped without an answer it fails.
template <class T>
class UnaryCall {
 public:
  explicit UnaryCall(ServerCall call) : call_(std::move(call)) {}

  const CallContext& context() const { return call_.context(); }
  bool open() const { return call_.open(); }
  void on_cancel(std::function<void()> cancelled) { call_.on_cancel(std::move(cancelled)); }
  void finish(const T& answer) { call_.finish(payload(answer)); }
  void fail(const Error& error) { call_.fail(error); }
  void answer(const Result<T>& result) { result ? finish(*result) : fail(result.error()); }
  /// Answers with what `work` returns, which runs on the worker pool.
  void answer_on_worker(std::function<Result<T>(const CallContext&)> work) {
    call_.answer_on_worker([work = std::move(work)](const CallContext& context) -> Result<Bytes> {
      const Result<T> result = work(context);
      if (!result) return result.error();
      return encode(*result);
    });
  }

 private:
  ServerCall call_;
};

/// A server stream of Ts. As ServerCall: move-only, on the reactor's thread, and dropped before finish() it fails.
template <class T>
class ServerStream {
 public:
  explicit ServerStream(ServerCall call) : call_(std::move(call)) {}

  const CallContext& context() const { return call_.context(); }
  bool open() const { return call_.open(); }
  void on_cancel(std::function<void()> cancelled) { call_.on_cancel(std::move(cancelled)); }
  /// False: `message` is queued, but wait for on_ready() before the next.
  bool write(const T& message) { return call_.write(payload(message)); }
  void on_ready(std::function<void()> ready) { call_.on_ready(std::move(ready)); }
  void finish() { call_.finish(); }
  void fail(const Error& error) { call_.fail(error); }

 private:
  ServerCall call_;
};

/// For calls that last: a watch has no deadline unless its caller sets one.
inline CallOptions without_timeout() {
  CallOptions options;
  options.timeout = Duration::max();
  return options;
}

namespace detail {

/// The request, or nothing after `call` was failed with what is wrong with it.
template <class T>
std::optional<T> read_request(BytesView bytes, ServerCall& call) {
  auto request = decode<T>(bytes);
  if (request) return std::move(*request);
  call.fail(request.error().in(std::string(call.context().service) + "/" + std::string(call.context().method) + ": request"));
  return std::nullopt;
}

template <class T>
class UnaryHandler : public CallHandler {
 public:
  using Done = std::function<void(Result<T>)>;
  UnaryHandler(std::string_view method, Done done) : method_(method), done_(std::move(done)) {}

  void on_message(BytesView message) override { answer_ = decode<T>(message); }
  void on_end(const Status& status) override {
    if (!status) return done_(status.error());
    // An answer without a byte is a message whose fields all have their defaults.
    if (!answer_) return done_(T{});
    if (!*answer_) return done_(answer_->error().in(std::string(method_) + ": answer"));
    done_(std::move(*answer_));
  }

 private:
  std::string_view method_;
  Done done_;
  std::optional<Result<T>> answer_;
};

template <class T>
class StreamHandler : public CallHandler {
 public:
  using OnMessage = std::function<void(const T&)>;
  using OnEnd = std::function<void(const Status&)>;
  StreamHandler(std::string_view method, std::shared_ptr<ClientCall> call, OnMessage on_message, OnEnd on_end)
      : method_(method), call_(std::move(call)), on_message_(std::move(on_message)), on_end_(std::move(on_end)) {}

  void on_message(BytesView bytes) override {
    if (!bad_) return;
    auto message = decode<T>(bytes);
    if (message) return on_message_(*message);
    bad_ = message.error().in(std::string(method_) + ": message");
    // cancel() calls on_end(), which may be the end of *this.
    const auto call = call_;
    call->cancel();
  }
  void on_end(const Status& status) override { on_end_(bad_ ? status : bad_); }

 private:
  std::string_view method_;
  std::shared_ptr<ClientCall> call_;  ///< filled in once the call has started
  OnMessage on_message_;
  OnEnd on_end_;
  Status bad_;  ///< why a message could not be read
};

/// `path` is "service/method" as a literal: handlers keep a view of it.
template <class T>
ClientCall start_unary(Caller& caller, std::string_view path, const Payload& request, std::function<void(Result<T>)> done, const CallOptions& options) {
  const std::size_t slash = path.find('/');
  return caller.start(path.substr(0, slash), path.substr(slash + 1), request, options, std::make_unique<UnaryHandler<T>>(path, std::move(done)));
}

template <class T>
ClientCall start_stream(Caller& caller, std::string_view path, const Payload& request, std::function<void(const T&)> on_message,
                        std::function<void(const Status&)> on_end, const CallOptions& options) {
  const std::size_t slash = path.find('/');
  auto call = std::make_shared<ClientCall>();
  *call = caller.start(path.substr(0, slash), path.substr(slash + 1), request, options,
                       std::make_unique<StreamHandler<T>>(path, call, std::move(on_message), std::move(on_end)));
  return *call;
}

}  // namespace detail
}  // namespace ghost::b2
