#include "b2/reply_cache.h"

#include <gtest/gtest.h>

#include "b2/channel_pair.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

/// Notes what it is told.
struct Hearing : CallSink {
  bool write(std::uint64_t, const Payload&) override { return false; }
  void finish(std::uint64_t number, const Payload& last) override {
    Bytes bytes(last.size);
    last.write_to(bytes.data());
    heard.push_back(std::to_string(number) + " " + std::string(as_text(bytes)));
  }
  void fail(std::uint64_t number, const Error& error) override { heard.push_back(std::to_string(number) + " failed " + std::string(name(error.code))); }
  void on_ready(std::uint64_t, std::function<void()>) override {}
  void on_cancel(std::uint64_t, std::function<void()>) override {}
  void run_on_worker(std::uint64_t, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)>) override {}

  std::vector<std::string> heard;
};

using Heard = std::vector<std::string>;

class ReplyCacheTest : public testing::Test {
 protected:
  ReplyCacheTest() {
    member_.kind = Identity::Kind::member;
    member_.node.bytes[0] = 1;
    other_.kind = Identity::Kind::member;
    other_.node.bytes[0] = 2;
  }

  ReplyCache::Asked asked(const Identity& caller, std::uint8_t key, std::string_view request = "request") const {
    IdempotencyKey name{};
    name[15] = key;
    return {caller, name, sha256(as_bytes(request)), deadline_, clock_};
  }
  /// What take() decides; a first one is remembered in call_.
  ReplyCache::Taken take(const ReplyCache::Asked& asked, std::uint64_t number) {
    const auto decision = cache_->take(asked, {sink_, number});
    EXPECT_TRUE(decision) << decision.error().message;
    if (decision->taken == ReplyCache::Taken::answered) cache_->answer(asked, {sink_, number});
    else call_ = decision->call;
    return decision->taken;
  }
  void answer(std::string_view text) { call_->finish(0, Payload(as_bytes(text))); }

  using enum ReplyCache::Taken;
  test::FakeClock clock_;
  TimePoint deadline_ = TimePoint::max();
  Endpoint endpoint_;
  std::unique_ptr<ReplyCache> cache_ = std::make_unique<ReplyCache>(endpoint_);
  Identity member_, other_;
  std::shared_ptr<Hearing> sink_ = std::make_shared<Hearing>();
  std::shared_ptr<KeyedCall> call_;
};

}  // namespace

TEST_F(ReplyCacheTest, WhatWasAnsweredIsAnsweredAgainForAMinute) {
  EXPECT_EQ(take(asked(member_, 1), 1), first);
  answer("done");
  clock_.time += 59s;
  EXPECT_EQ(take(asked(member_, 1), 3), answered);
  EXPECT_EQ(sink_->heard, (Heard{"1 done", "3 done"}));
  EXPECT_EQ(cache_->replayed(), 1u);
  clock_.time += 1s;
  EXPECT_EQ(take(asked(member_, 1), 5), first) << "after the minute its key is free";
  EXPECT_EQ(cache_->kept_bytes(), 0u);
}

TEST_F(ReplyCacheTest, AFailureIsAnAnswerToo) {
  take(asked(member_, 1), 1);
  call_->fail(0, Error{Errc::conflict, "no"});
  EXPECT_EQ(take(asked(member_, 1), 3), answered);
  EXPECT_EQ(sink_->heard, (Heard{"1 failed conflict", "3 failed conflict"}));
}

TEST_F(ReplyCacheTest, ACallThatWasNotDoneLeavesItsKeyFree) {
  take(asked(member_, 1), 1);
  call_->fail(0, Error{Errc::busy, "its child starts"});
  EXPECT_EQ(cache_->kept(), 0u);
  EXPECT_EQ(take(asked(member_, 1), 3), first);
}

TEST_F(ReplyCacheTest, ARepetitionJoinsTheCallThatIsUnderWay) {
  take(asked(member_, 1), 1);
  EXPECT_EQ(take(asked(member_, 1), 3), running);
  answer("done");
  EXPECT_EQ(sink_->heard, (Heard{"1 done", "3 done"}));
}

TEST_F(ReplyCacheTest, AnotherCallUnderTheSameKeyIsRefused) {
  take(asked(member_, 1, "a"), 1);
  const auto decision = cache_->take(asked(member_, 1, "b"), {sink_, 3});
  ASSERT_FALSE(decision);
  EXPECT_EQ(decision.error().code, Errc::conflict);
}

TEST_F(ReplyCacheTest, NobodyReadsAnothersAnswer) {
  take(asked(member_, 1), 1);
  answer("mine");
  EXPECT_EQ(take(asked(other_, 1), 3), first);
  answer("theirs");
  EXPECT_EQ(sink_->heard, (Heard{"1 mine", "3 theirs"}));

  Identity stranger;
  stranger.where = "127.0.0.1:4711";
  Identity elsewhere = stranger;
  elsewhere.where = "10.0.0.9:4711";
  Identity console;
  console.kind = Identity::Kind::console;
  console.where = stranger.where;
  EXPECT_NE(ReplyCache::peer_of(stranger), ReplyCache::peer_of(elsewhere));
  EXPECT_NE(ReplyCache::peer_of(stranger), ReplyCache::peer_of(console));
  Identity later = stranger;
  later.where = "127.0.0.1:4712";
  EXPECT_EQ(ReplyCache::peer_of(stranger), ReplyCache::peer_of(later)) << "another connection of the same host";
}

