// Both ends of calls in datagrams over networks that lose, repeat and overtake: nothing is done twice, every outcome that is told is true,
// and every call ends.
#include "b2/datagram_world.h"
#include "b2/message.h"
#include "b2/v1/datagrams.b2.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {
class AnswerAtOnce final : public CallSink {
 public:
  explicit AnswerAtOnce(std::unique_ptr<CallHandler> handler) : handler_(std::move(handler)) {}
  bool write(std::uint64_t, const Payload&) override { return false; }
  void finish(std::uint64_t, const Payload& last) override {
    Bytes bytes(last.size);
    last.write_to(bytes.data());
    handler_->on_message(bytes);
    handler_->on_end({});
  }
  void fail(std::uint64_t, const Error& error) override { handler_->on_end(error); }
  void on_ready(std::uint64_t, std::function<void()>) override {}
  void on_cancel(std::uint64_t, std::function<void()>) override {}
  void run_on_worker(std::uint64_t, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)>) override {}

 private:
  std::unique_ptr<CallHandler> handler_;
};
}  // namespace

ClientCall DirectCaller::start(std::string_view service, std::string_view method, const Payload& request, const CallOptions&,
                               std::unique_ptr<CallHandler> handler) {
  ++calls;
  Bytes bytes(request.size);
  request.write_to(bytes.data());
  if (service == "b2.v1.Datagrams") {
    const auto wanted = decode<v1::FetchRequest>(bytes);
    const auto answer = server_().callee->fetch(wanted->session, wanted->sequence, *identity_);
    if (!answer) {
      handler->on_end(answer.error());
      return {};
    }
    v1::FetchResponse response;
    response.answer = *answer;
    handler->on_message(encode(response));
    handler->on_end({});
    return {};
  }
  const MethodEntry* const entry = server_().endpoint.services.find(service, method);
  CallContext context;
  context.caller = identity_;
  entry->service->handle(entry->method, bytes, ServerCall(std::make_shared<AnswerAtOnce>(std::move(handler)), 1, std::move(context)));
  return {};
}

namespace {

/// One server, one caller and what is between them.
class Exchange {
 public:
  static constexpr std::uint64_t kSession = 0xabcdef;

  Exchange(std::uint64_t seed, DatagramForm form, const Weather& weather, const DatagramLimits& limits = {}, bool connected = true)
      : form_(form), weather_(weather), limits_(limits), random_(seed) {
    start_server();
    connection = connected ? std::make_shared<DirectCaller>([this]() -> Server& { return *server; }, identity_) : nullptr;
    start_caller();
  }
  ~Exchange() { caller->lost(Error{Errc::aborted, "the test is over"}); }

  void start_server() {
    server.reset();
    server = std::make_unique<Server>(clock, agenda, ++epoch_, limits_);
    server->deliver = [this](const DatagramPeer& to, Bytes bytes) {
      EXPECT_LE(bytes.size(), kMaxDatagram);
      note_nonce(bytes, 'a');
      carry(std::move(bytes), [this, to](const Bytes& datagram) {
        if (to.same_sender(here)) caller->on_datagram(datagram);
      });
    };
    if (form_ == DatagramForm::sealed) {
      ASSERT_TRUE(server->callee->open_session(kSession + epoch_, some_keys(kSession + epoch_), identity_));
    }
  }
  void start_caller() {
    DatagramCaller::Wiring wiring{clock, "server", [this] { agenda.after({}, [this, weak = std::weak_ptr<DatagramCaller>(caller)] { flush(weak); }); },
                                  [this](TimePoint when) {
                                    agenda.at(when, [this, weak = std::weak_ptr<DatagramCaller>(caller)] {
                                      const auto still = weak.lock();
                                      if (still && still->next_wakeup() <= clock.time) still->on_time();
                                    });
                                  },
                                  connection};
    const std::uint64_t session = kSession + epoch_;
    if (form_ == DatagramForm::sealed) caller = std::make_shared<DatagramCaller>(std::move(wiring), DatagramCaller::Session{session, epoch_, some_keys(session)});
    else caller = std::make_shared<DatagramCaller>(std::move(wiring), form_);
  }

