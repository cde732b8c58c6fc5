#include "ardus/outbox_service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace ghost::ardus {

namespace {

/// Sockets by way, with room for so many datagrams at a time; by some ways nothing can be sent at all.
struct LimitedSockets {
  std::size_t room = 2;
  std::set<std::size_t> unreachable;
  std::vector<std::string> sent = std::vector<std::string>(2);
  int calls = 0;

  std::size_t send(std::size_t way, std::span<const net::Datagram> batch) {
    ++calls;
    if (unreachable.contains(way)) return batch.size();
    const std::size_t taken = std::min(room, batch.size());
    for (const net::Datagram& one : batch.first(taken)) sent[way] += as_text(one.bytes);
    return taken;
  }
};

}  // namespace

TEST(Outbox, WhatFindsNoRoomGoesOutLaterAndNothingTwice) {
  LimitedSockets sockets;
  Outbox outbox([&](std::size_t way, std::span<const net::Datagram> batch) { return sockets.send(way, batch); });
  for (const char* text : {"a", "b", "c", "d", "e"}) outbox.add(1, {{}, {}, as_bytes(text), 0});
  outbox.add(0, {{}, {}, as_bytes("x"), 0});
  outbox.flush();
  EXPECT_EQ(sockets.sent, (std::vector<std::string>{"x", "ab"}));
  EXPECT_FALSE(outbox.empty());
  outbox.flush(), outbox.flush();
  EXPECT_EQ(sockets.sent, (std::vector<std::string>{"x", "abcde"}));
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, AWayByWhichNothingGoesHoldsUpNoOther) {
  LimitedSockets sockets;
  sockets.unreachable = {1};
  Outbox outbox([&](std::size_t way, std::span<const net::Datagram> batch) { return sockets.send(way, batch); });
  outbox.add(0, {{}, {}, as_bytes("x"), 0});
  for (const char* text : {"a", "b", "c"}) outbox.add(1, {{}, {}, as_bytes(text), 0});
  outbox.flush();
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(sockets.calls, 2);
  EXPECT_EQ(sockets.sent, (std::vector<std::string>{"x", ""}));
}

TEST(Outbox, WhatHasFoundNoRoomOftenEnoughIsGivenUp) {
  LimitedSockets sockets;
  sockets.room = 0;
  Outbox outbox([&](std::size_t way, std::span<const net::Datagram> batch) { return sockets.send(way, batch); });
  outbox.add(0, {{}, {}, as_bytes("x"), 0});
  while (!outbox.empty()) outbox.flush();
  EXPECT_EQ(sockets.calls, 20);
  EXPECT_EQ(sockets.sent[0], "");
}

}  // namespace ghost::ardus