TEST_F(ReplyCacheTest, ALostConnectionDoesNotEndTheCall) {
  bool told = false;
  take(asked(member_, 1), 1);
  call_->on_cancel(0, [&] { told = true; });
  call_->lose({sink_, 1});
  EXPECT_FALSE(told);
  EXPECT_EQ(take(asked(member_, 1), 2), running) << "who comes back joins it";
  answer("done");
  EXPECT_EQ(sink_->heard, (Heard{"2 done"}));
}

TEST_F(ReplyCacheTest, ACallNobodyComesBackForEndsAtItsDeadlineAndAtLatestAfterAMinute) {
  for (const Duration timeout : {Duration(10s), Duration(1h)}) {
    bool told = false;
    deadline_ = clock_.now() + timeout;
    take(asked(member_, timeout == 10s ? 1 : 2), 1);
    call_->on_cancel(0, [&] { told = true; });
    call_->lose({sink_, 1});
    const Duration ends = std::min(timeout, Duration(60s));
    clock_.time += ends - 1ms;
    cache_->on_time(clock_.now());
    EXPECT_FALSE(told);
    clock_.time += 1ms;
    cache_->on_time(clock_.now());
    EXPECT_TRUE(told);
  }
}

TEST_F(ReplyCacheTest, GivingUpReachesTheHandlerWhenNobodyElseWaits) {
  bool told = false;
  take(asked(member_, 1), 1);
  call_->on_cancel(0, [&] { told = true; });
  take(asked(member_, 1), 3);
  call_->give_up({sink_, 1}, Errc::cancelled);
  EXPECT_FALSE(told) << "another waits for it";
  EXPECT_EQ(sink_->heard, (Heard{"1 failed cancelled"}));
  call_->give_up({sink_, 3}, Errc::cancelled);
  EXPECT_TRUE(told);
  EXPECT_EQ(sink_->heard.size(), 1u) << "its place is taken until the handler has ended";
  call_->fail(0, Error{Errc::cancelled, ""});
  EXPECT_EQ(sink_->heard.back(), "3 failed cancelled");
}

TEST_F(ReplyCacheTest, WhoeverSendsACallAgainHearsThatItsDeadlinePassedAndNotThatItWasCancelled) {
  deadline_ = clock_.now() + 1s;
  take(asked(member_, 1), 1);
  call_->on_cancel(0, [] {});
  call_->lose({sink_, 1});
  clock_.time += 1s;
  EXPECT_EQ(take(asked(member_, 1), 2), running) << "its handler has been told, and has not ended";
  call_->fail(0, Error{Errc::cancelled, "the caller gave up"});
  EXPECT_EQ(sink_->heard.back(), "2 failed timed_out");
  EXPECT_EQ(take(asked(member_, 1), 3), answered);
  EXPECT_EQ(sink_->heard.back(), "3 failed timed_out");
}

TEST_F(ReplyCacheTest, ForgetsNothingForAsLongAsTheProcessStoodStill) {
  const auto run_for = [this](Duration span) {
    for (const TimePoint end = clock_.time + span; clock_.time < end;) cache_->on_tick(clock_.time += ReplyCache::kTick);
  };
  cache_->on_tick(clock_.now());
  take(asked(member_, 1), 1);
  answer("done");
  run_for(20s);
  clock_.time += 300s;  // stopped, with a repeat of the call in its socket
  EXPECT_EQ(take(asked(member_, 1), 2), answered);
  run_for(36s);
  EXPECT_EQ(take(asked(member_, 1), 3), answered);
  run_for(6s);
  EXPECT_EQ(take(asked(member_, 1), 4), first) << "a minute of its own time is over";
}

TEST_F(ReplyCacheTest, BeyondItsLimitsCallsAreRefusedAndNoneIsForgottenEarly) {
  ReplyLimits limits;
  limits.peer_calls = 3;
  limits.answer_bytes = 10;
  limits.peer_bytes = 15;
  limits.peer_abandoned = 1;
  cache_ = std::make_unique<ReplyCache>(endpoint_, limits);
  take(asked(member_, 1), 1);
  answer("0123456789");
  take(asked(member_, 2), 3);
  answer("0123456789");
  take(asked(member_, 3), 5);
  answer("0123456789a");
  EXPECT_EQ(cache_->kept_bytes(), 10u);
  const auto refused = cache_->take(asked(member_, 4), {sink_, 7});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exhausted);
  sink_->heard.clear();
  for (std::uint8_t key = 1; key <= 3; ++key) EXPECT_EQ(take(asked(member_, key), key), answered);
  EXPECT_EQ(sink_->heard, (Heard{"1 0123456789", "2 failed data_loss", "3 failed data_loss"})) << "that it was done is known all the same";

  EXPECT_EQ(take(asked(other_, 1), 9), first) << "another peer has room";
  call_->lose({sink_, 9});
  EXPECT_FALSE(cache_->take(asked(other_, 2), {sink_, 11})) << "calls without a connection are few";
  EXPECT_EQ(take(asked(other_, 1), 13), running);
  EXPECT_EQ(take(asked(other_, 2), 15), first);
}

}  // namespace ghost::b2
