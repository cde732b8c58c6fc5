#include "b2/forward.h"

#include <gtest/gtest.h>

#include "b2/channel.h"
#include "b2/test_service.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;
using test::count_request;
using test::Started;

struct FakeClock : Clock {
  TimePoint time{1000s};
  TimePoint now() const override { return time; }
};

/// One end of a connection.
struct End : ChannelEvents {
  End(Side side, Endpoint& endpoint, const Clock& clock, std::string where) {
    identity->where = std::move(where);
    channel = std::make_shared<Channel>(side, Channel::Wiring{endpoint, clock, output, *this, identity, {}});
  }
  ~End() override { channel->lost(Error{Errc::aborted, "the test is over"}); }
  void on_hello(const v1::Hello&) override {}
  void on_finished(const Error&) override {}
  void on_wakeup(TimePoint) override {}

  std::shared_ptr<Identity> identity = std::make_shared<Identity>();
  ByteQueue output;
  std::shared_ptr<Channel> channel;
};

/// Two ends; bytes move when carry() is called.
struct Connection {
  Connection(Endpoint& dialer, Endpoint& acceptor, const Clock& clock, const std::string& dialed, const std::string& dialing)
      : a(Side::dialer, dialer, clock, dialed), b(Side::acceptor, acceptor, clock, dialing) {
    a.channel->open();
    b.channel->open();
    while (carry()) {
    }
  }
  bool carry() {
    const Bytes there = a.output.take(), back = b.output.take();
    if (!there.empty()) b.channel->on_bytes(there);
    if (!back.empty()) a.channel->on_bytes(back);
    a.channel->on_writable();
    b.channel->on_writable();
    return !there.empty() || !back.empty();
  }
  End a, b;
};

/// A caller, the host it is connected to, and the host's child.
class ForwardTest : public testing::Test {
 protected:
  ForwardTest() {
    child_side.services.add(service);
    const v1::ServiceEntry& entry = child_side.services.entries().front();
    forwarded = std::make_unique<ForwardedService>(entry, Bytes{1, 2, 3}, gate);
    host_side.name = "host";
    host_side.services.add(*forwarded);
    client.emplace(client_side, host_side, clock, "host", "client");
    start_child();
  }
  ~ForwardTest() override { client.reset(); }

  void start_child() {
    child.emplace(child_side, host_side, clock, "host", "ariascribe");
    gate.open(child->b.channel, [this] { return child && child->b.channel->ready(); });
  }
  /// The child's end of the connection is gone, as the host hears of it.
  void crash() { child->b.channel->lost(Error{Errc::io, "ariascribe: reset by the peer"}); }
  void settle() {
    while (client->carry() || (child && child->carry())) {
    }
  }
  void wait(Duration span) {
    clock.time += span;
    for (const auto& channel : {client->a.channel, client->b.channel, child->a.channel, child->b.channel}) channel->on_time();
    gate.on_time(clock.time);
    settle();
  }
  Started call(std::string_view method, BytesView request = {}, const CallOptions& options = {}) {
    Started started = test::start(*client->a.channel, method, request, options);
    settle();
    return started;
  }

  FakeClock clock;
  test::TestService service;
  Endpoint client_side, host_side, child_side;
  int planned = 0;
  ChildGate gate{"ariascribe", clock, [this] { ++planned; }};
  std::unique_ptr<ForwardedService> forwarded;
  std::optional<Connection> client, child;
};

TEST_F(ForwardTest, TellsTheMethodsOfTheChild) {
  const v1::ServiceEntry& told = client->a.channel->peer_hello().services.front();
  EXPECT_EQ(told.name, "test.v1.Test");
  EXPECT_EQ(told.version, "v1");
  ASSERT_EQ(told.methods.size(), std::size(test::kMethods));
  EXPECT_EQ(told.methods, child_side.services.entries().front().methods);
  EXPECT_EQ(to_bytes(forwarded->info().file_descriptor_set), (Bytes{1, 2, 3}));
  EXPECT_TRUE(forwarded->info().methods[4].on_loop) << "passing on is short, whatever the method";
}

