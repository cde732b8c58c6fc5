#include "b2/steady_caller.h"

#include <gtest/gtest.h>

#include "b2/channel_pair.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

using test::End;
using test::Pair;
using test::Started;

/// A steady caller whose connections are pairs of channels: the one that is current may be cut or asked to leave.
class SteadyCallerTest : public testing::Test {
 protected:
  void connect() {
    ASSERT_EQ(std::exchange(wanted_, 0), 1) << "a connection is wanted, once";
    pair_ = std::make_unique<Pair>();
    pair_->clock.time = clock_.time;
    pair_->a.leaving = [this] { caller_->disconnected(); };
    caller_->connected(pair_->a.channel);
    pair_->settle();
  }
  /// The bytes under way are lost with the connection; the server hears of it too.
  void cut() {
    const auto gone = std::move(pair_);
    gone->a.output.clear();
    gone->b.output.clear();
    gone->a.channel->lost(Error{Errc::io, "connection reset"});
    gone->b.channel->lost(Error{Errc::io, "connection reset"});
    gone->b.service.held.clear();
    caller_->disconnected();
  }
  void pass(Duration span) {
    clock_.time += span;
    if (pair_) pair_->clock.time = clock_.time;
    caller_->on_time();
    if (pair_) pair_->settle();
  }
  Started start(std::string_view method, const CallOptions& options = {}) {
    auto started = test::start(*caller_, method, as_bytes("request"), options);
    if (pair_) pair_->settle();
    return started;
  }
  static CallOptions keyed() {
    CallOptions options;
    options.key = IdempotencyKey{1, 2, 3};
    return options;
  }

  test::FakeClock clock_;
  Endpoint endpoint_;
  int wanted_ = 0;
  std::unique_ptr<Pair> pair_;
  std::shared_ptr<SteadyCaller> caller_ = std::make_shared<SteadyCaller>(
      SteadyCaller::Wiring{clock_, endpoint_, "host-b", [this] { ++wanted_; }, [](TimePoint) {}, 1}, RetryRules{});
};

}  // namespace

TEST_F(SteadyCallerTest, ACallWaitsForAConnection) {
  const auto echo = start("Echo");
  EXPECT_FALSE(echo->ended());
  connect();
  EXPECT_EQ(as_text(echo->messages.at(0)), "request");
}

TEST_F(SteadyCallerTest, WhatWasNotTakenByAServerThatLeavesIsMadeElsewhere) {
  const auto held = start("Hold");
  connect();
  const auto leaving = std::move(pair_);
  leaving->b.channel->drain("restarting");
  const auto unsent = test::start(*caller_, "Echo", as_bytes("request"));  // GOAWAY is under way
  leaving->settle();
  EXPECT_FALSE(unsent->ended() || held->ended());
  connect();
  EXPECT_EQ(as_text(unsent->messages.at(0)), "request") << "its caller saw nothing of the change";
  EXPECT_EQ(endpoint_.counters.retried, 1u);
  leaving->b.service.held.at(0).finish(Payload(as_bytes("done")));
  leaving->settle();
  EXPECT_EQ(as_text(held->messages.at(0)), "done") << "an open call ends where it was made";
  leaving->b.service.held.clear();
}

TEST_F(SteadyCallerTest, OnlyWhatDoesNoHarmIsSentAgain) {
  CallOptions idempotent;
  idempotent.idempotent = true;
  const auto plain = start("Hold");
  const auto twice = start("Hold", idempotent);
  const auto once = start("Hold", keyed());
  connect();
  cut();
  EXPECT_EQ(plain->code(), Errc::unknown);
  EXPECT_FALSE(twice->ended() || once->ended());
  connect();
  ASSERT_EQ(pair_->b.service.held.size(), 2u);
  for (ServerCall& call : pair_->b.service.held) call.finish(Payload(as_bytes("done")));
  pair_->settle();
  EXPECT_FALSE(twice->messages.empty() || once->messages.empty());
  pair_->b.service.held.clear();
}

