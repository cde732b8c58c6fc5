// How a connection is opened on a way that loses (docs/spec/ardus.md §9.1), on virtual time.
#include <gtest/gtest.h>

#include "b2/client_service.h"
#include "net/sim.h"
#include "net/test_certificate.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

/// Whose first connection takes a second and whose others get through only after that: what is lost is lost for all.
class SlowAtFirst : public net::Network {
 public:
  explicit SlowAtFirst(net::Network& below) : below_(below), clear_(below.reactor().now() + 1s) {}

  net::Reactor& reactor() override { return below_.reactor(); }
  Result<std::unique_ptr<net::Listener>> listen(const net::Address& at, net::OnAccept on_accept) override { return below_.listen(at, std::move(on_accept)); }
  std::unique_ptr<net::Connecting> connect(const net::Address& to, Duration timeout, net::OnConnect done) override {
    ++tries_;
    if (tries_ > 1 && reactor().now() < clear_) return std::make_unique<Lost>();
    if (tries_ > 1) return below_.connect(to, timeout, std::move(done));
    auto later = std::make_unique<Later>();
    later->timer = reactor().wake_at(clear_, [this, to, timeout, done, raw = later.get()](TimePoint) { raw->begun = below_.connect(to, timeout, done); });
    return later;
  }
  Result<std::unique_ptr<net::DatagramSocket>> open_datagram(const net::DatagramOptions& options) override { return below_.open_datagram(options); }
  Result<std::vector<net::NetworkInterface>> interfaces() override { return below_.interfaces(); }
  int tries() const { return tries_; }

 private:
  class Lost : public net::Connecting {};
  struct Later : net::Connecting {
    net::Timer timer;
    std::unique_ptr<net::Connecting> begun;
  };

  net::Network& below_;
  TimePoint clear_;
  int tries_ = 0;
};

/// A peer that accepts and says nothing on the first `silent` connections.
class Dialled : public testing::Test {
 protected:
  void listen(int silent) {
    auto listening = theirs_.listen(there_, [this, silent](std::unique_ptr<net::ByteStream> stream) {
      ++accepted_;
      if (accepted_ <= silent) return ignored_.push_back(std::make_unique<Ignored>(std::move(stream)));
      links_.push_back(std::make_unique<Link>(theirs_.reactor(), acceptor_, Side::acceptor, std::move(stream), std::make_shared<Identity>(), Link::Events{}));
      links_.back()->open();
    });
    ASSERT_TRUE(listening);
    listener_ = std::move(*listening);
  }

  void dial(net::Network& network, Duration impatience) {
    start_ = world_.now();
    dial_ = std::make_unique<Dial>(Dial::Parts{network, dialer_, nullptr, {}, 5s, impatience}, Target{there_, false}, [&](Result<std::unique_ptr<Link>> result) {
      ++told_;
      if (result) link_ = std::move(*result);
      else error_ = result.error();
    });
  }

  struct Ignored : net::StreamHandler {
    explicit Ignored(std::unique_ptr<net::ByteStream> its) : stream(std::move(its)) { stream->set_handler(*this); }
    void on_bytes(BytesView) override {}
    void on_writable() override {}
    void on_closed(const Error&) override { closed = true; }
    std::unique_ptr<net::ByteStream> stream;
    bool closed = false;
  };

  const net::Address there_ = net::Address::ip4({10, 0, 0, 2}, 2203);
  net::SimWorld world_{7};
  net::Network& ours_ = world_.add_host(net::Address::ip4({10, 0, 0, 1}, 0));
  net::Network& theirs_ = world_.add_host(net::Address::ip4({10, 0, 0, 2}, 0));
  Endpoint dialer_, acceptor_;
  std::vector<std::unique_ptr<Ignored>> ignored_;
  std::vector<std::unique_ptr<Link>> links_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<Link> link_;
  std::optional<Error> error_;
  int accepted_ = 0, told_ = 0;
  TimePoint start_;
  std::unique_ptr<Dial> dial_;
};

