// Topics over every transport: who subscribed hears what was published, in order, or how much of it was lost.
#include "transport_world.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

/// A subscription, and what came of it.
struct Heard {
  std::vector<v1::TopicEvent> events;
  std::vector<std::size_t> sizes;  ///< of the events, as they came
  std::optional<Status> end;
  ClientCall call;

  bool subscribed() const { return !events.empty() && events[0].ack.has_value(); }
  std::size_t messages() const {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const v1::TopicEvent& event) { return event.message.has_value(); }));
  }
  std::uint64_t dropped() const {
    std::uint64_t all = 0;
    for (const v1::TopicEvent& event : events) all += event.dropped ? event.dropped->count : 0;
    return all;
  }
  bool has(std::uint64_t sequence) const {
    return std::any_of(events.begin(), events.end(), [&](const v1::TopicEvent& event) { return event.message && event.message->sequence == sequence; });
  }
};

class Listener : public CallHandler {
 public:
  explicit Listener(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}
  void on_message(BytesView message) override {
    const auto event = decode<v1::TopicEvent>(message);
    ASSERT_TRUE(event) << event.error().message;
    heard_->events.push_back(*event);
    heard_->sizes.push_back(message.size());
  }
  void on_end(const Status& status) override { heard_->end = status; }

 private:
  std::shared_ptr<Heard> heard_;
};

class Topics : public OverTransports {
 protected:
  enum class Reads : std::uint8_t { at_once, when_released };

  void open(std::size_t queue = 1024) {
    TopicLimits limits;
    limits.queue_messages = queue;
    stage_.serve_topics(limits);
    stage_.connect();
  }

  std::shared_ptr<Heard> subscribe(v1::TopicPolicy policy, Reads reads = Reads::at_once, std::string pattern = "a.>") {
    v1::SubscribeRequest request;
    request.patterns = {std::move(pattern)};
    request.policy = policy;
    auto heard = std::make_shared<Heard>();
    CallOptions options = without_timeout();
    options.manual_credit = reads == Reads::when_released;
    heard->call = stage_.link->channel().start("b2.v1.Topics", "Subscribe", payload(request), options, std::make_unique<Listener>(heard));
    EXPECT_TRUE(transport_->until([&] { return heard->subscribed() || heard->end; }));
    return heard;
  }

  /// Publishes under "a.x", up to 64 at a time; every answer's sequence number is one more than the one before.
  void publish(std::size_t count, std::size_t size) {
    std::size_t begun = 0, done = 0;
    const auto more = [&] {
      while (begun < count && begun - done < 64) {
        ++begun;
        v1::PublishRequest request{"a.x", Bytes(size)};
        v1::TopicsClient(stage_.link->channel()).publish(request, [&](const Result<v1::PublishResponse>& response) {
          ++done;
          ASSERT_TRUE(response) << response.error().message;
          EXPECT_EQ(response->sequence, ++published_);
        });
      }
      return done == count;
    };
    ASSERT_TRUE(transport_->until(more));
  }

  struct Publishing {
    std::optional<Result<v1::PublishResponse>> answer;
    ClientCall call;
  };
  std::shared_ptr<Publishing> begin_publishing(const std::string& subject, std::size_t size = 0) {
    auto begun = std::make_shared<Publishing>();
    begun->call = v1::TopicsClient(stage_.link->channel()).publish({subject, Bytes(size)}, [begun](Result<v1::PublishResponse> response) { begun->answer = std::move(response); });
    return begun;
  }
  Result<v1::PublishResponse> publish_one(const std::string& subject, std::size_t size = 0) {
    const auto begun = begin_publishing(subject, size);
    EXPECT_TRUE(transport_->until([&] { return begun->answer.has_value(); }));
    return *begun->answer;
  }

  std::uint64_t published_ = 0;
};

}  // namespace

TEST_P(Topics, WhoSubscribedHearsAllThatIsPublishedFromThenOn) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_TRUE(publish_one("a.x"));
  ++published_;
  const auto heard = subscribe(v1::TopicPolicy::drop_oldest);
  ASSERT_TRUE(heard->subscribed());
  EXPECT_EQ(heard->events[0].ack->epoch, 2203u);
  publish(300, 100);
  ASSERT_TRUE(transport_->until([&] { return heard->messages() == 300; }));
  for (std::size_t i = 1; i < heard->events.size(); ++i) ASSERT_EQ(heard->events[i].message->sequence, i + 1);
}