TEST_F(SteadyCallerTest, ARestartedServerIsNotAskedToDoItAgain) {
  const auto once = start("Hold", keyed());
  connect();
  cut();
  wanted_ = 0;
  auto other = std::make_unique<Pair>(ChannelLimits{}, 0, 8);
  caller_->connected(other->a.channel);
  other->settle();
  EXPECT_TRUE(other->b.service.held.empty());
  ASSERT_TRUE(once->ended());
  EXPECT_EQ(once->code(), Errc::unknown);
  EXPECT_NE(once->text().find("has restarted"), std::string::npos) << once->text();
}

TEST_F(SteadyCallerTest, ACallWithAKeyIsNotSentAgainAfterThirtySeconds) {
  CallOptions options = keyed();
  options.timeout = 2min;
  const auto once = start("Hold", options);
  connect();
  cut();
  caller_->failed(Error{Errc::busy, "host-b: connection refused"});
  pass(29s);
  EXPECT_FALSE(once->ended());
  pass(1s);
  EXPECT_EQ(once->code(), Errc::unknown) << "the server forgets its answers in time";
}

TEST_F(SteadyCallerTest, DialsWithGrowingPausesUntilTheDeadline) {
  CallOptions options;
  options.timeout = 10s;
  const auto echo = start("Echo", options);
  int dials = 0;
  for (int ms = 0; ms < 10'000 && !echo->ended(); ++ms) {
    if (std::exchange(wanted_, 0) != 0) {
      ++dials;
      caller_->failed(Error{Errc::busy, "host-b: connection refused"});
    }
    pass(1ms);
  }
  EXPECT_EQ(echo->code(), Errc::timed_out);
  EXPECT_NE(echo->text().find("connection refused"), std::string::npos) << echo->text();
  EXPECT_GE(dials, 8);
  EXPECT_LE(dials, 20);
}

TEST_F(SteadyCallerTest, WhatAnotherTryWouldNotMendIsToldAtOnce) {
  const auto echo = start("Echo");
  caller_->failed(Error{Errc::unauthenticated, "host-b: no member of the house"});
  EXPECT_EQ(echo->code(), Errc::unauthenticated);
}

TEST_F(SteadyCallerTest, AStreamGoesOnWhereNothingWasHeardOfIt) {
  CallOptions idempotent;
  idempotent.idempotent = true;
  const auto begun = test::start(*caller_, "Count", test::count_request(3, 10), idempotent);
  connect();
  EXPECT_EQ(begun->messages.size(), 3u);
  const auto writing = test::start_streaming(*caller_, "Collect");
  auto call = writing.call;
  EXPECT_TRUE(call.write(Payload(as_bytes("one"))));
  pair_->settle();
  cut();
  EXPECT_EQ(writing->code(), Errc::unknown);
}

TEST_F(SteadyCallerTest, MessagesWrittenBeforeThereIsAConnectionGoByIt) {
  const auto collect = test::start_streaming(*caller_, "Collect");
  auto call = collect.call;
  EXPECT_FALSE(call.write(Payload(as_bytes("one"))));
  EXPECT_FALSE(call.write(Payload(as_bytes("two"))));
  connect();
  EXPECT_EQ(collect->rings, 1) << "there is room";
  call.finish();
  pair_->settle();
  ASSERT_EQ(collect->messages.size(), 1u);
  EXPECT_EQ(ByteReader(collect->messages[0]).u32(), 2u);
}

TEST_F(SteadyCallerTest, CancellingAndClosingEndWhatWaits) {
  const auto first = start("Echo");
  const auto second = start("Echo");
  auto call = first.call;
  call.cancel();
  EXPECT_EQ(first->code(), Errc::cancelled);
  caller_->close(Error{Errc::cancelled, "the test ends"});
  EXPECT_EQ(second->code(), Errc::cancelled);
  EXPECT_EQ(start("Echo")->code(), Errc::cancelled);
  EXPECT_EQ(caller_->open_calls(), 0u);
}

}  // namespace ghost::b2