TEST_F(ForwardTest, KnowsItsServiceAgainWhateverItsIndexesAre) {
  v1::ServiceEntry entry = child_side.services.entries().front();
  entry.first_method = 77;
  entry.health = v1::Health::not_serving;
  EXPECT_TRUE(forwarded->is(entry));
  entry.methods[0].needs = "admin";
  EXPECT_FALSE(forwarded->is(entry));
}

TEST_F(ForwardTest, PassesACallAndItsAnswerOn) {
  const Bytes request = {7, 8, 9};
  const auto echo = call("Echo", request);
  ASSERT_TRUE(echo->ended() && *echo->end) << echo->text();
  EXPECT_EQ(echo->messages, std::vector<Bytes>{request});
}

TEST_F(ForwardTest, PassesALongAnswerOnWhole) {
  Bytes request(3'000'000);
  for (std::size_t i = 0; i < request.size(); ++i) request[i] = static_cast<std::uint8_t>(i * 7);
  const auto echo = call("Echo", request);
  ASSERT_TRUE(echo->ended() && *echo->end) << echo->text();
  EXPECT_EQ(echo->messages.at(0), request);
}

TEST_F(ForwardTest, PassesAnEmptyAnswerOn) {
  const auto echo = call("Echo");
  ASSERT_TRUE(echo->ended() && *echo->end);
  EXPECT_EQ(echo->messages, std::vector<Bytes>{Bytes{}});
}

TEST_F(ForwardTest, PassesMetadataOn) {
  CallOptions options;
  options.metadata = {{"trace", "abc"}};
  call("Hold", {}, options);
  ASSERT_EQ(service.held.size(), 1u);
  EXPECT_EQ(service.held[0].context().metadata, options.metadata);
  service.held.clear();
}

TEST_F(ForwardTest, PassesWhatIsLeftOfTheDeadlineOn) {
  CallOptions options;
  options.timeout = 3s;
  const auto held = call("Hold", {}, options);
  ASSERT_EQ(service.held.size(), 1u);
  EXPECT_EQ(service.held[0].context().deadline, clock.time + 3s);
  wait(3s);
  EXPECT_EQ(held->code(), Errc::timed_out);
  EXPECT_EQ(service.cancelled, 1);
  service.held.clear();
}

TEST_F(ForwardTest, PassesACallWithoutADeadlineOnWithoutOne) {
  CallOptions options;
  options.timeout = Duration::max();
  call("Hold", {}, options);
  ASSERT_EQ(service.held.size(), 1u);
  EXPECT_EQ(service.held[0].context().deadline, TimePoint::max());
  service.held.clear();
}

TEST_F(ForwardTest, PassesTheChildsErrorOnAndNamesTheMethodOnce) {
  const auto held = call("Hold");
  service.held[0].fail(Error{Errc::not_found, "no such work"});
  settle();
  EXPECT_EQ(held->code(), Errc::not_found);
  EXPECT_EQ(held->text(), "test.v1.Test/Hold at host: ariascribe: no such work");
}

TEST_F(ForwardTest, JudgesRightsAtTheHost) {
  EXPECT_EQ(call("Secret")->code(), Errc::unauthenticated);
}

TEST_F(ForwardTest, PassesACancelOn) {
  auto held = call("Hold");
  held.call.cancel();
  settle();
  EXPECT_EQ(service.cancelled, 1);
  service.held.clear();
  EXPECT_EQ(client->b.channel->open_streams(), 0u) << "the slot at the host is free";
}

TEST_F(ForwardTest, StreamsAllMessagesInOrder) {
  const auto count = call("Count", count_request(5000, 700));
  ASSERT_TRUE(count->ended() && *count->end) << count->text();
  ASSERT_EQ(count->messages.size(), 5000u);
  for (std::uint32_t i = 0; i < 5000; ++i) ASSERT_EQ(ByteReader(count->messages[i]).u32(), i);
}

