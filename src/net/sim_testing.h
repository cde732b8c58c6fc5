#pragma once
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "net/sim.h"

namespace ghost::net::sim::testing {

/// 10.0.x.y, the x and y of `number`.
inline Address host_address(std::uint32_t number, std::uint16_t port = 0) {
  return Address::ip4({10, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}, port);
}

/// Keeps what a stream tells it, and when.
class Recorder : public StreamHandler {
 public:
  explicit Recorder(const SimWorld& world) : world_(world) {}
  Recorder(const SimWorld& world, std::unique_ptr<ByteStream> to) : world_(world) { hold(std::move(to)); }

  void on_bytes(BytesView bytes) override {
    received.append(as_text(bytes));
    pieces.push_back(bytes.size());
    last_at = world_.now();
  }
  void on_writable() override { ++writable; }
  void on_closed(const Error& why) override {
    closed = why;
    last_at = world_.now();
  }

  void hold(std::unique_ptr<ByteStream> to) {
    stream = std::move(to);
    stream->set_handler(*this);
  }
  void write(std::string_view text) { stream->output().append(as_bytes(text)); }

  std::unique_ptr<ByteStream> stream;
  std::string received;
  std::vector<std::size_t> pieces;
  int writable = 0;
  std::optional<Error> closed;
  TimePoint last_at{};

 private:
  const SimWorld& world_;
};

/// Both ends of a connection.
struct Pair {
  std::unique_ptr<ByteStream> client, server;
};

inline Pair connect_pair(SimWorld& world, Network& client, Network& server, const Address& at) {
  Pair pair;
  auto listener = server.listen(at, [&](std::unique_ptr<ByteStream> stream) { pair.server = std::move(stream); });
  EXPECT_TRUE(listener) << listener.error().message;
  if (!listener) return pair;
  auto attempt = client.connect((*listener)->address(), std::chrono::hours(1), [&](auto stream) {
    EXPECT_TRUE(stream) << stream.error().message;
    if (stream) pair.client = std::move(*stream);
  });
  EXPECT_TRUE(world.run_until([&] { return pair.client && pair.server; }, std::chrono::hours(1)));
  return pair;
}

inline std::unique_ptr<DatagramSocket> open_socket(Network& network, const Address& local, bool share_port = false) {
  auto socket = network.open_datagram({.local = local, .share_port = share_port});
  EXPECT_TRUE(socket) << socket.error().message;
  return socket ? std::move(*socket) : nullptr;
}

inline std::size_t send_to(DatagramSocket& socket, const Address& to, std::string_view text) {
  const Datagram one{.from = {}, .to = to, .bytes = as_bytes(text)};
  return socket.send({&one, 1});
}

/// Keeps what a socket receives: one entry a call, one string a datagram.
struct Inbox {
  explicit Inbox(DatagramSocket& socket) {
    socket.on_datagrams([this](std::span<const Datagram> batch) {
      batches.push_back(batch.size());
      for (const Datagram& each : batch) {
        texts.emplace_back(as_text(each.bytes));
        last = each;
        last.bytes = {};
      }
    });
  }
  std::vector<std::string> texts;
  std::vector<std::size_t> batches;
  Datagram last;
};

}  // namespace ghost::net::sim::testing