TEST_P(Topics, ASlowSubscriberIsToldWhatItLostAndTheOthersLoseNothing) {
  ASSERT_NO_FATAL_FAILURE(open(50));
  const auto oldest = subscribe(v1::TopicPolicy::drop_oldest, Reads::when_released);
  const auto newest = subscribe(v1::TopicPolicy::drop_newest, Reads::when_released);
  const auto all = subscribe(v1::TopicPolicy::block);
  publish(1000, 1000);
  ASSERT_TRUE(transport_->until([&] { return all->messages() == 1000; }));
  EXPECT_EQ(all->dropped(), 0u);
  for (const auto& slow : {oldest, newest}) {
    EXPECT_LT(slow->messages(), 200u) << "it took nothing";
    std::size_t released = 0;
    ASSERT_TRUE(transport_->until([&] {
      while (released < slow->sizes.size()) slow->call.release(slow->sizes[released++]);
      return slow->messages() + slow->dropped() == 1000;
    }));
    std::uint64_t next = 1;  // each message stands at its place, with those told as dropped before it
    for (const v1::TopicEvent& event : slow->events) {
      if (event.dropped) next += event.dropped->count;
      if (event.message) {
        EXPECT_EQ(event.message->sequence, next++);
      }
    }
    EXPECT_GT(slow->dropped(), 700u);
  }
  EXPECT_TRUE(oldest->has(1000)) << "the last message is among them";
  EXPECT_FALSE(newest->has(1000)) << "the last were dropped";
}

TEST_P(Topics, ASubscriptionThatBlocksHoldsPublishersUntilItTakesOrTheyGiveUp) {
  ASSERT_NO_FATAL_FAILURE(open(1));
  const auto blocking = subscribe(v1::TopicPolicy::block, Reads::when_released);
  // Answers come in the order of the calls, but for those that are held.
  std::shared_ptr<Publishing> held;
  std::uint64_t accepted = 0;
  while (!held && accepted < 1000) {
    auto next = begin_publishing("a.x", 10'000);
    ASSERT_TRUE(publish_one("b"));
    if (next->answer) ++accepted;
    else held = next;
  }
  ASSERT_TRUE(held);
  EXPECT_GT(accepted, 1u);
  held->call.cancel();
  const auto second = begin_publishing("a.x");
  ASSERT_TRUE(publish_one("b"));
  EXPECT_FALSE(second->answer);
  std::size_t released = 0;
  ASSERT_TRUE(transport_->until([&] {
    while (released < blocking->sizes.size()) blocking->call.release(blocking->sizes[released++]);
    return second->answer && blocking->messages() == accepted + 1;
  }));
  ASSERT_TRUE(*second->answer) << (*second->answer).error().message;
  EXPECT_EQ((*second->answer)->sequence, accepted + 1) << "what was given up was not published";
}

TEST_P(Topics, ASubscriptionThatWantsNoGapsEndsRatherThanHavingOne) {
  ASSERT_NO_FATAL_FAILURE(open(5));
  const auto strict = subscribe(v1::TopicPolicy::disconnect, Reads::when_released);
  publish(300, 1000);
  ASSERT_TRUE(transport_->until([&] { return strict->end.has_value(); }));
  ASSERT_FALSE(*strict->end);
  EXPECT_EQ(strict->end->error().code, Errc::exhausted);
  EXPECT_NE(strict->end->error().message.find("subscribe again from the number after the last one received"), std::string::npos) << strict->end->error().message;
}

TEST_P(Topics, ASubscriptionThatIsCancelledIsGone) {
  ASSERT_NO_FATAL_FAILURE(open());
  const auto gone = subscribe(v1::TopicPolicy::drop_oldest);
  EXPECT_EQ(publish_one("a.x")->delivered, 1u);
  gone->call.cancel();
  EXPECT_EQ(publish_one("a.x")->delivered, 0u) << "the cancel went first on the same connection";
}

TEST_P(Topics, AServiceThatClosesTellsEveryone) {
  ASSERT_NO_FATAL_FAILURE(open(1));
  const auto heard = subscribe(v1::TopicPolicy::drop_oldest);
  stage_.topics->close();
  ASSERT_TRUE(transport_->until([&] { return heard->end.has_value(); }));
  EXPECT_EQ(heard->end->error().code, Errc::busy);
  EXPECT_NE(heard->end->error().message.find("server is shutting down"), std::string::npos) << heard->end->error().message;
  EXPECT_EQ(publish_one("a.x").error().code, Errc::busy);
  EXPECT_EQ(subscribe(v1::TopicPolicy::drop_oldest)->end->error().code, Errc::busy);
}

TEST_P(Topics, AWrongSubjectIsRefusedWithTheReason) {
  ASSERT_NO_FATAL_FAILURE(open());
  const auto answer = publish_one("a.*");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::malformed);
  EXPECT_NE(answer.error().message.find("has a wildcard"), std::string::npos) << answer.error().message;
  const auto refused = subscribe(v1::TopicPolicy::drop_oldest, Reads::at_once, "a..b");
  ASSERT_TRUE(refused->end);
  EXPECT_EQ(refused->end->error().code, Errc::malformed);
}

INSTANTIATE_TEST_SUITE_P(Over, Topics, testing::ValuesIn(all_transports()), [](const auto& over) { return over.param.name; });

}  // namespace ghost::b2::test