TEST_F(ForwardTest, HoldsTheChildBackWhileTheCallerDoesNotRead) {
  CallOptions options;
  options.manual_credit = true;
  auto count = call("Count", count_request(100'000, 1000), options);
  EXPECT_FALSE(count->ended());
  const std::size_t unread = count->bytes;
  EXPECT_LE(unread, 1'100'000u);
  EXPECT_LE(service.written, 4000u) << "two windows' worth, not 100 MB";
  for (std::size_t released = 0; !count->ended();) {
    const std::size_t more = count->bytes - released;
    ASSERT_NE(more, 0u) << "the stream has stalled at " << count->messages.size();
    count.call.release(more);
    released += more;
    settle();
  }
  EXPECT_TRUE(*count->end) << count->text();
  EXPECT_EQ(count->messages.size(), 100'000u);
}

TEST_F(ForwardTest, PassesTheCallersStreamOnInOrder) {
  test::Writer writer{test::start_streaming(*client->a.channel, "Collect"), 5000, 700};
  for (int i = 0; i < 10'000 && !writer.call->ended(); ++i) {
    writer.go_on();
    settle();
  }
  ASSERT_TRUE(writer.call->ended() && *writer.call->end) << writer.call->text();
  ASSERT_EQ(service.collecting->messages.size(), 5000u);
  for (std::uint32_t i = 0; i < 5000; ++i) ASSERT_EQ(ByteReader(service.collecting->messages[i]).u32(), i);
}

TEST_F(ForwardTest, PassesStreamsOfBothSidesOn) {
  auto mirror = test::start_streaming(*client->a.channel, "Mirror");
  mirror.call.write(Payload(as_bytes("ping")));
  settle();
  ASSERT_EQ(mirror->messages.size(), 1u) << "it comes back while the stream is open";
  mirror.call.finish();
  settle();
  ASSERT_TRUE(mirror->ended() && *mirror->end) << mirror->text();
}

TEST_F(ForwardTest, HoldsTheCallerBackWhileTheChildDoesNotRead) {
  service.read_slowly = true;
  test::Writer writer{test::start_streaming(*client->a.channel, "Collect"), 100'000, 1000};
  for (int i = 0; i < 100; ++i) {
    writer.go_on();
    settle();
  }
  EXPECT_LE(writer.written, 400u) << "two windows' worth, not 100 MB";
  writer.count = 2000;
  for (std::size_t released = 0; !writer.call->ended();) {
    ASSERT_LT(released, service.collecting->messages.size()) << "the stream has stalled";
    service.collecting->call.release(service.collecting->messages[released++].size());
    settle();
    writer.go_on();
    settle();
  }
  EXPECT_TRUE(*writer.call->end) << writer.call->text();
  EXPECT_EQ(service.collecting->messages.size(), 2000u);
}

TEST_F(ForwardTest, PassesTheCancelOfACallersStreamOn) {
  auto collect = test::start_streaming(*client->a.channel, "Collect");
  collect.call.write(Payload(as_bytes("one")));
  settle();
  collect.call.cancel();
  settle();
  EXPECT_EQ(service.cancelled, 1);
  EXPECT_EQ(client->b.channel->open_streams(), 0u);
}

TEST_F(ForwardTest, PassesAnAnswerOnThatComesBeforeTheCallersStreamEnds) {
  auto collect = test::start_streaming(*client->a.channel, "Collect");
  collect.call.write(Payload(as_bytes("enough")));
  settle();
  ASSERT_TRUE(collect->ended() && *collect->end) << collect->text();
  EXPECT_EQ(client->b.channel->open_streams(), 0u);
}

TEST_F(ForwardTest, KeepsTheCallersStreamWhileTheChildStarts) {
  crash();
  gate.hold("is starting");
  test::Writer writer{test::start_streaming(*client->a.channel, "Collect"), 1000, 1000};
  for (int i = 0; i < 20; ++i) {
    writer.go_on();
    settle();
  }
  EXPECT_LT(writer.written, 200u) << "no more than the caller's window waits";
  start_child();
  for (int i = 0; i < 10'000 && !writer.call->ended(); ++i) {
    settle();
    writer.go_on();
  }
  ASSERT_TRUE(writer.call->ended() && *writer.call->end) << writer.call->text();
  ASSERT_EQ(service.collecting->messages.size(), 1000u);
  for (std::uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(ByteReader(service.collecting->messages[i]).u32(), i);
}

TEST_F(ForwardTest, TellsTheCallerOfAStreamWhyTheChildCrashed) {
  auto collect = test::start_streaming(*client->a.channel, "Collect");
  collect.call.write(Payload(as_bytes("one")));
  settle();
  crash();
  collect.call.write(Payload(as_bytes("two")));
  gate.hold("is starting again");
  gate.end_cut_calls({.asked = false, .reason = "killed by signal 9 (SIGKILL)", .outlook = "it starts again in 100 ms"});
  settle();
  EXPECT_EQ(collect->code(), Errc::unknown);
  EXPECT_NE(collect->text().find("ariascribe crashed while it handled this call"), std::string::npos) << collect->text();
}

TEST_F(ForwardTest, CutsAStreamOffInTheMiddleWithTheReason) {
  CallOptions options;
  options.manual_credit = true;
  auto count = call("Count", count_request(100'000, 1000), options);
  crash();
  gate.hold("is starting again");
  gate.end_cut_calls({.asked = false, .reason = "killed by signal 9 (SIGKILL)", .outlook = "it starts again in 100 ms"});
  count.call.release(count->bytes);  // the error's text needs credit as every payload does
  settle();
  EXPECT_EQ(count->code(), Errc::unknown);
  EXPECT_NE(count->text().find("ariascribe crashed while it handled this call: killed by signal 9 (SIGKILL); it starts again in 100 ms"),
            std::string::npos)
      << count->text();
}

TEST_F(ForwardTest, TellsTheReasonOfACrashOnceItIsKnown) {
  const auto held = call("Hold");
  crash();
  settle();
  EXPECT_FALSE(held->ended()) << "why is not known yet";
  gate.hold("is starting again");
  gate.end_cut_calls({.asked = false, .reason = "killed by signal 11 (SIGSEGV)", .outlook = "it starts again in 100 ms"});
  settle();
  EXPECT_EQ(held->code(), Errc::unknown);
  EXPECT_EQ(held->text(), "test.v1.Test/Hold at host: ariascribe crashed while it handled this call: killed by signal 11 (SIGSEGV); "
                          "it starts again in 100 ms");
  service.held.clear();
}

TEST_F(ForwardTest, InvitesTheCallerOfAnIdempotentMethodToTryAgainAfterACrash) {
  const auto echo = test::start(*client->a.channel, "Echo", Bytes{1});
  client->carry();
  crash();
  gate.end_cut_calls({.asked = true, .reason = "exited with status 0", .outlook = ""});
  settle();
  EXPECT_EQ(echo->code(), Errc::busy);
  EXPECT_NE(echo->text().find("ariascribe was stopped while it handled this call: exited with status 0"), std::string::npos);
}

TEST_F(ForwardTest, ACallCutOffMayStillBeCancelledAndTimeOut) {
  auto cancelled = call("Hold");
  CallOptions options;
  options.timeout = 2s;
  const auto late = call("Hold", {}, options);
  crash();
  cancelled.call.cancel();
  wait(2s);
  EXPECT_EQ(late->code(), Errc::timed_out);
  EXPECT_EQ(client->b.channel->open_streams(), 0u);
  gate.end_cut_calls({});
  service.held.clear();
}

TEST_F(ForwardTest, HasCallsWaitWhileTheChildStarts) {
  crash();
  gate.hold("is starting");
  const auto echo = call("Echo", Bytes{5});
  const auto count = call("Count", count_request(3, 10));
  EXPECT_FALSE(echo->ended());
  EXPECT_EQ(planned, 2);
  EXPECT_EQ(gate.waiting(), 2u);
  EXPECT_EQ(gate.next_wakeup(), clock.time + 5s);
  start_child();
  settle();
  EXPECT_EQ(echo->messages, std::vector<Bytes>{Bytes{5}});
  EXPECT_EQ(count->messages.size(), 3u);
  EXPECT_EQ(gate.next_wakeup(), TimePoint::max());
}

TEST_F(ForwardTest, HasCallsWaitThatComeBetweenACrashAndTheNewsOfIt) {
  crash();
  const auto echo = call("Echo", Bytes{5});
  EXPECT_FALSE(echo->ended());
  start_child();
  settle();
  EXPECT_EQ(echo->messages, std::vector<Bytes>{Bytes{5}});
}

TEST_F(ForwardTest, LetsNoCallWaitForLong) {
  crash();
  gate.hold("is starting");
  const auto echo = call("Echo", Bytes{5});
  wait(4999ms);
  EXPECT_FALSE(echo->ended());
  wait(1ms);
  EXPECT_EQ(echo->code(), Errc::busy);
  EXPECT_EQ(echo->text(), "test.v1.Test/Echo at host: ariascribe is starting; the call has waited for 5 s");
}

TEST_F(ForwardTest, LetsOnlyAFewCallsWait) {
  crash();
  gate.hold("is starting");
  std::vector<Started> calls;
  for (std::size_t i = 0; i < ChildGate::kMostWaiting; ++i) calls.push_back(call("Echo", Bytes{1}));
  const auto refused = call("Echo", Bytes{1});
  EXPECT_EQ(refused->code(), Errc::busy);
  EXPECT_EQ(refused->text(), "test.v1.Test/Echo at host: ariascribe is starting, and 64 calls wait for it already");
  calls.front().call.cancel();
  settle();
  EXPECT_FALSE(call("Echo", Bytes{1})->ended()) << "a cancelled call leaves its place";
  start_child();
  settle();
  EXPECT_EQ(calls.back()->messages, std::vector<Bytes>{Bytes{1}});
}

TEST_F(ForwardTest, FailsCallsAtOnceWhileTheChildIsNotToBeHad) {
  crash();
  gate.hold("is starting");
  const auto waiting = call("Echo", Bytes{1});
  gate.close("has failed 5 times within a minute: exited with status 1; 'Restart' starts it again");
  settle();
  EXPECT_EQ(waiting->code(), Errc::busy);
  const auto echo = call("Echo", Bytes{5});
  EXPECT_EQ(echo->code(), Errc::busy);
  EXPECT_EQ(echo->text(), "test.v1.Test/Echo at host: ariascribe has failed 5 times within a minute: exited with status 1; "
                          "'Restart' starts it again");
}

TEST(ChildGate, FailsWhatWaitsWhenItsHostEnds) {
  FakeClock clock;
  test::TestService service;
  Endpoint child_side, host_side, client_side;
  child_side.services.add(service);
  std::optional<ChildGate> gate;
  gate.emplace("ariascribe", clock, [] {});
  ForwardedService forwarded(child_side.services.entries().front(), {}, *gate);
  host_side.services.add(forwarded);
  Connection client(client_side, host_side, clock, "host", "client");
  gate->hold("is starting");
  const auto echo = test::start(*client.a.channel, "Echo", Bytes{1});
  client.carry();
  gate.reset();
  client.carry();
  EXPECT_EQ(echo->text(), "test.v1.Test/Echo at host: ariascribe is not running: its host is shutting down");
}

TEST_F(ForwardTest, ATraceGoesOnBelowTheHostAndBothTellOfThemselves) {
  child_side.name = "child";
  CallOptions options;
  options.trace = TraceContext::begin();
  options.metadata = {{std::string(kWantsHops), "1"}};
  const auto echo = test::start(*client->a.channel, "Echo", as_bytes("x"), options);
  settle();
  ASSERT_EQ(echo->metadata.size(), 2u);
  const std::string& of_child = echo->metadata[0].second;
  const std::string& of_host = echo->metadata[1].second;
  EXPECT_EQ(of_host.substr(17, 16), options.trace->span_text());
  EXPECT_EQ(of_child.substr(17, 16), of_host.substr(0, 16)) << "the child's parent is the host's span";
  EXPECT_NE(of_child.find(" child "), std::string::npos) << of_child;
  EXPECT_NE(of_host.find(" host "), std::string::npos) << of_host;
}

}  // namespace
}  // namespace ghost::b2
