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
