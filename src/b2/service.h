#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "b2/identity.h"
#include "b2/payload.h"
#include "b2/trace.h"

namespace ghost::b2 {

enum class MethodKind : std::uint8_t { unary, server_stream, client_stream, bidirectional };

struct MethodInfo {
  std::string_view name;   ///< "Describe"
  MethodKind kind;
  std::string_view needs;  ///< "public", "" (a member), or a role
  bool on_loop;            ///< short: runs on the reactor's thread
  bool idempotent;         ///< may be sent again when the connection broke
};

struct ServiceInfo {
  std::string_view name;     ///< "b2.v1.Core"
  std::string_view version;  ///< of the interface: the package's last part, "v1"
  std::span<const MethodInfo> methods;
  BytesView file_descriptor_set;  ///< google.protobuf.FileDescriptorSet of its file and all it imports
};

/// Whether the caller sends a stream of messages after CALL instead of one request.
constexpr bool takes_stream(MethodKind kind) { return kind == MethodKind::client_stream || kind == MethodKind::bidirectional; }
/// Whether the callee answers with a stream of messages.
constexpr bool gives_stream(MethodKind kind) { return kind == MethodKind::server_stream || kind == MethodKind::bidirectional; }

/// Names one call through all its repetitions (docs/spec/b2.md §5): 16 random bytes.
using IdempotencyKey = std::array<std::uint8_t, 16>;
IdempotencyKey random_key();

using Metadata = std::vector<std::pair<std::string, std::string>>;
/// A traced call with this metadata gets kHop of everyone it went by: "SPAN PARENT MICROSECONDS STATUS NAME" (docs/spec/b2.md §5).
inline constexpr std::string_view kWantsHops = "b2-hops", kHop = "b2-hop";

/// What a handler may know of a call.
struct CallContext {
  std::shared_ptr<const Identity> caller;
  TimePoint deadline = TimePoint::max();
  std::string_view service, method;
  Metadata metadata;
  /// The span of this call, made here, when its caller sent a trace along: what the handler calls gets it as CallOptions::trace.
  std::optional<TraceContext> trace = {};
  std::shared_ptr<const std::atomic<bool>> cancelled;  ///< for handlers on the worker pool; null on the loop
  /// Keying material of the connection the call came by (RFC 8446 §7.5); unsupported off TLS. On the loop only.
  std::function<Result<Bytes>(std::string_view label, std::size_t length)> export_key;
};

/// Gets the messages of a caller's stream. Neither is called once the call was answered, cancelled or has run out of time.
struct MessageReader {
  std::function<void(BytesView message)> message;  ///< valid during the call
  std::function<void()> end;                       ///< once: the caller sends nothing more
  /// The reader gives stream credit back itself, by ServerCall::release(), when it has used the bytes it got: back-pressure.
  bool manual_credit = false;
};

/// Where the answers of calls go: a channel, or an HTTP request. Calls are named by a key of its own choosing; one that has ended
/// is ignored. On the reactor's thread only.
class CallSink {
 public:
  virtual ~CallSink() = default;
  /// Queues a message of a stream; false when no more should be written until on_ready rings.
  virtual bool write(std::uint64_t key, const Payload& message) = 0;
  virtual void finish(std::uint64_t key, const Payload& last) = 0;
  virtual void fail(std::uint64_t key, const Error& error) = 0;
  /// Metadata to go with the end of the call, where it fits.
  virtual void tell(std::uint64_t /*key*/, const Metadata& /*metadata*/) {}
  virtual void on_ready(std::uint64_t key, std::function<void()> ready) = 0;
  virtual void on_cancel(std::uint64_t key, std::function<void()> cancelled) = 0;
  /// Runs `work` on the worker pool and `then`, with what it returned, back on the loop. `cancelled` turns true when the call ends.
  virtual void run_on_worker(std::uint64_t key, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>> cancelled)> work) = 0;
  /// For methods that take a stream; a sink whose calls never do leaves these two as they are.
  virtual void read(std::uint64_t /*key*/, MessageReader /*reader*/) {}
  virtual void release(std::uint64_t /*key*/, std::size_t /*bytes*/) {}
};

/// A call that came in and wants an answer. Move-only; one that is dropped without an answer fails with Errc::io, so that no
/// caller waits for ever. On the reactor's thread only.
class ServerCall {
 public:
  ServerCall(std::shared_ptr<CallSink> sink, std::uint64_t key, CallContext&& context)
      : sink_(std::move(sink)), key_(key), context_(std::move(context)) {}
  ServerCall(ServerCall&&) noexcept = default;
  ServerCall& operator=(ServerCall&& other) noexcept;
  ~ServerCall() {
    if (sink_) fail_unanswered();
  }