TEST_F(Dialled, BesideAConnectionThatDoesNotSayHelloAnotherIsMade) {
  listen(1);
  dial(ours_, 100ms);
  ASSERT_TRUE(world_.run_until([&] { return link_ != nullptr; }, 5s));
  EXPECT_GE(world_.now() - start_, 300ms);
  EXPECT_LT(world_.now() - start_, 400ms);
  world_.run_for(5s);
  EXPECT_EQ(told_, 1);
  EXPECT_TRUE(ignored_.front()->closed) << "the one that lost is closed";
  EXPECT_EQ(accepted_, 2);
}

TEST_F(Dialled, APeerThatNeverSaysHelloIsConnectedToThreeTimesAndNotMore) {
  listen(100);
  dial(ours_, 100ms);
  world_.run_for(4900ms);
  EXPECT_EQ(accepted_, 3);
  EXPECT_EQ(told_, 0);
  world_.run_for(200ms);
  EXPECT_EQ(told_, 1);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code, Errc::timed_out);
}

TEST_F(Dialled, WithoutImpatienceOneAttemptIsMade) {
  listen(100);
  dial(ours_, 0ms);
  world_.run_for(4900ms);
  EXPECT_EQ(accepted_, 1);
}

TEST_F(Dialled, OneThatWasLongInConnectingDoesNotKeepTheOthersFromGoingOn) {
  listen(1);  // TCP that took a second for its first packets sends again what it loses after three, then six: as if it said nothing
  SlowAtFirst slow(ours_);
  dial(slow, 100ms);
  ASSERT_TRUE(world_.run_until([&] { return link_ != nullptr; }, 5s));
  EXPECT_LT(world_.now() - start_, 1250ms);
  EXPECT_EQ(accepted_, 2);
}

TEST_F(Dialled, AWayThatIsLongIsWaitedForAllTheSame) {
  net::LinkConditions link;
  link.delay = 800ms;
  world_.set_default_link(link);
  listen(0);
  dial(ours_, 100ms);
  ASSERT_TRUE(world_.run_until([&] { return link_ != nullptr; }, 5s)) << (error_ ? error_->message : "");
  world_.run_for(5s);
  EXPECT_EQ(told_, 1);
}

TEST_F(Dialled, WhileNoneIsConnectedAttemptsBecomeFewer) {
  SlowAtFirst slow(ours_);
  world_.partition(net::Address::ip4({10, 0, 0, 1}, 0), there_);
  dial(slow, 100ms);
  world_.run_for(4900ms);
  EXPECT_GE(slow.tries(), 15);
  EXPECT_LE(slow.tries(), 30);
}

TEST_F(Dialled, APeerThatIsNotTrustedEndsAllAttemptsAtOnce) {
  const auto own = net::make_tls_context(net::TestCertificate("dialer").config()).value(), other = net::make_tls_context(net::TestCertificate("stranger").config()).value();
  std::vector<std::unique_ptr<net::TlsHandshake>> handshakes;
  std::vector<Result<std::unique_ptr<net::ByteStream>>> secured;
  const auto listening = theirs_.listen(there_, [&](std::unique_ptr<net::ByteStream> stream) {
    handshakes.push_back(net::tls_accept(theirs_.reactor(), std::move(stream), other, {}, 5s, [&](auto result) { secured.push_back(std::move(result)); }));
  });
  ASSERT_TRUE(listening);
  net::LinkConditions link;
  link.delay = 60ms;  // so that there is a second attempt
  world_.set_default_link(link);
  int told = 0;
  std::optional<Error> error;
  const TimePoint start = world_.now();
  Dial dial({ours_, dialer_, own, {}, 5s, 50ms}, {there_, true}, [&](Result<std::unique_ptr<Link>> result) {
    ++told;
    if (!result) error = result.error();
  });
  ASSERT_TRUE(world_.run_until([&] { return told > 0; }, 5s));
  EXPECT_LT(world_.now() - start, 500ms);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::unauthenticated) << error->message;
  world_.run_for(5s);
  EXPECT_EQ(told, 1);
}

}  // namespace

}  // namespace ghost::b2::test
