#include "b2/channel.h"

#include <gtest/gtest.h>

#include "b2/channel_pair.h"

namespace ghost::b2 {

using namespace std::chrono_literals;
using test::count_request;
using test::End;
using test::FakeClock;
using test::Pair;
using test::start;

TEST(Channel, BothSidesSayHelloAndKnowEachOther) {
  Pair pair;
  EXPECT_EQ(pair.a.hellos, 1);
  EXPECT_EQ(pair.b.hellos, 1);
  EXPECT_EQ(pair.a.channel->peer_hello().name, "acceptor");
  EXPECT_EQ(pair.b.channel->peer_hello().name, "dialer");
  EXPECT_EQ(pair.a.channel->peer_hello().services.at(0).methods.at(1).name, "Count");
}

TEST(Channel, CallsGoBothWays) {
  Pair pair;
  const auto from_a = start(*pair.a.channel, "Echo", as_bytes("ping"));
  const auto from_b = start(*pair.b.channel, "Echo", as_bytes("pong"));
  pair.settle();
  EXPECT_EQ(as_text(from_a->messages.at(0)), "ping");
  EXPECT_EQ(as_text(from_b->messages.at(0)), "pong");
  EXPECT_TRUE(from_a->ended() && *from_a->end);
  EXPECT_EQ(pair.a.channel->open_streams() + pair.b.channel->open_streams(), 0u);
}

TEST(Channel, WhatIsAnsweredIsWorthSendingBeforeTheRestIsLookedAt) {
  Pair pair;
  std::vector<test::Started> calls;
  const Bytes message(32, 7);
  for (int i = 0; i < 128; ++i) calls.push_back(start(*pair.a.channel, "Echo", message));
  pair.carry(pair.a, pair.b);
  EXPECT_EQ(pair.b.batches, (std::vector<std::size_t>{40 * 48, 80 * 48}));  // of 128; the last few leave with the turn
  pair.settle();
  for (const auto& call : calls) EXPECT_TRUE(call->ended() && *call->end);
}

TEST(Channel, AnEmptyAnswerIsAnAnswer) {
  Pair pair;
  const auto call = start(*pair.a.channel, "Echo", {});
  pair.settle();
  ASSERT_EQ(call->messages.size(), 1u);
  EXPECT_TRUE(call->messages[0].empty());
}

TEST(Channel, AMessageLongerThanEveryWindowArrivesWhole) {
  for (const std::size_t piece : {std::size_t{0}, std::size_t{1000}}) {
    Pair pair({}, piece);
    Bytes large(3'000'000);
    SeededRandom random(3);
    for (auto& byte : large) byte = static_cast<std::uint8_t>(random());
    const auto call = start(*pair.a.channel, "Echo", large);
    pair.settle();
    ASSERT_TRUE(call->ended());
    ASSERT_EQ(call->messages.size(), 1u) << call->text();
    EXPECT_EQ(call->messages[0], large);
    EXPECT_EQ(pair.a.channel->open_streams() + pair.b.channel->open_streams(), 0u);
  }
}

TEST(Channel, ALongMessageWithMetadataGoesThroughSmallFrames) {
  ChannelLimits limits;
  limits.frame_bytes = limits.connection_window = limits.stream_window = 4096;
  Pair pair(limits);
  CallOptions options;
  options.metadata = {{"trace", "x"}};
  const auto call = start(*pair.a.channel, "Echo", Bytes(9000, 1), options);
  pair.settle();
  ASSERT_EQ(call->messages.size(), 1u) << call->text();
  EXPECT_EQ(call->messages[0].size(), 9000u);
}

TEST(Channel, MetadataThatFitsNoFrameOfThePeerIsRefusedAtOnce) {
  ChannelLimits limits;
  limits.frame_bytes = 4096;
  Pair pair(limits);
  CallOptions options;
  options.metadata = {{"trace", std::string(5000, 'x')}};
  EXPECT_EQ(start(*pair.a.channel, "Echo", {}, options)->code(), Errc::exhausted);
}

TEST(Channel, ASideThatSleptGivesItsPeerTimeToAnswerPing) {
  Pair pair;
  pair.clock.time += 1h;
  pair.a.channel->on_time();
  EXPECT_EQ(pair.a.channel->next_wakeup(), pair.clock.time + 10s);
  pair.a.channel->on_time();
  EXPECT_FALSE(pair.a.finished);
  pair.settle();
  pair.clock.time += 10s;
  pair.a.channel->on_time();
  EXPECT_FALSE(pair.a.finished) << "PONG has come";
}

TEST(Channel, AMessageBeyondTheLimitEndsItsStreamOnly) {
  Pair pair;
  const auto call = start(*pair.a.channel, "Echo", Bytes(5'000'000));
  pair.settle();
  EXPECT_EQ(call->code(), Errc::exhausted);
  const auto next = start(*pair.a.channel, "Echo", as_bytes("still here"));
  pair.settle();
  EXPECT_EQ(next->messages.size(), 1u);
  pair.b.channel->lost(Error{Errc::io, "gone"});
  EXPECT_EQ(pair.b.endpoint.budget.used(), 0u) << "what was taken for messages and windows is given back";
}

TEST(Channel, AUsedUpBudgetRefusesTheStreamAndNotTheConnection) {
  Pair pair;
  ASSERT_TRUE(pair.b.endpoint.budget.take(pair.b.endpoint.budget.total() - 100'000));
  const auto call = start(*pair.a.channel, "Echo", Bytes(1'000'000));
  pair.settle();
  EXPECT_EQ(call->code(), Errc::exhausted);
  EXPECT_NE(call->text().find("receive budget"), std::string::npos) << call->text();
  const auto next = start(*pair.a.channel, "Echo", as_bytes("small"));
  pair.settle();
  EXPECT_EQ(next->messages.size(), 1u);
}

TEST(Channel, AStreamGivesAllItsMessagesInOrder) {
  Pair pair({}, 700);
  const auto call = start(*pair.a.channel, "Count", count_request(20'000, 32));
  pair.settle();
  ASSERT_TRUE(call->ended() && *call->end) << call->text();
  ASSERT_EQ(call->messages.size(), 20'000u);
  for (std::uint32_t i = 0; i < 20'000; ++i) ASSERT_EQ(ByteReader(call->messages[i]).u32(), i);
}

TEST(Channel, AnEmptyStreamHasNoMessage) {
  Pair pair;
  const auto call = start(*pair.a.channel, "Count", count_request(0, 0));
  pair.settle();
  EXPECT_TRUE(call->ended() && *call->end);
  EXPECT_TRUE(call->messages.empty());
}

TEST(Channel, CrumbsOfCreditDoNotCutMessagesToCrumbs) {
  ChannelLimits limits;
  limits.connection_window = limits.max_connection_window = 4096;
  Pair pair(limits);
  const auto call = start(*pair.a.channel, "Count", count_request(1, 100'000));
  pair.carry(pair.a, pair.b);
  EXPECT_EQ(pair.b.output.take().size(), kHeaderSize + 4096);
  pair.inject({.type = FrameType::credit, .credit = 100}, {});
  EXPECT_TRUE(pair.b.output.empty());
  pair.inject({.type = FrameType::credit, .credit = 1000}, {});
  EXPECT_EQ(pair.b.output.take().size(), kHeaderSize + 1100);
}

TEST(Channel, AReaderThatDoesNotReleaseHoldsTheWriterBack) {
  Pair pair;
  CallOptions options;
  options.manual_credit = true;
  const auto call = start(*pair.a.channel, "Count", count_request(10'000, 1000), options);
  pair.settle();
  EXPECT_LE(call->bytes, 128u * 1024);
  EXPECT_LT(pair.b.service.written, 200u);
  // Another call is not held up by it.
  const auto other = start(*pair.a.channel, "Echo", as_bytes("x"));
  pair.settle();
  EXPECT_EQ(other->messages.size(), 1u);
  // Released bit by bit, everything comes.
  auto handle = call.call;
  for (int round = 0; round < 100'000 && !call->ended(); ++round) {
    handle.release(1000);
    pair.settle();
  }
  EXPECT_EQ(call->messages.size(), 10'000u);
  EXPECT_TRUE(call->ended() && *call->end);
}

TEST(Channel, LargeMessagesOfAStreamAreHeldBackToo) {
  Pair pair;
  CallOptions options;
  options.manual_credit = true;
  const auto call = start(*pair.a.channel, "Count", count_request(50, 300'000), options);
  pair.settle();
  EXPECT_LE(call->messages.size(), 3u);
  auto handle = call.call;
  std::size_t released = 0;
  while (!call->ended()) {
    ASSERT_LT(released, call->messages.size()) << "stalled after " << released;
    handle.release(call->messages[released++].size());
    pair.settle();
  }
  EXPECT_EQ(call->messages.size(), 50u);
}

TEST(Channel, ADeadlineEndsTheCallOnBothSides) {
  Pair pair;
  CallOptions options;
  options.timeout = 50ms;
  const auto call = start(*pair.a.channel, "Hold", {}, options);
  pair.settle();
  pair.wait(49ms);
  EXPECT_FALSE(call->ended());
  pair.wait(1ms);
  EXPECT_EQ(call->code(), Errc::timed_out);
  EXPECT_EQ(pair.b.service.cancelled, 1);
  EXPECT_EQ(pair.b.channel->open_streams(), 1u) << "the slot is free only when the handler has ended";
  pair.b.service.held.clear();
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
}

TEST(Channel, ACalleeAloneEndsACallWhoseDeadlinePassed) {
  Pair pair;
  CallOptions options;
  options.timeout = 50ms;
  const auto call = start(*pair.a.channel, "Hold", {}, options);
  pair.settle();
  pair.clock.time += 60ms;
  pair.b.channel->on_time();
  pair.settle();
  EXPECT_EQ(call->code(), Errc::timed_out);
  EXPECT_NE(call->text().find("test.v1.Test/Hold at host-b"), std::string::npos) << call->text();
}

TEST(Channel, ACancelReachesTheHandler) {
  Pair pair;
  auto call = start(*pair.a.channel, "Hold", {});
  pair.settle();
  call.call.cancel();
  EXPECT_EQ(call->code(), Errc::cancelled);
  pair.settle();
  EXPECT_EQ(pair.b.service.cancelled, 1);
  pair.b.service.held.at(0).finish();
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
  pair.settle();
}

TEST(Channel, AHandlerThatHasAnsweredIsNotToldOfACancel) {
  Pair pair;
  auto call = start(*pair.a.channel, "Hold", {});
  pair.settle();
  pair.b.service.held.at(0).finish(Payload(BytesView(Bytes(1'000'000))));  // more than goes at once
  ASSERT_EQ(pair.b.channel->open_streams(), 1u);
  call.call.cancel();
  pair.settle();
  EXPECT_EQ(pair.b.service.cancelled, 0);
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
}

TEST(Channel, WorkWhoseConnectionHasEndedIsNotOpen) {
  std::function<void()> work;
  Pair pair;
  pair.b.endpoint.run_on_worker = [&](std::function<Result<Bytes>()> run, std::function<void(Result<Bytes>)> then) {
    work = [run = std::move(run), then = std::move(then)] { then(run()); };
  };
  const auto call = start(*pair.a.channel, "Work", as_bytes("much"));
  pair.settle();
  EXPECT_EQ(pair.b.endpoint.services.find("test.v1.Test", "Work")->counters.open(), 1u);
  pair.b.channel->lost(Error{Errc::io, "host-a: connection reset by peer"});
  EXPECT_EQ(pair.b.endpoint.services.find("test.v1.Test", "Work")->counters.open(), 0u);
  work();
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
}

TEST(Channel, ACallWithAKeyThatWasGivenUpIsNotOpenOnceItsConnectionHasEnded) {
  Pair pair;
  CallOptions options;
  options.key = IdempotencyKey{1};
  auto call = start(*pair.a.channel, "Hold", {}, options);
  pair.settle();
  call.call.cancel();
  pair.settle();
  const auto& counters = pair.b.endpoint.services.find("test.v1.Test", "Hold")->counters;
  EXPECT_EQ(counters.open(), 1u) << "its handler has not ended";
  pair.b.channel->lost(Error{Errc::io, "host-a: connection reset by peer"});
  EXPECT_EQ(counters.open(), 0u);
}

TEST(Channel, ACallDroppedByItsHandlerFails) {
  Pair pair;
  const auto call = start(*pair.a.channel, "Hold", {});
  pair.settle();
  pair.b.service.held.clear();
  pair.settle();
  EXPECT_EQ(call->code(), Errc::io);
}

TEST(Channel, AStrangerIsToldWhatItMayNot) {
  Pair pair;
  const auto refused = start(*pair.a.channel, "Secret", {});
  pair.settle();
  EXPECT_EQ(refused->code(), Errc::unauthenticated) << refused->text();
  auto admin = std::make_shared<Identity>(*pair.b.identity);
  admin->kind = Identity::Kind::owner;
  admin->roles = Roles::all();
  pair.b.channel->set_peer(admin);
  const auto allowed = start(*pair.a.channel, "Secret", {});
  pair.settle();
  EXPECT_TRUE(allowed->ended() && *allowed->end);
}

TEST(Channel, MoreCallsThanAllowedAreRefusedBeforeTheyAreSent) {
  ChannelLimits limits;
  limits.streams = 3;
  Pair pair(limits);
  for (int i = 0; i < 3; ++i) start(*pair.a.channel, "Hold", {});
  EXPECT_EQ(start(*pair.a.channel, "Hold", {})->code(), Errc::exhausted);
  pair.settle();
  // One that sends it all the same is refused by the callee.
  pair.inject({.type = FrameType::call, .stream = 99, .flags = flag::kEnd, .code = 2}, {});
  EXPECT_EQ(pair.b.service.held.size(), 3u);
  EXPECT_FALSE(pair.b.finished);
}

TEST(Channel, APeerMayBeHeldToLimitsOfItsOwn) {
  FakeClock clock;
  ChannelLimits wide;
  wide.streams = 9999;
  wide.stream_window = 5000;
  End end(Side::dialer, clock, "host-b", {});
  const auto channel = std::make_shared<Channel>(
      Side::dialer, Channel::Wiring{end.endpoint, clock, end.output, end, end.identity, {}, &wide});
  channel->open();
  Bytes sent = end.output.take();
  const BytesView frame = BytesView(sent).subspan(kPreface.size());
  const auto hello = decode<v1::Hello>(frame.subspan(kHeaderSize, read_header(frame.data()).length));
  ASSERT_TRUE(hello && hello->limits);
  EXPECT_EQ(hello->limits->streams, 9999u);
  EXPECT_EQ(hello->limits->stream_window, 5000u);
  EXPECT_EQ(hello->limits->message_bytes, wide.message_bytes);
  channel->lost(Error{Errc::aborted, "the test is over"});
}

TEST(Channel, CancelsFreeNoSlotSoARapidResetIsAnsweredByDesign) {
  Pair pair;
  for (std::uint32_t i = 0; i < 2000 && !pair.b.finished; ++i) {
    const std::uint32_t stream = 1 + 2 * i;
    pair.inject({.type = FrameType::call, .stream = stream, .flags = flag::kEnd, .code = 2}, {});
    pair.inject({.type = FrameType::cancel, .stream = stream}, {});
  }
  EXPECT_EQ(pair.b.service.held.size(), 256u) << "handlers that never end bound what a caller can start";
  ASSERT_TRUE(pair.b.finished);
  EXPECT_EQ(pair.b.finished->code, Errc::exhausted);
}

TEST(Channel, ALostConnectionEndsEveryCallWithWhatIsKnown) {
  Pair pair;
  const auto held = start(*pair.a.channel, "Hold", {});
  CallOptions idempotent;
  idempotent.idempotent = true;
  const auto again = start(*pair.a.channel, "Hold", {}, idempotent);
  pair.settle();
  pair.a.channel->lost(Error{Errc::io, "host-b: connection reset"});
  EXPECT_EQ(held->code(), Errc::unknown);
  EXPECT_EQ(again->code(), Errc::busy);
  EXPECT_NE(held->text().find("whether the call was done cannot be told"), std::string::npos);
  EXPECT_EQ(start(*pair.a.channel, "Echo", {})->code(), Errc::busy);
  pair.b.channel->lost(Error{Errc::io, "host-a: connection reset"});
  EXPECT_EQ(pair.b.service.cancelled, 2);
  pair.b.service.held.clear();
}

TEST(Channel, GoingAwayLetsOpenCallsEnd) {
  Pair pair;
  const auto held = start(*pair.a.channel, "Hold", {});
  pair.settle();
  pair.b.channel->go_away({});
  pair.settle();
  EXPECT_EQ(start(*pair.a.channel, "Echo", {})->code(), Errc::busy);
  EXPECT_FALSE(pair.b.finished);
  pair.b.service.held.at(0).finish(Payload(as_bytes("done")));
  pair.settle();
  EXPECT_EQ(as_text(held->messages.at(0)), "done");
  EXPECT_TRUE(pair.b.finished);
}

TEST(Channel, DrainingEndsStreamsAtOnceAndLetsOtherCallsEnd) {
  Pair pair;
  CallOptions slow;
  slow.manual_credit = true;
  const auto held = start(*pair.a.channel, "Hold", {});
  const auto counting = start(*pair.a.channel, "Count", count_request(100000, 1000), slow);
  pair.settle();
  ASSERT_FALSE(counting->ended());
  bool open_when_told = false;
  pair.a.leaving = [&] { open_when_told = !counting->ended(); };
  pair.b.channel->drain("the test is shutting down");
  pair.settle();
  EXPECT_TRUE(pair.a.left && open_when_told) << "GOAWAY comes before the streams' ends: who calls again goes elsewhere";
  EXPECT_EQ(counting->code(), Errc::busy);
  EXPECT_NE(counting->text().find("the test is shutting down"), std::string::npos) << counting->text();
  EXPECT_FALSE(pair.a.channel->takes_calls());
  EXPECT_FALSE(held->ended() || pair.b.finished);
  pair.b.service.held.at(0).finish(Payload(as_bytes("done")));
  pair.settle();
  EXPECT_EQ(as_text(held->messages.at(0)), "done");
  EXPECT_TRUE(pair.b.finished);
  EXPECT_EQ(pair.b.endpoint.counters.refused_total(), 0u);
}

TEST(Channel, ATraceReachesTheHandlerWithASpanOfItsOwn) {
  Pair pair;
  CallOptions options;
  options.trace = TraceContext::begin();
  const auto traced = start(*pair.a.channel, "Hold", {}, options);
  const auto plain = start(*pair.a.channel, "Hold", {});
  pair.settle();
  const auto& trace = pair.b.service.held.at(0).context().trace;
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->trace, options.trace->trace);
  EXPECT_NE(trace->span, options.trace->span) << "what the handler calls is a child of this call, not its sibling";
  EXPECT_EQ(trace->flags, options.trace->flags);
  EXPECT_FALSE(pair.b.service.held.at(1).context().trace);
  pair.b.service.held.clear();
}

TEST(Channel, WhoAsksForHopsIsToldOfThemWithTheEndWhateverItIs) {
  Pair pair;
  CallOptions options;
  options.trace = TraceContext::begin();
  options.metadata = {{std::string(kWantsHops), "1"}};
  const auto answered = start(*pair.a.channel, "Hold", {}, options);
  const auto failed = start(*pair.a.channel, "Hold", {}, options);
  const auto stream = start(*pair.a.channel, "Count", count_request(3, 10), options);
  options.metadata.clear();
  const auto unasked = start(*pair.a.channel, "Echo", {}, options);
  pair.settle();
  const std::string span = pair.b.service.held.at(0).context().trace->span_text();
  pair.b.service.held.at(0).finish(Payload(as_bytes("done")));
  pair.b.service.held.at(1).fail(Error{Errc::not_found, "none"});
  pair.settle();
  ASSERT_EQ(answered->metadata.size(), 1u);
  EXPECT_EQ(answered->metadata[0].first, kHop);
  EXPECT_EQ(answered->metadata[0].second.find(span + " " + options.trace->span_text() + " "), 0u) << answered->metadata[0].second;
  EXPECT_EQ(as_text(answered->messages.at(0)), "done");
  EXPECT_EQ(failed->code(), Errc::not_found);
  EXPECT_NE(failed->text().find("none"), std::string::npos);
  ASSERT_EQ(failed->metadata.size(), 1u);
  EXPECT_NE(failed->metadata[0].second.find(" 5 acceptor"), std::string::npos) << failed->metadata[0].second;
  EXPECT_EQ(stream->messages.size(), 3u);
  EXPECT_EQ(stream->metadata.size(), 1u);
  EXPECT_TRUE(unasked->metadata.empty());
  pair.b.service.held.clear();
}

TEST(Channel, MetadataThatWouldHoldUpTheEndIsLeftOut) {
  Pair pair;
  const auto held = start(*pair.a.channel, "Hold", {});
  pair.settle();
  pair.b.service.held.at(0).tell({{"note", "small"}});
  const Bytes large(200'000, 7);
  pair.b.service.held.at(0).finish(Payload(BytesView(large)));
  pair.settle();
  EXPECT_EQ(held->messages.at(0), large);
  EXPECT_TRUE(held->metadata.empty());
  pair.b.service.held.clear();
}

TEST(Channel, AFailedCallIsToldOfWithItsTrace) {
  Pair pair;
  std::vector<std::string> told;
  pair.b.endpoint.call_failed = [&](const FailedCall& call) {
    told.push_back(std::string(call.method) + " " + std::string(name(call.status)) + " " + std::string(call.why) + " " + (call.trace ? call.trace->trace_text() : "-"));
  };
  CallOptions options;
  options.trace = TraceContext::begin();
  const auto traced = start(*pair.a.channel, "Hold", {}, options);
  auto given_up = start(*pair.a.channel, "Hold", {});
  pair.settle();
  pair.b.service.held.at(0).fail(Error{Errc::io, "disk"});
  given_up.call.cancel();
  pair.settle();
  pair.b.service.held.clear();
  EXPECT_EQ(told, std::vector<std::string>{"Hold io disk " + options.trace->trace_text()});
}

TEST(Compressed, MessagesOfEitherSideAreWhereItPays) {
  Pair pair;
  pair.a.endpoint.compress = pair.b.endpoint.compress = Compress::always;
  Bytes text;
  while (text.size() < 100'000) {
    const std::string line = "movement " + std::to_string(text.size()) + ", allegro\n";
    text.insert(text.end(), line.begin(), line.end());
  }
  const auto echo = start(*pair.a.channel, "Echo", text);
  pair.settle();
  EXPECT_EQ(echo->messages.at(0), text);
  EXPECT_LT(pair.b.endpoint.counters.bytes_in, 60'000u);
  EXPECT_LT(pair.a.endpoint.counters.bytes_in, 60'000u);
  EXPECT_GT(pair.a.endpoint.counters.bytes_saved, 40'000u);

  auto collect = test::start_streaming(*pair.a.channel, "Collect");
  for (int i = 0; i < 5; ++i) collect.call.write(Payload(BytesView(text)));
  collect.call.finish();
  pair.settle();
  ByteReader counted(collect->messages.at(0));
  EXPECT_EQ(counted.u32(), 5u);
  EXPECT_EQ(counted.u64(), 5 * text.size());
  EXPECT_EQ(pair.a.channel->open_streams() + pair.b.channel->open_streams(), 0u);
}

TEST(Compressed, AReaderHoldsItsWriterBackByWhatCameNotByWhatItBecame) {
  Pair pair;
  pair.b.endpoint.compress = Compress::always;
  CallOptions options;
  options.manual_credit = true;
  const auto count = start(*pair.a.channel, "Count", count_request(50'000, 2000), options);  // some 25 bytes each, as they come
  pair.settle();
  ASSERT_FALSE(count->ended()) << "who reads nothing gets no more than a window";
  const std::size_t first = count->messages.size();
  EXPECT_LT(first, 10'000u);
  auto call = count.call;
  for (std::size_t used = 0; used < count->messages.size(); ++used) {
    call.release(count->messages[used].size());
    if (used % 100 == 0 || used + 1 == count->messages.size()) pair.settle();
  }
  EXPECT_TRUE(count->ended());
  ASSERT_EQ(count->messages.size(), 50'000u);
  for (std::uint32_t i = 0; i < 50'000; ++i) ASSERT_EQ(ByteReader(count->messages[i]).u32(), i);
}

TEST(Compressed, BombsAndGarbageEndTheCallAndNotTheConnection) {
  Pair pair;
  const Bytes bomb = from_hex("28b52ffda440420f005400001000000100fbff39c00202001000020010000200100002001000020010000200100003120a00ccaeca39").value();  // a million zeros
  const auto answer = [&] {
    const Bytes said = pair.b.output.take();
    for (BytesView left = said; left.size() >= kHeaderSize; left = left.subspan(read_header(left.data()).total())) {
      if (read_header(left.data()).type == FrameType::resp) return static_cast<int>(read_header(left.data()).code);
    }
    return -1;
  };
  const auto answer_to = [&](std::uint32_t stream, std::uint8_t flags, BytesView payload) {
    pair.inject({.type = FrameType::call, .stream = stream, .flags = flags}, payload);
    return answer();
  };
  constexpr std::uint8_t kWhole = flag::kEnd | flag::kCompressed;
  EXPECT_EQ(answer_to(1, kWhole, bomb), 8);
  EXPECT_EQ(answer_to(3, kWhole, as_bytes("no zstd")), 3);
  EXPECT_EQ(answer_to(5, kWhole, BytesView(bomb).first(20)), 3);
  EXPECT_EQ(answer_to(7, kWhole, {}), 3);
  EXPECT_EQ(answer_to(9, flag::kMore | flag::kCompressed, BytesView(bomb).first(20)), -1);
  pair.inject({.type = FrameType::data, .stream = 9, .flags = kWhole}, BytesView(bomb).subspan(20));
  EXPECT_EQ(answer(), 8) << "the same in parts";
  EXPECT_FALSE(pair.b.finished);
  EXPECT_EQ(pair.b.channel->open_streams(), 0u);
  EXPECT_EQ(pair.b.endpoint.budget.used(), 0u);
  EXPECT_EQ(answer_to(11, flag::kEnd, as_bytes("plain")), 0);
}

TEST(Channel, SilenceIsAnsweredByPingAndThenByTheEnd) {
  Pair pair;
  pair.wait(16s);
  EXPECT_FALSE(pair.a.finished) << "the PING was answered";
  pair.clock.time += 16s;
  pair.a.channel->on_time();
  pair.a.output.clear();  // nothing crosses any more
  pair.clock.time += 10s;
  pair.a.channel->on_time();
  ASSERT_TRUE(pair.a.finished);
  EXPECT_EQ(pair.a.finished->code, Errc::timed_out);
}

TEST(Channel, ASideThatNeverSaysHelloIsClosed) {
  FakeClock clock;
  End b(Side::acceptor, clock, "host-a", {});
  b.channel->open();
  clock.time += 10s;
  b.channel->on_time();
  ASSERT_TRUE(b.finished);
  EXPECT_EQ(b.finished->message, "host-a: no HELLO within 10 s");
}

TEST(Channel, ANewServiceIsToldAndItsIndexesAreFresh) {
  Pair pair;
  test::TestService more;
  pair.b.endpoint.services.on_change = [&](const v1::ServiceEntry& entry) { pair.b.channel->tell_services(entry); };
  pair.b.endpoint.services.remove(pair.b.service);
  pair.settle();
  EXPECT_EQ(start(*pair.a.channel, "Echo", {})->code(), Errc::not_found);
  pair.b.endpoint.services.add(more);
  pair.settle();
  EXPECT_EQ(pair.a.channel->peer_hello().services.at(0).first_method, 7u);
  const auto call = start(*pair.a.channel, "Echo", as_bytes("again"));
  pair.settle();
  EXPECT_EQ(call->messages.size(), 1u);
}

TEST(Channel, StreamsWithWaitingDataTakeTurns) {
  Pair pair;
  // Two large answers at once: neither has to wait for the other's end.
  const auto one = start(*pair.a.channel, "Count", count_request(40, 60'000));
  const auto two = start(*pair.a.channel, "Count", count_request(40, 60'000));
  bool overlapped = false;
  while (!one->ended() || !two->ended()) {
    pair.carry(pair.a, pair.b);
    pair.carry(pair.b, pair.a);
    overlapped |= !one->ended() && !two->ended() && one->messages.size() > 2 && two->messages.size() > 2;
  }
  EXPECT_TRUE(overlapped);
  EXPECT_EQ(one->messages.size() + two->messages.size(), 80u);
}

struct BrokenRule {
  std::string name;
  FrameHeader header;
  std::string payload, extensions;  ///< hexadecimal
  Errc code;
  std::string told;
};

class BrokenRules : public testing::TestWithParam<BrokenRule> {};

TEST_P(BrokenRules, EndTheConnectionWithAReasonAndLoseNothingElse) {
  Pair pair;
  const auto held = start(*pair.b.channel, "Echo", as_bytes("from b"));
  pair.inject(GetParam().header, from_hex(GetParam().payload).value(), from_hex(GetParam().extensions).value());
  ASSERT_TRUE(pair.b.finished);
  EXPECT_EQ(pair.b.finished->code, GetParam().code);
  EXPECT_NE(pair.b.finished->message.find(GetParam().told), std::string::npos) << pair.b.finished->message;
  EXPECT_EQ(pair.b.finished->message.rfind("host-a: ", 0), 0u) << "an error names the peer";
  EXPECT_TRUE(held->ended());
  pair.settle();
  ASSERT_TRUE(pair.a.finished) << "the peer is told by GOAWAY";
  EXPECT_NE(pair.a.finished->message.find(GetParam().told), std::string::npos) << pair.a.finished->message;
}

INSTANTIATE_TEST_SUITE_P(
    Channel, BrokenRules,
    testing::Values(
        BrokenRule{"WrongParity", {.type = FrameType::call, .stream = 2, .flags = flag::kEnd}, "", "", Errc::malformed, "stream 2"},
        BrokenRule{"CallOnZero", {.type = FrameType::call, .stream = 0, .flags = flag::kEnd}, "", "", Errc::malformed, "must be on a stream"},
        BrokenRule{"DataNeverOpened", {.type = FrameType::data, .stream = 9}, "00", "", Errc::malformed, "stream 9"},
        BrokenRule{"RespNeverOpened", {.type = FrameType::resp, .stream = 8}, "", "", Errc::malformed, "stream 8"},
        BrokenRule{"RespFromCaller", {.type = FrameType::resp, .stream = 1}, "", "", Errc::malformed, "RESP on a stream"},
        BrokenRule{"SecondHello", {.type = FrameType::hello}, "0801", "", Errc::malformed, "second HELLO"},
        BrokenRule{"UnknownCritical", {.type = static_cast<FrameType>(0x91)}, "", "", Errc::unsupported, "must be understood"},
        BrokenRule{"CreditLength", {.type = FrameType::credit, .stream = 1}, "0102", "", Errc::malformed, "CREDIT"},
        BrokenRule{"CreditOverflow", {.type = FrameType::ping, .credit = 0x7fffffff}, "0000000000000000", "", Errc::malformed, "credit"},
        BrokenRule{"PingLength", {.type = FrameType::ping}, "00", "", Errc::malformed, "8 bytes"},
        BrokenRule{"GoawayLength", {.type = FrameType::goaway}, "00", "", Errc::malformed, "GOAWAY"},
        BrokenRule{"CancelNeverOpened", {.type = FrameType::cancel, .stream = 77}, "", "", Errc::malformed, "never opened"},
        BrokenRule{"ExtensionPastEnd", {.type = FrameType::call, .stream = 3, .flags = flag::kEnd}, "", "01050000", Errc::malformed, "past the end"},
        BrokenRule{"IndexOfAnotherMethod", {.type = FrameType::hello_update}, "420a0a017828013a030a0159", "", Errc::malformed, "another method's"},
        BrokenRule{"HelloUpdateGarbage", {.type = FrameType::hello_update}, "ffff", "", Errc::malformed, "HELLO_UPDATE"}),
    [](const auto& test) { return test.param.name; });

TEST(Channel, AFrameBeyondTheLimitIsRefusedByItsHeaderAlone) {
  Pair pair;
  Bytes header(kHeaderSize);
  write_header({.length = 65'537, .type = FrameType::call, .stream = 1}, header.data());
  pair.b.channel->on_bytes(header);
  ASSERT_TRUE(pair.b.finished);
  EXPECT_EQ(pair.b.finished->message, "host-a: frame of 65537 bytes; the limit is 65536");
}

TEST(Channel, UnknownFramesAreSkippedByDefault) {
  Pair pair;
  pair.inject({.type = static_cast<FrameType>(0x40), .stream = 5}, as_bytes("whatever"));
  const auto call = start(*pair.a.channel, "Echo", as_bytes("x"));
  pair.settle();
  EXPECT_EQ(call->messages.size(), 1u);
}

TEST(Channel, ASenderBeyondItsWindowIsCutOff) {
  Pair pair;
  const Bytes payload(65'536);
  pair.inject({.type = FrameType::call, .stream = 1, .flags = flag::kMore, .code = 0}, payload);
  EXPECT_FALSE(pair.b.finished);
  const auto window = [&] {  // what b gives back is thrown away: a sender that does not listen
    pair.b.output.clear();
    pair.inject({.type = FrameType::data, .stream = 1, .flags = flag::kMore}, payload);
  };
  for (int i = 0; i < 200 && !pair.b.finished; ++i) window();
  ASSERT_TRUE(pair.b.finished || pair.b.channel->open_streams() == 0);
}

TEST(Channel, GarbageInsteadOfAPrefaceIsToldInHex) {
  FakeClock clock;
  End b(Side::acceptor, clock, "host-a", {});
  b.channel->open();
  b.channel->on_bytes(as_bytes("SSH-2.0-x"));
  ASSERT_TRUE(b.finished);
  EXPECT_EQ(b.finished->message, "host-a: the peer does not speak b2: its first bytes are 5353482d");
}

TEST(Channel, RandomFramesEndWithAReasonOrAreSkipped) {
  SeededRandom random(2203);
  int survived = 0;
  for (int round = 0; round < 3000; ++round) {
    Pair pair;
    const auto held = start(*pair.b.channel, "Hold", {});
    for (int i = 0; i < 5 && !pair.b.finished; ++i) {
      FrameHeader header;
      header.type = static_cast<FrameType>(random.below(16));
      header.stream = static_cast<std::uint32_t>(random.below(8));
      header.flags = static_cast<std::uint8_t>(random());
      header.code = static_cast<std::uint16_t>(random.below(8));
      header.credit = static_cast<std::uint32_t>(random.below(100'000));
      Bytes payload(random.below(40)), extensions(random.below(4) * 4);
      for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
      for (auto& byte : extensions) byte = static_cast<std::uint8_t>(random.below(8));
      pair.inject(header, payload, extensions);
    }
    if (pair.b.finished) {
      ASSERT_FALSE(pair.b.finished->message.empty());
      ASSERT_TRUE(held->ended()) << "every open call learns of the end";
    } else {
      ++survived;
    }
    pair.b.channel->lost(Error{Errc::io, "gone"});
    ASSERT_EQ(pair.b.endpoint.budget.used(), 0u);
  }
  EXPECT_GT(survived, 0);
}

TEST(Channel, AConnectionThatEndsInAFrameLosesThatFrameOnly) {
  Pair pair;
  const auto done = start(*pair.a.channel, "Echo", as_bytes("whole"));
  const auto cut = start(*pair.a.channel, "Hold", as_bytes("cut off"));
  const Bytes sent = pair.a.output.take();
  pair.b.channel->on_bytes(BytesView(sent).first(sent.size() - 3));
  pair.a.channel->on_bytes(pair.b.output.take());
  EXPECT_TRUE(done->ended() && *done->end);
  pair.a.channel->lost(Error{Errc::io, "host-b: connection reset"});
  pair.b.channel->lost(Error{Errc::io, "host-a: connection reset"});
  EXPECT_EQ(cut->code(), Errc::unknown);
  EXPECT_TRUE(cut->messages.empty());
}

}  // namespace ghost::b2
