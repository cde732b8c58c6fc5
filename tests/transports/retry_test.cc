// Calls over connections that are cut at every point of an exchange, on virtual time: each is done as often as was promised, and its
// caller is told what is true (docs/spec/b2.md §5).
#include <gtest/gtest.h>

#include "b2/access_service.h"
#include "b2/client_service.h"
#include "b2/reply_cache.h"
#include "b2/server_service.h"
#include "b2/test_service.h"
#include "net/sim.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

constexpr MethodInfo kLedgerMethods[] = {
    {"Post", MethodKind::unary, "public", true, false},  // counts, and answers with the request a little later
    {"Set", MethodKind::unary, "public", true, true},    // the same, and may be done twice
};

/// Counts how often each request was done. Outlives the servers that serve it, as a disk would.
class Ledger : public Service {
 public:
  explicit Ledger(net::Reactor& reactor) : reactor_(reactor) {}
  const ServiceInfo& info() const override { return info_; }
  void handle(std::size_t, BytesView request, ServerCall call) override {
    ++done_[Bytes(request.begin(), request.end())];
    auto held = std::make_shared<std::pair<ServerCall, Bytes>>(std::move(call), to_bytes(request));
    timers_.push_back(reactor_.wake_at(reactor_.now() + 5ms, [held](TimePoint) { held->first.finish(Payload(BytesView(held->second))); }));
  }
  int done(const Bytes& request) const {
    const auto found = done_.find(request);
    return found == done_.end() ? 0 : found->second;
  }
  /// The process is gone: what it was doing is not answered by anybody.
  void forget() { timers_.clear(); }

 private:
  net::Reactor& reactor_;
  std::map<Bytes, int> done_;
  std::vector<net::Timer> timers_;
  ServiceInfo info_{"test.v1.Ledger", "v1", kLedgerMethods, {}};
};

enum class Cut { connection, process, drain };
enum class How { plain, keyed, idempotent };

/// A client, a server that may be taken away and come back, and three calls: two small ones and one of several frames.
class Bout {
 public:
  Bout() {
    net::LinkConditions link;
    link.delay = 1ms;
    link.fragment = 1500;
    world_.set_link(kHost, kHost, link);
    start_server(1);
    client_ = std::make_unique<Client>(Dial::Parts{host_, ours_, nullptr, {}, 5s}, Target{at_, false});
  }
  ~Bout() {
    client_.reset();
    ledger_.forget();
    server_.reset();
    leaving_.reset();
    endpoints_.clear();
  }

  void call(How how) {
    for (const std::size_t size : {1u, 2u, 20'000u}) {
      requests_.emplace_back(size, 7);
      CallOptions options;
      options.timeout = 20s;
      if (how == How::keyed) options.key = random_key();
      auto outcome = std::make_shared<Outcome>();
      client_->caller().start("test.v1.Ledger", how == How::idempotent ? "Set" : "Post", Payload(BytesView(requests_.back())), options,
                              std::make_unique<Recorder>(outcome));
      outcomes_.push_back(std::move(outcome));
    }
  }
  /// Runs `events` events; false when all calls ended before.
  bool run(std::uint64_t events) {
    const std::uint64_t until = world_.counters().events + events;
    world_.run_until([&] { return world_.counters().events >= until || ended(); }, 1min);
    return !ended();
  }
  void cut(Cut how) {
    if (how == Cut::drain) {
      leaving_ = std::move(server_);
      leaving_->shut_down(5s, [] {});
    } else {
      server_.reset();
    }
    if (how == Cut::process) ledger_.forget();
    start_server(how == Cut::process ? 2 : 0);
  }
  bool finish() { return world_.run_until([&] { return ended(); }, 5min); }

  bool ended() const {
    return std::all_of(outcomes_.begin(), outcomes_.end(), [](const auto& outcome) { return outcome->ended(); });
  }
  std::size_t count() const { return outcomes_.size(); }
  const Outcome& outcome(std::size_t i) const { return *outcomes_[i]; }
  int done(std::size_t i) const { return ledger_.done(requests_[i]); }
  bool answered(std::size_t i) const { return outcomes_[i]->messages.size() == 1 && outcomes_[i]->messages[0] == requests_[i]; }
  std::uint64_t retried() const { return ours_.counters.retried; }
  std::uint64_t replayed() const { return endpoints_.back()->replies->replayed(); }

 private:
  /// @param epoch  of a process; 0 for the one that is there
  void start_server(std::uint64_t epoch) {
    if (epoch != 0) {
      endpoints_.push_back(std::make_unique<Endpoint>());
      endpoints_.back()->name = "server";
      endpoints_.back()->boot_epoch = epoch;
      endpoints_.back()->services.add(ledger_);
    }
    server_ = std::make_unique<Server>(Server::Parts{host_, *endpoints_.back(), make_judge({}), nullptr, {}, {}, {}, {}});
    ASSERT_TRUE(server_->listen(at_));
  }

  inline static const net::Address kHost = net::Address::ip4({10, 0, 0, 1}, 0);
  net::SimWorld world_{5};
  net::Network& host_ = world_.add_host(kHost);
  net::Address at_ = net::Address::loopback(2203);
  Ledger ledger_{host_.reactor()};
  Endpoint ours_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Server> server_, leaving_;
  std::unique_ptr<Client> client_;
  std::vector<Bytes> requests_;
  std::vector<std::shared_ptr<Outcome>> outcomes_;
};

struct Told {
  int runs = 0, ok = 0, unknown = 0, not_taken = 0;
  std::uint64_t retried = 0, replayed = 0;
};

/// One bout for each event of the exchange, with the cut right after it.
Told cut_everywhere(How how, Cut cut) {
  Told told;
  for (std::uint64_t step = 1;; ++step) {
    SCOPED_TRACE("cut after event " + std::to_string(step));
    Bout bout;
    bout.call(how);
    if (!bout.run(step)) return told;
    bout.cut(cut);
    EXPECT_TRUE(bout.finish());
    ++told.runs;
    told.retried += bout.retried();
    told.replayed += bout.replayed();
    for (std::size_t i = 0; i < bout.count(); ++i) {
      const Errc code = bout.outcome(i).code();
      told.ok += code == Errc{};
      told.unknown += code == Errc::unknown;
      told.not_taken += code == Errc::busy;
      EXPECT_TRUE(code == Errc{} || code == Errc::unknown || code == Errc::busy) << bout.outcome(i).text();
      EXPECT_LE(bout.done(i), how == How::idempotent ? 2 : 1) << "done again";
      EXPECT_TRUE(code != Errc{} || (bout.done(i) >= 1 && bout.answered(i))) << "told that it was done";
      EXPECT_TRUE(code != Errc::busy || bout.done(i) == 0) << "told that it was not";
    }
    if (testing::Test::HasFailure()) return told;
  }
}

}  // namespace

