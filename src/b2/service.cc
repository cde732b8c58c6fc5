#include "b2/service.h"

#include <cstring>

#include "base/random.h"

namespace ghost::b2 {

Payload::Payload(BytesView bytes)
    : size(bytes.size()), self(bytes.data()), write([](const void* from, std::size_t count, std::uint8_t* at) {
        std::memcpy(at, from, count);
      }) {}

IdempotencyKey random_key() {
  IdempotencyKey key;
  random_bytes(key);
  return key;
}

void ServerCall::fail_unanswered() {
  const std::string method = std::string(context_.service) + "/" + std::string(context_.method);
  fail({Errc::io, method + ": its handler ended without an answer"});
}

ServerCall& ServerCall::operator=(ServerCall&& other) noexcept {
  if (this != &other) {
    if (sink_) fail_unanswered();
    sink_ = std::move(other.sink_);
    key_ = other.key_;
    context_ = std::move(other.context_);
  }
  return *this;
}

void ServerCall::finish(const Payload& last) {
  if (const auto sink = std::move(sink_)) sink->finish(key_, last);
}

void ServerCall::fail(const Error& error) {
  if (const auto sink = std::move(sink_)) sink->fail(key_, error);
}

void ServerCall::answer_on_worker(std::function<Result<Bytes>(const CallContext&)> work) {
  const auto sink = std::move(sink_);
  if (!sink) return;
  CallContext context = context_;
  context.export_key = [](std::string_view, std::size_t) -> Result<Bytes> {
    return Error{Errc::unsupported, "keying material can be exported on the loop only, and this handler runs on a worker"};
  };
  sink->run_on_worker(key_, [work = std::move(work), context = std::move(context)](std::shared_ptr<const std::atomic<bool>> cancelled) mutable {
    context.cancelled = std::move(cancelled);
    return work(context);
  });
}

void ClientCall::cancel() {
  if (const auto caller = caller_.lock()) caller->cancel(key_);
}

void ClientCall::release(std::size_t bytes) {
  if (const auto caller = caller_.lock()) caller->release(key_, bytes);
}

bool ClientCall::write(const Payload& message) {
  const auto caller = caller_.lock();
  return caller && caller->write_request(key_, message);
}

void ClientCall::finish() {
  if (const auto caller = caller_.lock()) caller->finish_request(key_);
}

}  // namespace ghost::b2