  const CallContext& context() const { return context_; }
  /// One message of a server stream. False: it is queued, but wait for on_ready() before the next.
  bool write(const Payload& message) { return sink_ != nullptr && sink_->write(key_, message); }
  void on_ready(std::function<void()> ready) {
    if (sink_) sink_->on_ready(key_, std::move(ready));
  }
  /// Metadata for the caller, beside the end of the call; left out where it does not fit into one frame with it.
  void tell(const Metadata& metadata) {
    if (sink_) sink_->tell(key_, metadata);
  }
  /// Rings once if the caller cancels, its deadline passes or its connection ends, before an answer was given.
  void on_cancel(std::function<void()> cancelled) {
    if (sink_) sink_->on_cancel(key_, std::move(cancelled));
  }
  /// Of a method that takes a stream: who gets its messages. Called by the handler before it returns, since they come after that;
  /// those that nobody reads are dropped.
  void read(MessageReader reader) {
    if (sink_) sink_->read(key_, std::move(reader));
  }
  /// With MessageReader::manual_credit: `bytes` of messages are used up and the caller may send as many again.
  void release(std::size_t bytes) {
    if (sink_) sink_->release(key_, bytes);
  }
  /// The answer of a unary call, or the orderly end of a stream. Like fail(), nothing once an answer was given.
  void finish(const Payload& last = {});
  void fail(const Error& error);
  /// Answers with what `work` returns, which runs on the worker pool.
  void answer_on_worker(std::function<Result<Bytes>(const CallContext&)> work);
  /// False once an answer was given.
  bool open() const { return sink_ != nullptr; }

 private:
  void fail_unanswered();

  std::shared_ptr<CallSink> sink_;
  std::uint64_t key_;
  CallContext context_;
};

/// What generated services implement: one function for all their methods.
class Service {
 public:
  virtual ~Service() = default;
  virtual const ServiceInfo& info() const = 0;
  /// Called on the reactor's thread with an index into info().methods. `request` is valid during the call.
  virtual void handle(std::size_t method, BytesView request, ServerCall call) = 0;
};

/// Gets the events of a call that was made. Destroyed by its owner after on_end().
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  /// A message of a stream, or the answer of a unary call; valid during the call.
  virtual void on_message(BytesView message) = 0;
  /// What the callee told beside the end of the call, which follows.
  virtual void on_metadata(const Metadata& /*metadata*/) {}
  /// After ClientCall::write() was false: what was written has left, and more may be.
  virtual void on_ready() {}
  /// Before on_end(): the connection ended while the call was under way, so that nobody on this side can tell whether it was done.
  virtual void on_cut() {}
  /// Once, last: success, or why not. The message names the peer and the phase.
  virtual void on_end(const Status& status) = 0;
};

/// Keeps the answer of a unary call in `result`, which outlives the call.
class KeepAnswer : public CallHandler {
 public:
  explicit KeepAnswer(std::optional<Result<Bytes>>& result) : result_(result) {}
  void on_message(BytesView message) override { message_ = to_bytes(message); }
  void on_end(const Status& status) override { result_ = status ? Result<Bytes>(std::move(message_)) : Result<Bytes>(status.error()); }

 private:
  std::optional<Result<Bytes>>& result_;
  Bytes message_;
};

struct CallOptions {
  Duration timeout = std::chrono::seconds(30);  ///< Duration::max() for none (a watch)
  Metadata metadata;
  bool idempotent = false;  ///< doing it twice is the same as once: an unanswered call may be made again. Also what HELLO tells of a method
  /// The callee does the call once, however often it is sent with this key within a minute. For methods without streams.
  std::optional<IdempotencyKey> key = {};
  /// The call is meant for this life of the callee only: it was sent before, on a connection with that boot epoch.
  std::optional<std::uint64_t> epoch = {};
  /// The caller's span: CallContext::trace in a handler, TraceContext::begin() where a trace begins.
  std::optional<TraceContext> trace = {};
  /// The handler releases stream credit itself, by ClientCall::release(), when it has used the bytes it got: back-pressure.
  bool manual_credit = false;
  /// The method takes a stream: the request is empty, messages follow by ClientCall::write(). A method that the peer tells to be of
  /// the other sort is refused at once.
  bool streams_request = false;
};

class Caller;

/// A call under way; dropping it does not cancel it. Harmless once the call has ended or the connection is gone.
class ClientCall {
 public:
  ClientCall() = default;
  ClientCall(std::weak_ptr<Caller> caller, std::uint64_t key) : caller_(std::move(caller)), key_(key) {}
  /// Ends the call: on_end() comes with Errc::cancelled, from within, and the server's handler is told.
  void cancel();
  /// With manual_credit: `bytes` of messages are used up and the peer may send as many again.
  void release(std::size_t bytes);
  /// With streams_request: one message more. False: it is queued, or of no use since the call has ended; wait for on_ready() before
  /// the next.
  bool write(const Payload& message);
  /// With streams_request: nothing more will be written. The answer may come before or after it.
  void finish();

 private:
  std::weak_ptr<Caller> caller_;
  std::uint64_t key_ = 0;
};

/// Something calls can be made through: a channel, or a client that keeps one open. On the reactor's thread only.
class Caller {
 public:
  virtual ~Caller() = default;
  /// Starts a call of `service`/`method`; `request` is read at once. The handler hears of every outcome, also of one known at once.
  virtual ClientCall start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                           std::unique_ptr<CallHandler> handler) = 0;
  virtual void cancel(std::uint64_t key) = 0;
  virtual void release(std::uint64_t key, std::size_t bytes) = 0;
  /// The messages of a call that streams its request, and their end. A caller that makes no such calls leaves these as they are.
  virtual bool write_request(std::uint64_t /*key*/, const Payload& /*message*/) { return false; }
  virtual void finish_request(std::uint64_t /*key*/) {}
};

}  // namespace ghost::b2