TEST(Retry, WithAKeyALostConnectionIsNotSeenAndNothingIsDoneTwice) {
  const Told told = cut_everywhere(How::keyed, Cut::connection);
  EXPECT_GT(told.runs, 50);
  EXPECT_EQ(told.ok, 3 * told.runs) << "every call came to its end";
  EXPECT_GT(told.retried, 0u);
  EXPECT_GT(told.replayed, 0u) << "some had been done when the connection was lost";
}

TEST(Retry, WithAKeyARestartEndsInATrueAnswerOrInDoubt) {
  const Told told = cut_everywhere(How::keyed, Cut::process);
  EXPECT_GT(told.runs, 50);
  EXPECT_GT(told.ok, 0);
  EXPECT_GT(told.unknown, 0);
}

TEST(Retry, WithoutAKeyWhatCannotBeToldIsNotSentAgain) {
  for (const Cut cut : {Cut::connection, Cut::process}) {
    const Told told = cut_everywhere(How::plain, cut);
    EXPECT_GT(told.runs, 50);
    EXPECT_GT(told.ok, 0) << "those that had not left yet";
    EXPECT_GT(told.unknown, 0);
    EXPECT_EQ(told.not_taken, 0) << "what was not taken is made again";
    EXPECT_EQ(told.replayed, 0u);
  }
}

TEST(Retry, AnIdempotentCallSurvivesARestart) {
  const Told told = cut_everywhere(How::idempotent, Cut::process);
  EXPECT_EQ(told.ok, 3 * told.runs);
}

TEST(Retry, AServerThatDrainsIsNotSeenByItsCallers) {
  for (const How how : {How::plain, How::keyed}) {
    const Told told = cut_everywhere(how, Cut::drain);
    EXPECT_GT(told.runs, 50);
    EXPECT_EQ(told.ok, 3 * told.runs);
  }
}

TEST(Dial, WhereTheFirstPacketIsLostAnImpatientOneIsThereSooner) {
  for (const Duration impatience : {Duration(0ms), Duration(300ms)}) {
    const net::Address here = net::Address::ip4({10, 0, 0, 1}, 0), there = net::Address::ip4({10, 0, 0, 2}, 2203);
    net::SimWorld world{7};
    net::Network &ours = world.add_host(here), &theirs = world.add_host(net::Address::ip4({10, 0, 0, 2}, 0));
    Endpoint dialer, acceptor;
    std::vector<std::unique_ptr<Link>> accepted;
    const auto listening = theirs.listen(there, [&](std::unique_ptr<net::ByteStream> stream) {
      accepted.push_back(std::make_unique<Link>(theirs.reactor(), acceptor, Side::acceptor, std::move(stream), std::make_shared<Identity>(), Link::Events{}));
      accepted.back()->open();
    });
    ASSERT_TRUE(listening);
    world.partition(here, there);
    std::unique_ptr<Link> link;
    std::optional<Error> closed;
    int told = 0;
    const TimePoint start = world.now();
    Dial dial({ours, dialer, nullptr, {}, 5s, impatience}, {there, false}, [&](Result<std::unique_ptr<Link>> result) {
      ++told;
      if (!result) return;
      link = std::move(*result);
      link->set_events({{}, {}, [&](const Error& why) { closed = why; }});
    });
    world.run_for(350ms);  // the second attempt is lost, too
    world.heal(here, there);
    ASSERT_TRUE(world.run_until([&] { return link != nullptr; }, 5s));
    EXPECT_EQ(world.now() - start < 900ms, impatience > 0ms);
    world.run_for(5s);
    EXPECT_EQ(told, 1) << "the other attempts end unheard";
    EXPECT_FALSE(closed) << closed->message;
  }
}

}  // namespace ghost::b2::test
