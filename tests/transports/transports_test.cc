// The same bodies over every transport: what b2 promises does not depend on what it goes over.
#include "transport_world.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

class Transports : public OverTransports {};

}  // namespace

TEST_P(Transports, ACallIsAnswered) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  const Bytes large(300'000, 7);
  const auto small = start(stage_.link->channel(), "Echo", as_bytes("hello"));
  const auto big = start(stage_.link->channel(), "Echo", large);
  ASSERT_TRUE(stage_.until_end(small) && stage_.until_end(big));
  EXPECT_EQ(as_text(small->messages.at(0)), "hello");
  EXPECT_EQ(big->messages.at(0), large);
}

TEST_P(Transports, AStreamWaitsForItsReaderAndLosesNothing) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  CallOptions options;
  options.manual_credit = true;
  options.timeout = Duration::max();
  auto stream = start(stage_.link->channel(), "Count", count_request(3000, 1000), options);
  // The reader uses nothing: the writer stops within a window. Another call shows when things have settled.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stage_.until_end(start(stage_.link->channel(), "Echo", as_bytes("x"))));
  EXPECT_LE(stream->bytes, 128u * 1024);
  EXPECT_LT(stage_.service.written, 200u);
  std::size_t released = 0;
  ASSERT_TRUE(transport_->until([&] {
    while (released < stream->messages.size()) stream.call.release(stream->messages[released++].size());
    return stream->ended();
  }));
  ASSERT_EQ(stream->messages.size(), 3000u);
  for (std::uint32_t i = 0; i < 3000; ++i) ASSERT_EQ(ByteReader(stream->messages[i]).u32(), i);
}

TEST_P(Transports, ACallersStreamWaitsForItsReaderAndLosesNothing) {
  stage_.serve_directly();
  stage_.service.read_slowly = true;
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  CallOptions options;
  options.timeout = Duration::max();
  Writer writer{start_streaming(stage_.link->channel(), "Collect", options), 3000, 1000};
  writer.go_on();
  ASSERT_TRUE(transport_->until([&] { return stage_.service.collecting != nullptr; }));
  // The server uses nothing: the writer stops within a window. Another call shows when things have settled.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stage_.until_end(start(stage_.link->channel(), "Echo", as_bytes("x"))));
  auto& reading = *stage_.service.collecting;
  EXPECT_LE(reading.bytes, 128u * 1024);
  EXPECT_LT(writer.written, 300u);
  std::size_t released = 0;
  ASSERT_TRUE(transport_->until([&] {
    while (reading.call.open() && released < reading.messages.size()) reading.call.release(reading.messages[released++].size());
    writer.go_on();
    return writer.call->ended();
  }));
  ASSERT_TRUE(*writer.call->end) << writer.call->text();
  ASSERT_EQ(reading.messages.size(), 3000u);
  for (std::uint32_t i = 0; i < 3000; ++i) ASSERT_EQ(ByteReader(reading.messages[i]).u32(), i);
}

TEST_P(Transports, StreamsOfBothSidesGoOnTogetherAndEndApart) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  CallOptions options;
  options.manual_credit = true;
  options.timeout = Duration::max();
  Writer writer{start_streaming(stage_.link->channel(), "Mirror", options), 3000, 1000};
  // What is not taken back holds the writer, by way of the server.
  ASSERT_TRUE(transport_->until([&] {
    writer.go_on();
    return !writer.call->messages.empty();
  }));
  for (int i = 0; i < 20; ++i) {
    writer.go_on();
    ASSERT_TRUE(stage_.until_end(start(stage_.link->channel(), "Echo", as_bytes("x"))));
  }
  EXPECT_LT(writer.written, 1000u);
  std::size_t released = 0;
  ASSERT_TRUE(transport_->until([&] {
    while (!writer.call->ended() && released < writer.call->messages.size()) writer.call.call.release(writer.call->messages[released++].size());
    writer.go_on();
    return writer.call->ended();
  }));
  ASSERT_TRUE(*writer.call->end) << writer.call->text();
  ASSERT_EQ(writer.call->messages.size(), 3000u);
  for (std::uint32_t i = 0; i < 3000; ++i) ASSERT_EQ(ByteReader(writer.call->messages[i]).u32(), i);
}

TEST_P(Transports, AServerMayAnswerWhileItsCallerStillSends) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  auto collect = start_streaming(stage_.link->channel(), "Collect");
  const Bytes large(300'000, 7);
  collect.call.write(Payload(as_bytes("enough")));
  for (int i = 0; i < 5; ++i) collect.call.write(Payload(BytesView(large)));
  ASSERT_TRUE(stage_.until_end(collect));
  ASSERT_TRUE(*collect->end) << collect->text();
  EXPECT_FALSE(collect.call.write(Payload(BytesView(large)))) << "of no use any more";
  collect.call.finish();
  const auto next = start(stage_.link->channel(), "Echo", large);
  ASSERT_TRUE(stage_.until_end(next));
  EXPECT_EQ(next->messages.at(0), large);
}