  struct Outcome {
    std::optional<Status> end;
    Bytes answer;
    std::uint32_t size = 0;
  };

  std::uint64_t call(std::string_view method, std::uint32_t size, Duration timeout = 20s) {
    const std::uint64_t number = ++numbers_;
    Outcome& outcome = outcomes[number];
    outcome.size = size;
    class Keep final : public CallHandler {
     public:
      explicit Keep(Outcome& into) : into_(into) {}
      void on_message(BytesView message) override { into_.answer = to_bytes(message); }
      void on_end(const Status& status) override {
        EXPECT_FALSE(into_.end) << "a call ends once";
        into_.end = status;
      }

     private:
      Outcome& into_;
    };
    CallOptions options;
    options.timeout = timeout;
    last_call = caller->start("test.Counting", method, Payload(BytesView(request_of(number, size))), options, std::make_unique<Keep>(outcome));
    return number;
  }
  void run(Duration span) { agenda.run_until(clock.time + span); }

  int executed(std::uint64_t number) const {
    const auto found = server->service.executions.find(number);
    return found == server->service.executions.end() ? 0 : found->second;
  }
  /// Whether what was told of a call is so. `before`: how often a server of before had done it.
  void check(std::uint64_t number, int before = 0) const {
    const Outcome& outcome = outcomes.at(number);
    const int times = executed(number) + before;
    ASSERT_TRUE(outcome.end) << "call " << number << " hangs";
    EXPECT_LE(times, 1) << "call " << number;
    if (*outcome.end) {
      EXPECT_EQ(times, 1) << "call " << number << " is told as done";
      EXPECT_EQ(outcome.answer, CountingService::answer_of(number, outcome.size)) << "call " << number;
    } else if (outcome.end->error().code != Errc::timed_out && outcome.end->error().code != Errc::unknown && outcome.end->error().code != Errc::conflict) {
      EXPECT_EQ(times, 0) << "call " << number << " is told as not done: " << outcome.end->error().message;
    }
  }
  std::size_t done() const {
    return static_cast<std::size_t>(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& each) { return each.second.end && *each.second.end; }));
  }
  const Error& failure(std::uint64_t number) const { return outcomes.at(number).end->error(); }

  FakeClock clock;
  Agenda agenda{clock};
  DatagramPeer here = peer_at(0x0a000002);
  std::unique_ptr<Server> server;
  std::shared_ptr<DirectCaller> connection;
  std::shared_ptr<DatagramCaller> caller;
  std::map<std::uint64_t, Outcome> outcomes;
  ClientCall last_call;
  std::size_t to_server = 0, to_caller = 0, sealed = 0;

  void flush(const std::weak_ptr<DatagramCaller>& weak) {
    const auto still = weak.lock();
    if (!still) return;
    for (Bytes& bytes : still->take_outgoing()) {
      EXPECT_LE(bytes.size(), kMaxDatagram);
      note_nonce(bytes, 'c');
      ++to_server;
      carry(std::move(bytes), [this, from = here](const Bytes& datagram) { server->callee->on_datagram(datagram, from); });
    }
  }
  Weather& weather() { return weather_; }
  SeededRandom& random() { return random_; }

 private:
  void carry(Bytes bytes, std::function<void(const Bytes&)> arrive) {
    const int copies = random_.chance(weather_.loss) ? 0 : random_.chance(weather_.twice) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto spread = static_cast<std::uint64_t>((weather_.most - weather_.least).count());
      const Duration delay = weather_.least + Duration(static_cast<std::int64_t>(spread == 0 ? 0 : random_.below(spread)));
      agenda.after(delay, [arrive, bytes] { arrive(bytes); });
    }
  }
  /// Two sealed datagrams of one direction and session never have the same number.
  void note_nonce(const Bytes& bytes, char direction) {
    if (bytes[5] != 2) return;
    ByteReader in(bytes);
    in.take(8);
    const std::uint64_t id = in.u64(), number = in.u64();
    ++sealed;
    EXPECT_TRUE(nonces_.emplace(direction, id, number).second) << direction << " used the nonce " << number << " twice";
  }

  DatagramForm form_;
  Weather weather_;
  DatagramLimits limits_;
  SeededRandom random_;
  std::uint64_t epoch_ = 0, numbers_ = 0;
  std::shared_ptr<const Identity> identity_ = admin();
  std::set<std::tuple<char, std::uint64_t, std::uint64_t>> nonces_;
};

