#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "net/epoll.h"

namespace ghost::net::testing {

inline std::unique_ptr<EpollNetwork> make_network(const EpollOptions& options = {}) {
  auto network = EpollNetwork::create(options);
  EXPECT_TRUE(network) << network.error().message;
  return std::move(*network);
}

/// Turns until `done`, or until so long has passed that it will never be.
template <class Done>
bool turn_until(EpollNetwork& network, Done done) {
  const TimePoint limit = TimePoint::clock::now() + std::chrono::seconds(60);
  while (!done() && TimePoint::clock::now() < limit) network.turn(limit);
  return done();
}

/// Keeps what a stream tells it.
class Recorder : public StreamHandler {
 public:
  void on_bytes(BytesView bytes) override { received.append(as_text(bytes)); }
  void on_writable() override { ++writable; }
  void on_closed(const Error& why) override { closed = why; }

  void hold(std::unique_ptr<ByteStream> to) {
    stream = std::move(to);
    stream->set_handler(*this);
  }

  std::unique_ptr<ByteStream> stream;
  std::string received;
  int writable = 0;
  std::optional<Error> closed;
};

/// Two ends of a connection by way of a listener at `at`.
struct Pair {
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connecting> attempt;
  std::unique_ptr<ByteStream> client, server;
};

inline Pair connect_pair(EpollNetwork& network, const Address& at) {
  Pair pair;
  auto listener = network.listen(at, [&](std::unique_ptr<ByteStream> stream) { pair.server = std::move(stream); });
  EXPECT_TRUE(listener) << listener.error().message;
  if (!listener) return pair;
  pair.listener = std::move(*listener);
  pair.attempt = network.connect(pair.listener->address(), std::chrono::seconds(30), [&](auto stream) {
    EXPECT_TRUE(stream) << stream.error().message;
    if (stream) pair.client = std::move(*stream);
  });
  EXPECT_TRUE(turn_until(network, [&] { return pair.client && pair.server; }));
  pair.listener.reset();  // its callback refers to this frame
  return pair;
}

/// A directory of its own for sockets, removed with what is in it.
class SocketDirectory {
 public:
  SocketDirectory() {
    std::string pattern = ::testing::TempDir() + "ghost-net-XXXXXX";
    const char* made = ::mkdtemp(pattern.data());
    EXPECT_NE(made, nullptr);
    if (made != nullptr) path_ = made;
  }
  ~SocketDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace ghost::net::testing