TEST_P(Transports, ACallersStreamEndsByDeadlineAndByCancel) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  CallOptions options;
  options.timeout = 300ms;
  auto late = start_streaming(stage_.link->channel(), "Collect", options);
  late.call.write(Payload(as_bytes("one")));
  ASSERT_TRUE(stage_.until_end(late));
  EXPECT_EQ(late->code(), Errc::timed_out) << late->text();
  ASSERT_TRUE(transport_->until([&] { return stage_.service.cancelled == 1; })) << "the handler is told";
  auto cancelled = start_streaming(stage_.link->channel(), "Mirror");
  cancelled.call.write(Payload(as_bytes("one")));
  ASSERT_TRUE(transport_->until([&] { return !cancelled->messages.empty(); }));
  cancelled.call.write(Payload(BytesView(Bytes(300'000))));
  cancelled.call.cancel();
  EXPECT_EQ(cancelled->code(), Errc::cancelled);
  ASSERT_TRUE(transport_->until([&] { return stage_.service.cancelled == 2; }));
}

TEST_P(Transports, AHostedServiceTakesStreamsToo) {
  ASSERT_NO_FATAL_FAILURE(stage_.serve_by_child());
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  Writer writer{start_streaming(stage_.link->channel(), "Collect"), 500, 1000};
  ASSERT_TRUE(transport_->until([&] {
    writer.go_on();
    return writer.call->ended();
  }));
  ASSERT_TRUE(*writer.call->end) << writer.call->text();
  EXPECT_EQ(ByteReader(writer.call->messages.at(0)).u32(), 500u);
  auto mirror = start_streaming(stage_.link->channel(), "Mirror");
  mirror.call.write(Payload(as_bytes("ping")));
  ASSERT_TRUE(transport_->until([&] { return !mirror->messages.empty(); }));
  EXPECT_EQ(as_text(mirror->messages.at(0)), "ping");
  mirror.call.finish();
  ASSERT_TRUE(stage_.until_end(mirror));
  EXPECT_TRUE(*mirror->end) << mirror->text();
}

TEST_P(Transports, ADeadlineEndsACall) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  CallOptions options;
  options.timeout = 30ms;
  const auto call = start(stage_.link->channel(), "Hold", {}, options);
  ASSERT_TRUE(stage_.until_end(call));
  EXPECT_EQ(call->code(), Errc::timed_out) << call->text();
  EXPECT_NE(call->text().find("test.v1.Test/Hold"), std::string::npos) << call->text();
  EXPECT_TRUE(transport_->until([&] { return stage_.service.cancelled == 1 || !stage_.service.held.empty(); }));
  EXPECT_TRUE(transport_->until([&] { return stage_.service.cancelled == 1; })) << "the handler is told";
}

TEST_P(Transports, ACancelReachesTheHandler) {
  stage_.serve_directly();
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  auto call = start(stage_.link->channel(), "Hold", {});
  ASSERT_TRUE(transport_->until([&] { return stage_.service.held.size() == 1; }));
  call.call.cancel();
  EXPECT_EQ(call->code(), Errc::cancelled);
  ASSERT_TRUE(transport_->until([&] { return stage_.service.cancelled == 1; }));
  auto stream = start(stage_.link->channel(), "Count", count_request(1'000'000, 1000));
  ASSERT_TRUE(transport_->until([&] { return stream->messages.size() > 10; }));
  stream.call.cancel();
  ASSERT_TRUE(transport_->until([&] { return stage_.service.cancelled == 2; }));
  EXPECT_LT(stage_.service.written, 1'000'000u);
}

TEST_P(Transports, ACrashOfAHostedServiceIsToldAndMended) {
  ASSERT_NO_FATAL_FAILURE(stage_.serve_by_child());
  ASSERT_NO_FATAL_FAILURE(stage_.connect());
  const auto before = start(stage_.link->channel(), "Echo", as_bytes("before"));
  ASSERT_TRUE(stage_.until_end(before));
  EXPECT_EQ(as_text(before->messages.at(0)), "before") << before->text();

  const auto crash = start(stage_.link->channel(), "Crash", {});
  ASSERT_TRUE(stage_.until_end(crash));
  EXPECT_FALSE(*crash->end);
  EXPECT_NE(crash->text().find("SIG"), std::string::npos) << "the caller learns how the service ended: " << crash->text();

  ASSERT_TRUE(transport_->until([&] { return stage_.child().restarts == 1 && stage_.child().state == v1::ChildState::ready; }));
  std::optional<Started> after;
  ASSERT_TRUE(transport_->until([&] {
    if (after && (*after)->ended() && !*(*after)->end) after.reset();  // the word of its return is still under way
    if (!after) after = start(stage_.link->channel(), "Echo", as_bytes("after"));
    return (*after)->ended() && (*after)->end->has_value();
  }));
  EXPECT_EQ(as_text((*after)->messages.at(0)), "after");
}

INSTANTIATE_TEST_SUITE_P(Over, Transports, testing::ValuesIn(all_transports()), [](const auto& over) { return over.param.name; });

TEST(SimulatedTransport, TheSameSeedGivesTheSameRunEventByEvent) {
  const auto events = [](std::uint64_t seed) {
    SimulatedTransport transport(seed);
    Stage stage(transport);
    stage.serve_directly();
    stage.connect();
    const auto stream = start(stage.link->channel(), "Count", count_request(500, 1000));
    EXPECT_TRUE(stage.until_end(stream));
    EXPECT_EQ(stream->messages.size(), 500u);
    return transport.events();
  };
  EXPECT_EQ(events(7), events(7));
}

}  // namespace ghost::b2::test