constexpr Weather kStorm{.loss = 0.25, .twice = 0.2, .least = 1ms, .most = 120ms};

TEST(DatagramExchange, ALookUpTakesOneRoundTripForTheCookieAndOneForTheCall) {
  Exchange exchange(1, DatagramForm::plain, {});
  const auto number = exchange.call("Look", 10);
  exchange.run(3ms + 999us);
  EXPECT_FALSE(exchange.outcomes[number].end);
  exchange.run(1ms);
  exchange.check(number);
  const auto next = exchange.call("Look", 10);
  exchange.run(2ms);
  exchange.check(next);
  EXPECT_EQ(exchange.to_server, 3u);
}

TEST(DatagramExchange, APureLookUpTakesOneRoundTrip) {
  Exchange exchange(1, DatagramForm::pure, {});
  const auto number = exchange.call("Look", 1000);
  exchange.run(2ms);
  exchange.check(number);
  EXPECT_EQ(exchange.server->callee->next_wakeup(), TimePoint::max()) << "nothing is kept of it";
}

TEST(DatagramExchange, CallsOfOneTurnTravelTogether) {
  Exchange exchange(1, DatagramForm::sealed, {});
  exchange.call("Do", 1);
  exchange.run(1s);
  const std::size_t before = exchange.to_server;
  for (int i = 0; i < 30; ++i) exchange.call("Do", 1);
  exchange.run(1s);
  EXPECT_EQ(exchange.done(), 31u);
  EXPECT_EQ(exchange.to_server - before, 1u);
}

TEST(DatagramExchange, InAStormEverySealedCallIsDoneOnceAtMostAndEveryOutcomeIsTrue) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Exchange exchange(seed, DatagramForm::sealed, kStorm);
    for (int i = 0; i < 400; ++i) {
      exchange.agenda.after(std::chrono::milliseconds(exchange.random().below(4000)), [&exchange] {
        SeededRandom& random = exchange.random();
        const bool slow = random.chance(0.2), brief = random.chance(0.1), cancel = random.chance(0.05);
        exchange.call(slow ? "Slow" : "Do", random.chance(0.1) ? 2000 : static_cast<std::uint32_t>(random.below(900)), brief ? 100ms : 60s);
        if (cancel) exchange.last_call.cancel();
      });
      exchange.agenda.after(std::chrono::milliseconds(exchange.random().below(8000)), [&exchange] { exchange.server->service.answer_held(); });
    }
    exchange.run(9s);
    exchange.server->service.answer_held();
    exchange.run(60s);
    std::size_t timely = 0;
    for (const auto& [number, outcome] : exchange.outcomes) {
      if (outcome.end && !*outcome.end && outcome.end->error().code == Errc::cancelled) {
        EXPECT_LE(exchange.executed(number), 1);
        continue;
      }
      exchange.check(number);
      timely += outcome.end && *outcome.end ? 1 : 0;
    }
    EXPECT_GT(timely, 300u);
    EXPECT_GT(exchange.sealed, exchange.outcomes.size()) << "repeats, each with a number of its own";
    EXPECT_GT(exchange.server->endpoint.counters.datagrams.repeats, 0u);
    EXPECT_EQ(exchange.server->endpoint.counters.datagrams.open, 0u);
  }
}

