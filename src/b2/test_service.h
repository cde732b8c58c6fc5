#pragma once
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "b2/service.h"

/// Services and callers for tests, without a schema: messages are plain bytes.
namespace ghost::b2::test {

inline constexpr MethodInfo kMethods[] = {
    {"Echo", MethodKind::unary, "public", true, true},            // answers with the request
    {"Count", MethodKind::server_stream, "public", true, false},  // u32 n, u32 size: n messages of that size, as fast as it may
    {"Hold", MethodKind::unary, "public", true, false},           // keeps the call until the test answers it
    {"Secret", MethodKind::unary, "admin", true, false},          // for those with the role
    {"Work", MethodKind::unary, "public", false, false},          // echo, by way of the worker pool
    {"Collect", MethodKind::client_stream, "public", true, false},  // answers u32 messages, u64 bytes; at once to a message "enough"
    {"Mirror", MethodKind::bidirectional, "public", true, false},   // each message comes back; "stop" ends the call before its stream does
};

class TestService : public Service {
 public:
  const ServiceInfo& info() const override { return info_; }

  void handle(std::size_t method, BytesView request, ServerCall call) override {
    const std::string_view name = kMethods[method].name;
    if (name == "Echo" || name == "Secret") return call.finish(Payload(request));
    if (name == "Hold") return hold(std::move(call));
    if (name == "Work") {
      return call.answer_on_worker([request = to_bytes(request)](const CallContext&) -> Result<Bytes> { return request; });
    }
    if (name == "Collect") return collect(std::move(call));
    if (name == "Mirror") return mirror(std::move(call));
    ByteReader in(request);
    const std::uint32_t count = in.u32();
    auto counting = std::make_shared<Counting>(Counting{std::move(call), count, 0, Bytes(in.u32())});
    counting->call.on_cancel([this, counting] {
      ++cancelled;
      counting->left = 0;
      counting->call.fail(Error{Errc::cancelled, "the caller gave up"});
    });
    counting->call.on_ready([this, counting] { go_on(*counting); });
    go_on(*counting);
  }

  std::vector<ServerCall> held;
  int cancelled = 0;
  std::uint64_t written = 0;  ///< messages of Count

  /// A caller's stream that is read.
  struct Collecting {
    ServerCall call;
    std::vector<Bytes> messages;
    std::uint64_t bytes = 0;
    bool ended = false;  ///< the caller's END has come
    bool gone = false;   ///< cancelled, late, or its connection ended
  };
  bool read_slowly = false;  ///< Collect releases no credit: the test does
  std::shared_ptr<Collecting> collecting;  ///< the last Collect, so that a test can look at it or answer it

 private:
  struct Counting {
    ServerCall call;
    std::uint32_t left;
    std::uint32_t next;
    Bytes message;
  };

  void hold(ServerCall call) {
    call.on_cancel([this] { ++cancelled; });
    held.push_back(std::move(call));
  }

  void collect(ServerCall call) {
    const auto now = collecting = std::make_shared<Collecting>(Collecting{std::move(call), {}});
    now->call.on_cancel([this, now] {
      ++cancelled;
      now->gone = true;
      now->call.fail(Error{Errc::cancelled, "the caller gave up"});
    });
    const auto answer = [now] {
      Bytes told;
      ByteWriter(told).u32(static_cast<std::uint32_t>(now->messages.size())).u64(now->bytes);
      now->call.finish(Payload(BytesView(told)));
    };
    MessageReader reader;
    reader.manual_credit = read_slowly;
    reader.message = [now, answer](BytesView message) {
      now->messages.push_back(to_bytes(message));
      now->bytes += message.size();
      if (as_text(message) == "enough") answer();
    };
    reader.end = [now, answer] {
      now->ended = true;
      answer();
    };
    now->call.read(std::move(reader));
  }

