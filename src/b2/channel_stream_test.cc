// Streams of the caller, and of both sides, over a pair of channels: docs/spec/b2.md §5.
#include <gtest/gtest.h>

#include "b2/channel_pair.h"
#include "base/random.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

struct Told {
  std::uint32_t messages = 0;
  std::uint64_t bytes = 0;
};

/// What Collect answered.
Told told(const Started& call) {
  ByteReader in(call->messages.at(0));
  const std::uint32_t messages = in.u32();
  return {messages, in.u64()};
}

bool well(const Started& call) { return call->ended() && call->end->has_value(); }

}  // namespace

TEST(ClientStream, GivesAllItsMessagesInOrderAndGetsOneAnswer) {
  for (const std::size_t piece : {std::size_t{0}, std::size_t{700}}) {
    Pair pair({}, piece);
    Writer writer{start_streaming(*pair.a.channel, "Collect"), 20'000, 32};
    while (!writer.call->ended()) {
      const std::uint32_t before = writer.written;
      writer.go_on();
      pair.settle();
      ASSERT_TRUE(writer.written != before || writer.call->ended()) << "stalled after " << before;
    }
    ASSERT_TRUE(well(writer.call)) << writer.call->text();
    EXPECT_EQ(told(writer.call).messages, 20'000u);
    EXPECT_EQ(told(writer.call).bytes, 640'000u);
    const auto& messages = pair.b.service.collecting->messages;
    for (std::uint32_t i = 0; i < 20'000; ++i) ASSERT_EQ(ByteReader(messages[i]).u32(), i);
    EXPECT_EQ(pair.a.channel->open_streams() + pair.b.channel->open_streams(), 0u);
  }
}

TEST(ClientStream, WithoutAMessageIsAnsweredToo) {
  Pair pair;
  const auto call = start_streaming(*pair.a.channel, "Collect");
  pair.settle();
  EXPECT_FALSE(call->ended());
  auto handle = call.call;
  handle.finish();
  pair.settle();
  ASSERT_TRUE(well(call)) << call->text();
  EXPECT_EQ(told(call).messages, 0u);
}

TEST(ClientStream, AnEmptyMessageIsAMessageAndItsEndIsNone) {
  Pair pair;
  auto call = start_streaming(*pair.a.channel, "Collect");
  call.call.write({});
  call.call.write(Payload(as_bytes("x")));
  call.call.write({});
  call.call.finish();
  pair.settle();
  ASSERT_TRUE(well(call)) << call->text();
  EXPECT_EQ(told(call).messages, 3u);
  EXPECT_EQ(told(call).bytes, 1u);
}

TEST(ClientStream, MessagesLongerThanEveryWindowArriveWhole) {
  Pair pair({}, 1000);
  auto call = start_streaming(*pair.a.channel, "Collect");
  SeededRandom random(5);
  std::vector<Bytes> sent;
  for (const std::size_t size : {std::size_t{3'000'000}, std::size_t{1}, std::size_t{200'000}}) {
    Bytes message(size);
    for (auto& byte : message) byte = static_cast<std::uint8_t>(random());
    call.call.write(Payload(BytesView(message)));
    sent.push_back(std::move(message));
  }
  call.call.finish();
  pair.settle();
  ASSERT_TRUE(well(call)) << call->text();
  EXPECT_EQ(pair.b.service.collecting->messages, sent);
  pair.b.channel->lost(Error{Errc::io, "gone"});
  EXPECT_EQ(pair.b.endpoint.budget.used(), 0u);
}

TEST(ClientStream, AReaderThatDoesNotReleaseHoldsItsCallerBack) {
  Pair pair;
  pair.b.service.read_slowly = true;
  Writer writer{start_streaming(*pair.a.channel, "Collect"), 10'000, 1000};
  writer.go_on();
  pair.settle();
  EXPECT_FALSE(writer.room);
  EXPECT_LT(writer.written, 100u) << "a window's worth, and one that waits";
  auto& reading = *pair.b.service.collecting;
  EXPECT_LE(reading.bytes, 66'000u) << "a window, and the message that its end cut";
  // Another call is not held up by it.
  const auto other = start(*pair.a.channel, "Echo", as_bytes("x"));
  pair.settle();
  EXPECT_EQ(other->messages.size(), 1u);
  // Released bit by bit, everything comes.
  std::size_t released = 0;
  while (!writer.call->ended()) {
    ASSERT_LT(released, reading.messages.size()) << "stalled after " << released;
    reading.call.release(reading.messages[released++].size());
    pair.settle();
    writer.go_on();
    pair.settle();
  }
  ASSERT_TRUE(well(writer.call)) << writer.call->text();
  EXPECT_EQ(told(writer.call).messages, 10'000u);
}

TEST(ClientStream, LargeMessagesAreHeldBackToo) {
  Pair pair;
  pair.b.service.read_slowly = true;
  Writer writer{start_streaming(*pair.a.channel, "Collect"), 50, 300'000};
  writer.go_on();
  pair.settle();
  auto& reading = *pair.b.service.collecting;
  EXPECT_LE(reading.messages.size(), 3u);
  std::size_t released = 0;
  while (!writer.call->ended()) {
    writer.go_on();
    pair.settle();
    if (writer.call->ended()) break;
    ASSERT_LT(released, reading.messages.size()) << "stalled after " << released;
    reading.call.release(reading.messages[released++].size());
    pair.settle();
  }
  EXPECT_EQ(told(writer.call).messages, 50u);
}

TEST(ClientStream, OnlyAWriterWhoWasTurnedAwayIsToldOfRoom) {
  Pair pair;
  const auto other = start(*pair.a.channel, "Echo", Bytes(1'000'000));  // takes all of the connection's window
  auto call = start_streaming(*pair.a.channel, "Collect");
  EXPECT_EQ(call->rings, 0) << "CALL has left, which is no message of the writer's";
  EXPECT_FALSE(call.call.write(Payload(BytesView(Bytes(100)))));
  pair.settle();
  EXPECT_EQ(call->rings, 1);
  EXPECT_EQ(pair.b.service.collecting->messages.size(), 1u);
}

TEST(ClientStream, AWriterWhoHeedsNoBackPressureLosesHisCallOnly) {
  Pair pair;
  pair.b.service.read_slowly = true;
  auto call = start_streaming(*pair.a.channel, "Collect");
  const Bytes message(4'000'000);
  int written = 0;
  while (!call->ended() && written < 100) {
    call.call.write(Payload(BytesView(message)));
    ++written;
  }
  EXPECT_LT(written, 20);
  EXPECT_EQ(call->code(), Errc::exhausted);
  EXPECT_FALSE(call.call.write(Payload(BytesView(message)))) << "harmless";
  pair.settle();
  EXPECT_FALSE(pair.a.finished || pair.b.finished);
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
}

TEST(ClientStream, AServerMayAnswerWhileItsCallerStillSends) {
  Pair pair;
  Writer writer{start_streaming(*pair.a.channel, "Collect"), 1000, 60'000};
  writer.call.call.write(Payload(as_bytes("enough")));
  for (int i = 0; i < 20; ++i) writer.call.call.write(Payload(BytesView(Bytes(60'000))));
  pair.settle();
  ASSERT_TRUE(well(writer.call)) << writer.call->text();
  EXPECT_EQ(told(writer.call).messages, 1u);
  writer.call.call.finish();
  pair.settle();
  EXPECT_EQ(pair.a.channel->open_streams() + pair.b.channel->open_streams(), 0u);
  // What was under way was skipped, and its credit has come back: the connection is as good as ever.
  const auto next = start(*pair.a.channel, "Echo", Bytes(3'000'000));
  pair.settle();
  EXPECT_TRUE(well(next)) << next->text();
}

TEST(ClientStream, ARefusedStreamIsAnsweredWhileItsCallerStillSends) {
  ChannelLimits limits;
  Pair pair(limits);
  pair.b.endpoint.limits.streams = 0;  // held to less than HELLO told
  auto call = start_streaming(*pair.a.channel, "Collect");
  for (int i = 0; i < 100; ++i) call.call.write(Payload(BytesView(Bytes(10'000))));
  pair.settle();
  EXPECT_EQ(call->code(), Errc::exhausted) << call->text();
  EXPECT_FALSE(pair.b.finished);
  pair.b.endpoint.limits.streams = 256;
  const auto next = start(*pair.a.channel, "Echo", Bytes(1'000'000));
  pair.settle();
  EXPECT_TRUE(well(next)) << next->text();
}

TEST(ClientStream, ACancelInTheMiddleReachesTheHandler) {
  Pair pair;
  auto call = start_streaming(*pair.a.channel, "Collect");
  call.call.write(Payload(as_bytes("one")));
  pair.settle();
  call.call.write(Payload(BytesView(Bytes(300'000))));  // in parts, the last still to come
  pair.carry(pair.a, pair.b);
  call.call.cancel();
  EXPECT_EQ(call->code(), Errc::cancelled);
  pair.settle();
  EXPECT_EQ(pair.b.service.cancelled, 1);
  EXPECT_TRUE(pair.b.service.collecting->gone);
  EXPECT_EQ(pair.b.service.collecting->messages.size(), 1u);
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
  pair.b.channel->lost(Error{Errc::io, "gone"});
  EXPECT_EQ(pair.b.endpoint.budget.used(), 0u);
}

TEST(ClientStream, ADeadlineEndsItOnBothSides) {
  Pair pair;
  CallOptions options;
  options.timeout = 50ms;
  auto call = start_streaming(*pair.a.channel, "Collect", options);
  call.call.write(Payload(as_bytes("one")));
  pair.settle();
  pair.clock.time += 60ms;
  pair.b.channel->on_time();  // the callee's clock is ahead
  EXPECT_EQ(pair.b.service.cancelled, 1);
  call.call.write(Payload(as_bytes("two")));  // crosses the answer
  pair.settle();
  EXPECT_EQ(call->code(), Errc::timed_out);
  EXPECT_EQ(pair.b.service.collecting->messages.size(), 1u);
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
  EXPECT_FALSE(pair.b.finished);
}

TEST(ClientStream, EndsWithItsConnection) {
  Pair pair;
  auto call = start_streaming(*pair.a.channel, "Collect");
  call.call.write(Payload(as_bytes("one")));
  pair.settle();
  pair.b.channel->lost(Error{Errc::io, "host-a: connection reset"});
  pair.a.channel->lost(Error{Errc::io, "host-b: connection reset"});
  EXPECT_EQ(call->code(), Errc::unknown);
  EXPECT_TRUE(pair.b.service.collecting->gone);
  EXPECT_FALSE(call.call.write(Payload(as_bytes("two"))));
  call.call.finish();
}

TEST(ClientStream, IsKeptApartFromCallsOfOneRequest) {
  Pair pair;
  EXPECT_EQ(start_streaming(*pair.a.channel, "Echo")->code(), Errc::unsupported);
  const auto call = start(*pair.a.channel, "Collect", as_bytes("x"));
  EXPECT_EQ(call->code(), Errc::unsupported);
  EXPECT_NE(call->text().find("test.v1.Test/Collect at host-b: it takes a stream of messages"), std::string::npos) << call->text();
  // A peer that sends a request in CALL is told.
  pair.inject({.type = FrameType::call, .stream = 1, .flags = flag::kEnd, .code = 5}, as_bytes("x"));
  EXPECT_EQ(pair.b.service.collecting, nullptr);
  const Bytes answer = pair.b.output.take();
  EXPECT_EQ(read_header(answer.data()).type, FrameType::resp);
  EXPECT_EQ(read_header(answer.data()).code, static_cast<std::uint16_t>(Errc::malformed));
}

TEST(ClientStream, MetadataThatFillsTheWindowLeavesRoomForMessages) {
  ChannelLimits limits;
  limits.frame_bytes = limits.connection_window = limits.stream_window = 4096;
  Pair pair(limits);
  CallOptions options;
  options.metadata = {{"trace", std::string(4080, 'x')}};
  Writer writer{start_streaming(*pair.a.channel, "Collect", options), 20, 3000};
  for (int i = 0; i < 30 && !writer.call->ended(); ++i) {
    writer.go_on();
    pair.settle();
  }
  ASSERT_TRUE(well(writer.call)) << writer.call->text();
  EXPECT_EQ(told(writer.call).messages, 20u);
}

TEST(ClientStream, ManyShortOnesDoNotCountAsAbuse) {
  Pair pair;
  for (int i = 0; i < 3000; ++i) {
    auto call = start_streaming(*pair.a.channel, "Collect");
    call.call.finish();
    pair.settle();
    ASSERT_TRUE(well(call)) << call->text();
  }
}

TEST(ClientStream, DataAfterItsEndEndsTheConnection) {
  Pair pair;
  pair.b.service.read_slowly = true;
  pair.inject({.type = FrameType::call, .stream = 1, .code = 6}, {});
  pair.inject({.type = FrameType::data, .stream = 1}, as_bytes("x"));
  pair.b.output.clear();
  EXPECT_FALSE(pair.b.finished);
  pair.inject({.type = FrameType::call, .stream = 3, .flags = flag::kEnd, .code = 2}, {});  // Hold: open, and its request whole
  pair.inject({.type = FrameType::data, .stream = 3, .flags = flag::kEnd}, as_bytes("y"));
  ASSERT_TRUE(pair.b.finished);
  EXPECT_EQ(pair.b.finished->code, Errc::malformed);
  EXPECT_NE(pair.b.finished->message.find("after its END"), std::string::npos) << pair.b.finished->message;
  pair.b.service.held.clear();
}

TEST(Bidirectional, EachMessageComesBackAndTheEndOfOneSideIsNotThatOfTheOther) {
  for (const std::size_t piece : {std::size_t{0}, std::size_t{300}}) {
    Pair pair({}, piece);
    auto call = start_streaming(*pair.a.channel, "Mirror");
    for (int i = 0; i < 5; ++i) {
      call.call.write(Payload(as_bytes("ping " + std::to_string(i))));
      pair.settle();
      ASSERT_EQ(call->messages.size(), static_cast<std::size_t>(i) + 1) << "comes back while the stream is open";
    }
    call.call.finish();
    pair.settle();
    ASSERT_TRUE(well(call)) << call->text();
    EXPECT_EQ(as_text(call->messages[4]), "ping 4");
    EXPECT_EQ(call->messages.size(), 5u);
  }
}

TEST(Bidirectional, BackPressureGoesThroughTheServerToTheWriter) {
  Pair pair;
  CallOptions options;
  options.manual_credit = true;
  Writer writer{start_streaming(*pair.a.channel, "Mirror", options), 3000, 1000};
  for (int i = 0; i < 50; ++i) {
    writer.go_on();
    pair.settle();
  }
  EXPECT_LT(writer.written, 400u) << "a reader that takes nothing back holds the writer, by way of the server";
  std::size_t released = 0;
  while (!writer.call->ended()) {
    ASSERT_LT(released, writer.call->messages.size()) << "stalled after " << released;
    writer.call.call.release(writer.call->messages[released++].size());
    pair.settle();
    writer.go_on();
    pair.settle();
  }
  ASSERT_TRUE(well(writer.call)) << writer.call->text();
  ASSERT_EQ(writer.call->messages.size(), 3000u);
  for (std::uint32_t i = 0; i < 3000; ++i) ASSERT_EQ(ByteReader(writer.call->messages[i]).u32(), i);
}

TEST(Bidirectional, TheServerMayEndItFirst) {
  Pair pair;
  auto call = start_streaming(*pair.a.channel, "Mirror");
  call.call.write(Payload(as_bytes("one")));
  call.call.write(Payload(as_bytes("stop")));
  call.call.write(Payload(as_bytes("never heard")));
  pair.settle();
  ASSERT_TRUE(well(call)) << call->text();
  EXPECT_EQ(call->messages.size(), 1u);
  EXPECT_EQ(pair.a.channel->open_streams() + pair.b.channel->open_streams(), 0u);
}

TEST(Bidirectional, ACancelInTheMiddleReachesTheHandler) {
  Pair pair;
  auto call = start_streaming(*pair.a.channel, "Mirror");
  call.call.write(Payload(as_bytes("one")));
  pair.settle();
  call.call.cancel();
  EXPECT_EQ(call->code(), Errc::cancelled);
  pair.settle();
  EXPECT_EQ(pair.b.service.cancelled, 1);
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
}

TEST(Bidirectional, RandomSchedulesLoseAndInventNothing) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    ChannelLimits limits;
    if (random.below(2) == 0) limits.frame_bytes = limits.connection_window = limits.stream_window = 4096;
    Pair pair(limits, 1 + random.below(3000));
    CallOptions options;
    options.manual_credit = true;
    std::vector<Writer> writers;
    std::vector<std::size_t> released(3, 0);
    for (int i = 0; i < 3; ++i) {
      const auto count = static_cast<std::uint32_t>(random.below(60));
      writers.push_back({start_streaming(*pair.a.channel, "Mirror", options), count, 4 + random.below(random.below(4) == 0 ? 20'000 : 500)});
    }
    const auto open = [&] { return std::any_of(writers.begin(), writers.end(), [](const Writer& w) { return !w.call->ended(); }); };
    int turns = 0;
    for (; open() && turns < 20'000; ++turns) {
      const std::size_t which = random.below(3);
      Writer& writer = writers[which];
      switch (random.below(4)) {
        case 0: writer.go_on(); break;
        case 1:
          if (released[which] < writer.call->messages.size()) writer.call.call.release(writer.call->messages[released[which]++].size());
          break;
        case 2: pair.carry(pair.a, pair.b); break;
        default: pair.carry(pair.b, pair.a); break;
      }
    }
    ASSERT_LT(turns, 20'000) << "stalled with seed " << seed;
    for (const Writer& writer : writers) {
      ASSERT_TRUE(well(writer.call)) << writer.call->text() << " with seed " << seed;
      ASSERT_EQ(writer.call->messages.size(), writer.count) << "with seed " << seed;
      for (std::uint32_t i = 0; i < writer.count; ++i) {
        ASSERT_EQ(ByteReader(writer.call->messages[i]).u32(), i);
        ASSERT_EQ(writer.call->messages[i].size(), writer.size);
      }
    }
  }
}

}  // namespace ghost::b2::test