TEST(DatagramExchange, InAStormEveryLookUpIsAnsweredAndDoneOnce) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    Exchange exchange(seed, DatagramForm::plain, kStorm);
    for (int i = 0; i < 400; ++i) {
      exchange.agenda.after(std::chrono::milliseconds(exchange.random().below(3000)),
                            [&exchange] { exchange.call("Look", static_cast<std::uint32_t>(exchange.random().below(1100)), 60s); });
    }
    exchange.run(70s);
    EXPECT_EQ(exchange.done(), 400u);
    for (const auto& [number, outcome] : exchange.outcomes) exchange.check(number);
  }
}

TEST(DatagramExchange, AnAnswerTooLongForADatagramComesByTheConnectionAndItsCallIsDoneOnce) {
  Exchange exchange(1, DatagramForm::sealed, {});
  const auto number = exchange.call("Do", 100'000);
  exchange.run(1s);
  exchange.check(number);
  EXPECT_EQ(exchange.connection->calls, 1);
  EXPECT_EQ(exchange.server->endpoint.counters.datagrams.kept_bytes, 0u) << "it was handed out";

  Exchange plain(1, DatagramForm::plain, {});
  const auto look = plain.call("Look", 100'000);
  plain.run(1s);
  ASSERT_TRUE(plain.outcomes[look].end && *plain.outcomes[look].end);
  EXPECT_EQ(plain.outcomes[look].answer, CountingService::answer_of(look, 100'000));
}

TEST(DatagramExchange, WithoutAConnectionAnAnswerTooLongIsToldAsThat) {
  for (const DatagramForm form : {DatagramForm::plain, DatagramForm::pure}) {
    Exchange exchange(1, form, {}, {}, false);
    const auto number = exchange.call("Look", 100'000);
    exchange.run(1s);
    EXPECT_EQ(exchange.failure(number).code, Errc::exhausted);
  }
}

TEST(DatagramExchange, OfACallWhoseAnswerCannotBeKeptTheOutcomeIsToldAsUnknown) {
  DatagramLimits limits;
  limits.fetched_bytes = 50'000;
  Exchange exchange(1, DatagramForm::sealed, {}, limits);
  const auto number = exchange.call("Do", 100'000);
  exchange.run(1s);
  EXPECT_EQ(exchange.failure(number).code, Errc::unknown);
  EXPECT_EQ(exchange.executed(number), 1);
}

TEST(DatagramExchange, WithoutKeysOnlyLookUpsOpenToEveryoneAreAnswered) {
  for (const DatagramForm form : {DatagramForm::plain, DatagramForm::pure}) {
    Exchange exchange(1, form, {});
    const auto secret = exchange.call("Do", 1), open = exchange.call("Open", 1), stream = exchange.call("Stream", 1);
    exchange.run(1s);
    EXPECT_EQ(exchange.failure(secret).code, Errc::unauthenticated);
    EXPECT_EQ(exchange.failure(open).code, Errc::unauthenticated);
    EXPECT_EQ(exchange.failure(stream).code, Errc::unsupported);
    for (const auto number : {secret, open, stream}) EXPECT_EQ(exchange.executed(number), 0);
  }
  Exchange sealed(1, DatagramForm::sealed, {});
  const auto secret = sealed.call("Do", 1), open = sealed.call("Open", 1);
  sealed.run(1s);
  sealed.check(secret);
  sealed.check(open);
  EXPECT_EQ(sealed.done(), 2u);
}

TEST(DatagramExchange, WhoTheHouseHasTakenOutIsRefusedAlthoughItHasKeys) {
  Exchange exchange(1, DatagramForm::sealed, {});
  const auto before = exchange.call("Do", 1);
  exchange.run(1s);
  exchange.check(before);
  exchange.server->endpoint.is_revoked = [](const NodeId&) { return true; };
  const auto after = exchange.call("Do", 1);
  exchange.run(1s);
  EXPECT_EQ(exchange.failure(after).code, Errc::unauthenticated);
  EXPECT_EQ(exchange.executed(after), 0);
}

TEST(DatagramExchange, WhenTheSessionEndsUnderCallsTheirOutcomeIsUnknownAndLaterOnesAreNotSent) {
  Exchange exchange(1, DatagramForm::sealed, {});
  const auto slow = exchange.call("Slow", 1);
  exchange.run(100ms);
  exchange.start_server();  // it has lost all it knew
  exchange.run(1s);
  EXPECT_FALSE(exchange.outcomes[slow].end) << "datagrams of a session it does not know are not answered";
  exchange.caller->lost(Error{Errc::busy, "the connection has ended"});
  EXPECT_EQ(exchange.failure(slow).code, Errc::unknown);
  const auto later = exchange.call("Do", 1);
  EXPECT_EQ(exchange.failure(later).code, Errc::busy);
}

TEST(DatagramExchange, LookUpsOutliveARestartOfTheServer) {
  Exchange exchange(3, DatagramForm::plain, kStorm);
  for (int i = 0; i < 50; ++i) {
    exchange.agenda.after(std::chrono::milliseconds(exchange.random().below(2000)), [&exchange] { exchange.call("Look", 5, 60s); });
  }
  exchange.run(1s);
  exchange.start_server();
  exchange.run(60s);
  EXPECT_EQ(exchange.done(), 50u);
}

TEST(DatagramExchange, ALongSilenceCostsACookieAndNothingElse) {
  Exchange exchange(1, DatagramForm::plain, {});
  exchange.call("Look", 1);
  exchange.run(10min);
  EXPECT_EQ(exchange.server->endpoint.counters.datagrams.callers, 0u) << "it was forgotten";
  const auto number = exchange.call("Look", 1);
  exchange.run(4ms);
  exchange.check(number);
  EXPECT_EQ(exchange.server->endpoint.counters.datagrams.cookies, 2u);

  Exchange sealed(1, DatagramForm::sealed, {});
  sealed.call("Do", 1);
  sealed.run(10min);
  const auto after = sealed.call("Do", 1);
  sealed.run(1s);
  sealed.check(after);
  EXPECT_EQ(sealed.done(), 2u);
}

TEST(DatagramExchange, ASealedCallerThatMovesProvesItsNewAddressFirst) {
  Exchange exchange(1, DatagramForm::sealed, {});
  exchange.call("Do", 900);
  exchange.run(1s);
  exchange.here = peer_at(0x0a000003, 5000);
  const auto number = exchange.call("Do", 900);
  exchange.run(1s);
  exchange.check(number);
  EXPECT_EQ(exchange.done(), 2u);
  EXPECT_EQ(exchange.server->endpoint.counters.datagrams.cookies, 2u);
}

TEST(DatagramExchange, RepeatsComeAfter50MsAndTwiceAsLateEachTime) {
  Exchange exchange(1, DatagramForm::sealed, {});
  exchange.call("Do", 1);
  exchange.run(1s);
  exchange.weather().loss = 1;
  const std::size_t before = exchange.to_server;
  const auto number = exchange.call("Do", 1, 5s);
  std::vector<std::size_t> sent;
  for (const Duration until : {49ms, 51ms - 49ms, 149ms - 51ms, 151ms - 149ms, 349ms - 151ms, 351ms - 349ms}) {
    exchange.run(until);
    sent.push_back(exchange.to_server - before);
  }
  EXPECT_EQ(sent, (std::vector<std::size_t>{1, 2, 2, 3, 3, 4}));
  exchange.run(5s);
  EXPECT_EQ(exchange.failure(number).code, Errc::timed_out);
  EXPECT_LT(exchange.to_server - before, 9u);
}

TEST(DatagramExchange, AServerThatNeverAnswersEndsCallsByTheirDeadline) {
  for (const DatagramForm form : {DatagramForm::plain, DatagramForm::pure, DatagramForm::sealed}) {
    Exchange exchange(1, form, {.loss = 1});
    const auto number = exchange.call("Look", 1, Duration::max());
    exchange.run(kMostDatagramTime);
    ASSERT_TRUE(exchange.outcomes[number].end);
    EXPECT_EQ(exchange.failure(number).code, Errc::timed_out);
    EXPECT_NE(exchange.failure(number).message.find("is UDP served there"), std::string::npos);
  }
}

TEST(DatagramExchange, TheHandlerOfACallWhoseTimeIsOverIsTold) {
  Exchange exchange(1, DatagramForm::sealed, {});
  const auto number = exchange.call("Slow", 1, 300ms);
  exchange.run(100ms);
  bool told = false;
  ASSERT_EQ(exchange.server->service.held.size(), 1u);
  exchange.server->service.held[0].call.on_cancel([&] { told = true; });
  exchange.run(1s);
  EXPECT_TRUE(told);
  EXPECT_EQ(exchange.failure(number).code, Errc::timed_out);
}

TEST(DatagramExchange, MoreCallsThanTheWindowHoldsWaitTheirTurn) {
  Exchange exchange(1, DatagramForm::sealed, {.loss = 0.05});
  for (int i = 0; i < 3000; ++i) exchange.call("Do", 100, 60s);
  exchange.run(60s);
  EXPECT_EQ(exchange.done(), 3000u);
  for (const auto& [number, outcome] : exchange.outcomes) exchange.check(number);
  EXPECT_EQ(exchange.server->endpoint.counters.datagrams.dropped[static_cast<std::size_t>(DatagramDrop::window)], 0u);
}

TEST(DatagramExchange, CallersBeyondTheLimitMakeRoomAndEveryLookUpIsStillAnswered) {
  DatagramLimits limits;
  limits.callers = 3;
  FakeClock clock;
  Agenda agenda(clock);
  Server server(clock, agenda, 1, limits);
  std::vector<std::shared_ptr<DatagramCaller>> callers;
  std::map<std::uint16_t, std::size_t> by_port;
  server.deliver = [&](const DatagramPeer& to, const Bytes& bytes) {
    agenda.after(1ms, [&, to, bytes] { callers[by_port.at(to.port)]->on_datagram(bytes); });
  };
  std::vector<std::optional<Result<Bytes>>> answers(40);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto port = static_cast<std::uint16_t>(4000 + i);
    by_port[port] = i;
    const auto at = std::make_shared<std::weak_ptr<DatagramCaller>>();
    const auto flush = [&, at, port] {
      agenda.after({}, [&, at, port] {
        if (const auto caller = at->lock()) {
          for (const Bytes& bytes : caller->take_outgoing()) agenda.after(1ms, [&, bytes, port] { server.callee->on_datagram(bytes, peer_at(0x0a000000u + port, port)); });
        }
      });
    };
    const auto wake = [&, at](TimePoint when) {
      agenda.at(when, [&clock, at] {
        const auto caller = at->lock();
        if (caller && caller->next_wakeup() <= clock.time) caller->on_time();
      });
    };
    callers.push_back(std::make_shared<DatagramCaller>(DatagramCaller::Wiring{clock, "server", flush, wake, {}}, DatagramForm::plain));
    *at = callers.back();
    callers.back()->start("test.Counting", "Look", Payload(BytesView(request_of(i, 100))), {}, std::make_unique<KeepAnswer>(answers[i]));
  }
  agenda.run_until(clock.time + 20s);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(answers[i]) << i;
    EXPECT_TRUE(*answers[i]) << answers[i]->error().message;
  }
  EXPECT_LE(server.endpoint.counters.datagrams.callers, 3u);
  EXPECT_GT(server.endpoint.counters.datagrams.forgotten, 0u);
  for (const auto& caller : callers) caller->lost(Error{Errc::aborted, "over"});
}

}  // namespace
}  // namespace ghost::b2::test