  /// What comes back waits for its caller's credit, and only then is more taken of him.
  void mirror(ServerCall call) {
    struct Mirroring {
      ServerCall call;
      std::size_t unreleased = 0;
      bool ended = false;
      bool room = true;
    };
    const auto now = std::make_shared<Mirroring>(Mirroring{std::move(call)});
    now->call.on_cancel([this, now] {
      ++cancelled;
      now->call.fail(Error{Errc::cancelled, "the caller gave up"});
    });
    now->call.on_ready([now] {
      now->room = true;
      now->call.release(std::exchange(now->unreleased, 0));
      if (now->ended) now->call.finish();
    });
    MessageReader reader;
    reader.manual_credit = true;
    reader.message = [now](BytesView message) {
      if (as_text(message) == "stop") return now->call.finish();
      now->unreleased += message.size();
      now->room = now->call.write(Payload(message));
      if (now->room) now->call.release(std::exchange(now->unreleased, 0));
    };
    reader.end = [now] {
      now->ended = true;
      if (now->room) now->call.finish();
    };
    now->call.read(std::move(reader));
  }

  void go_on(Counting& counting) {
    while (counting.left > 0) {
      --counting.left;
      ++written;
      const std::uint32_t number = counting.next++;
      if (!counting.message.empty()) std::memcpy(counting.message.data(), &number, std::min<std::size_t>(4, counting.message.size()));
      if (!counting.call.write(Payload(BytesView(counting.message)))) return;
    }
    if (counting.call.open()) counting.call.finish();
  }

  ServiceInfo info_{"test.v1.Test", "v1", kMethods, {}};
};

/// What came of a call.
struct Outcome {
  std::vector<Bytes> messages;
  std::size_t bytes = 0;
  std::optional<Status> end;
  int rings = 0;  ///< of on_ready
  Metadata metadata;  ///< beside the end
  bool ended() const { return end.has_value(); }
  Errc code() const { return end && !*end ? end->error().code : Errc{}; }
  std::string text() const { return end && !*end ? end->error().message : ""; }
};

class Recorder : public CallHandler {
 public:
  explicit Recorder(std::shared_ptr<Outcome> outcome) : outcome_(std::move(outcome)) {}
  void on_message(BytesView message) override {
    outcome_->bytes += message.size();
    outcome_->messages.push_back(to_bytes(message));
  }
  void on_metadata(const Metadata& metadata) override { outcome_->metadata = metadata; }
  void on_ready() override { ++outcome_->rings; }
  void on_end(const Status& status) override { outcome_->end = status; }

 private:
  std::shared_ptr<Outcome> outcome_;
};

struct Started {
  std::shared_ptr<Outcome> outcome;
  ClientCall call;
  Outcome* operator->() const { return outcome.get(); }
};

inline Started start(Caller& caller, std::string_view method, BytesView request, const CallOptions& options = {}) {
  auto outcome = std::make_shared<Outcome>();
  ClientCall call = caller.start("test.v1.Test", method, Payload(request), options, std::make_unique<Recorder>(outcome));
  return {outcome, call};
}

/// A call that streams its request.
inline Started start_streaming(Caller& caller, std::string_view method, CallOptions options = {}) {
  options.streams_request = true;
  return start(caller, method, {}, options);
}

/// Writes messages of `size` bytes, each beginning with its number, whenever there is room; ends the stream after the last.
struct Writer {
  Started call;
  std::uint32_t count;
  std::size_t size;
  std::uint32_t written = 0;
  int rings_seen = 0;
  bool room = true, finished = false;

  /// As many as there is room for.
  void go_on() {
    if (call->rings != std::exchange(rings_seen, call->rings)) room = true;
    while (room && written < count && !call->ended()) {
      Bytes message(std::max<std::size_t>(size, 4));
      std::memcpy(message.data(), &written, 4);
      ++written;
      room = call.call.write(Payload(BytesView(message)));
    }
    if (written == count && !std::exchange(finished, true)) call.call.finish();
  }
};

inline Bytes count_request(std::uint32_t count, std::uint32_t size) {
  Bytes request;
  ByteWriter(request).u32(count).u32(size);
  return request;
}

}  // namespace ghost::b2::test
