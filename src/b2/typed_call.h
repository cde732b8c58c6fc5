#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "b2/message.h"
#include "b2/service.h"

namespace ghost::b2 {

namespace detail {

/// Has `call` read Ins; one that is none fails it.
template <class In>
void read_messages(const std::shared_ptr<ServerCall>& call, std::function<void(const In&, std::size_t)> message, std::function<void()> end, bool slowly) {
  MessageReader reader;
  reader.manual_credit = slowly;
  reader.end = std::move(end);
  reader.message = [message = std::move(message), weak = std::weak_ptr<ServerCall>(call)](BytesView bytes) {
    const auto in = decode<In>(bytes);
    if (in) return message(*in, bytes.size());
    if (const auto held = weak.lock()) {
      held->fail(in.error().in(std::string(held->context().service) + "/" + std::string(held->context().method) + ": message"));
    }
  };
  call->read(std::move(reader));
}

}  // namespace detail

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

/// What a caller streams to its server: Ins.
template <class In>
class CallerStream {
 public:
  const CallContext& context() const { return call_->context(); }
  bool open() const { return call_ && call_->open(); }
  void on_cancel(std::function<void()> cancelled) { call_->on_cancel(std::move(cancelled)); }
  /// Who gets the caller's messages, and hears that there are no more; neither is called once the call has ended. To be called before
  /// the handler returns. A message that cannot be read fails the call.
  void read(std::function<void(const In&)> message, std::function<void()> end) {
    detail::read_messages<In>(call_, [message = std::move(message)](const In& in, std::size_t) { message(in); }, std::move(end), false);
  }
  /// The same for a reader that is slower than its caller may be: `message` gets the bytes it took on the wire too, and as many go to
  /// release() when it has been used. The caller is held to a window of what is not released.
  void read_slowly(std::function<void(const In&, std::size_t bytes)> message, std::function<void()> end) {
    detail::read_messages<In>(call_, std::move(message), std::move(end), true);
  }
  void release(std::size_t bytes) { call_->release(bytes); }
  /// Ends the call, also while the caller still sends.
  void fail(const Error& error) { call_->fail(error); }

 protected:
  explicit CallerStream(ServerCall call) : call_(std::make_shared<ServerCall>(std::move(call))) {}
  CallerStream(CallerStream&&) noexcept = default;
  CallerStream& operator=(CallerStream&&) noexcept = default;
  ~CallerStream() = default;

  std::shared_ptr<ServerCall> call_;  ///< its reader looks at it while it lives
};

/// A stream of Ins from the caller that one Out answers, at any time. As ServerCall: move-only, on the reactor's thread, and dropped
/// without an answer it fails.
template <class In, class Out>
class UploadStream : public CallerStream<In> {
 public:
  explicit UploadStream(ServerCall call) : CallerStream<In>(std::move(call)) {}

  void finish(const Out& answer) { this->call_->finish(payload(answer)); }
  void answer(const Result<Out>& result) { result ? finish(*result) : this->fail(result.error()); }
};

/// Streams both ways: Ins from the caller, Outs to it, neither bound to the other. As ServerCall: move-only, on the reactor's thread,
/// and dropped before finish() it fails.
template <class In, class Out>
class BidiStream : public CallerStream<In> {
 public:
  explicit BidiStream(ServerCall call) : CallerStream<In>(std::move(call)) {}

  /// False: `message` is queued, but wait for on_ready() before the next.
  bool write(const Out& message) { return this->call_->write(payload(message)); }
  void on_ready(std::function<void()> ready) { this->call_->on_ready(std::move(ready)); }
  /// Ends the call, also while the caller still sends.
  void finish() { this->call_->finish(); }
};

/// A call under way that streams Ins to its server. Dropping it neither ends the stream nor cancels the call.
template <class In>
class ClientStreamCall {
 public:
  ClientStreamCall() = default;
  ClientStreamCall(ClientCall call, std::shared_ptr<std::function<void()>> ready) : call_(std::move(call)), ready_(std::move(ready)) {}

  /// False: `message` is queued, or of no use since the call has ended; wait for on_ready() before the next.
  bool write(const In& message) { return call_.write(payload(message)); }
  /// Rings whenever what was queued has left.
  void on_ready(std::function<void()> ready) {
    if (ready_) *ready_ = std::move(ready);
  }
  /// Nothing more will be written. The answer may come before or after it.
  void finish() { call_.finish(); }
  void cancel() { call_.cancel(); }
  /// Of a call both of whose sides stream, with CallOptions::manual_credit: as ClientCall::release().
  void release(std::size_t bytes) { call_.release(bytes); }

 private:
  ClientCall call_;
  std::shared_ptr<std::function<void()>> ready_;
};

/// One whose answers are a stream too.
template <class In>
using BidiCall = ClientStreamCall<In>;

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
    if (!message_) message_ = std::make_shared<T>();
    // on_message_() and cancel(), which calls on_end(), may be the end of *this.
    const auto message = message_;
    if (auto read = decode(bytes, *message); !read) {
      bad_ = read.error().in(std::string(method_) + ": message");
      const auto call = call_;
      call->cancel();
      return;
    }
    on_message_(*message);
    if (bytes.size() > kKept) *message = T{};
  }
  void on_end(const Status& status) override { on_end_(bad_ ? status : bad_); }

 private:
  static constexpr std::size_t kKept = 4096;  ///< bytes of a message whose memory waits for the next

  std::string_view method_;
  std::shared_ptr<ClientCall> call_;  ///< filled in once the call has started
  OnMessage on_message_;
  OnEnd on_end_;
  std::shared_ptr<T> message_;  ///< the last, overwritten by each: its texts and lists keep their memory
  Status bad_;  ///< why a message could not be read
};

/// A handler of `Base` whose call streams its request: passes on that there is room again.
template <class Base>
class Sending : public Base {
 public:
  template <class... Args>
  explicit Sending(std::shared_ptr<std::function<void()>> ready, Args&&... args) : Base(std::forward<Args>(args)...), ready_(std::move(ready)) {}
  void on_ready() override {
    if (const auto ready = *ready_) ready();  // a copy: it may be given another from within
  }

 private:
  std::shared_ptr<std::function<void()>> ready_;  ///< shared with the ClientStreamCall
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

template <class In, class Out>
ClientStreamCall<In> start_upload(Caller& caller, std::string_view path, std::function<void(Result<Out>)> done, CallOptions options) {
  const std::size_t slash = path.find('/');
  options.streams_request = true;
  const auto ready = std::make_shared<std::function<void()>>();
  ClientCall call = caller.start(path.substr(0, slash), path.substr(slash + 1), {}, options,
                                 std::make_unique<Sending<UnaryHandler<Out>>>(ready, path, std::move(done)));
  return {std::move(call), ready};
}

template <class In, class Out>
BidiCall<In> start_bidi(Caller& caller, std::string_view path, std::function<void(const Out&)> on_message,
                        std::function<void(const Status&)> on_end, CallOptions options) {
  const std::size_t slash = path.find('/');
  options.streams_request = true;
  const auto ready = std::make_shared<std::function<void()>>();
  const auto call = std::make_shared<ClientCall>();
  *call = caller.start(path.substr(0, slash), path.substr(slash + 1), {}, options,
                       std::make_unique<Sending<StreamHandler<Out>>>(ready, path, call, std::move(on_message), std::move(on_end)));
  return {*call, ready};
}

}  // namespace detail
}  // namespace ghost::b2
