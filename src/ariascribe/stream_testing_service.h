#pragma once
#include <gtest/gtest.h>

#include "b2/message.h"
#include "b2/typed_call.h"

namespace ghost::ariascribe {

/// The other end of a stream of Ts; `room` of them, then it is full until empty().
template <class T>
class StreamEnd : public b2::CallSink {
 public:
  bool write(std::uint64_t, const b2::Payload& message) override {
    Bytes bytes(message.size);
    message.write_to(bytes.data());
    auto decoded = b2::decode<T>(bytes);
    EXPECT_TRUE(decoded);
    if (decoded) got.push_back(std::move(*decoded));
    return ++unread < room;
  }
  void finish(std::uint64_t, const b2::Payload&) override { finished = true; }
  void fail(std::uint64_t, const Error& error) override { failed = error; }
  void on_ready(std::uint64_t, std::function<void()> callback) override { ready = std::move(callback); }
  void on_cancel(std::uint64_t, std::function<void()> callback) override { cancel = std::move(callback); }
  void run_on_worker(std::uint64_t, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)>) override {}
  void read(std::uint64_t, b2::MessageReader given) override { reader = std::move(given); }
  void release(std::uint64_t, std::size_t bytes) override { released += bytes; }
  void empty() {
    unread = 0;
    if (ready) ready();
  }
  bool ended() const { return finished || failed; }

  std::vector<T> got;
  std::size_t room = 1000, unread = 0, released = 0;
  bool finished = false;
  std::optional<Error> failed;
  std::function<void()> ready, cancel;
  b2::MessageReader reader;
};

}  // namespace ghost::ariascribe
