#pragma once
#include <cstring>
#include <functional>
#include <map>
#include <string>
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

inline Bytes count_request(std::uint32_t count, std::uint32_t size) {
  Bytes request;
  ByteWriter(request).u32(count).u32(size);
  return request;
}

}  // namespace ghost::b2::test
