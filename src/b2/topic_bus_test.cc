#include "b2/topic_bus.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kBegin{};

TopicLimits small_limits() {
  TopicLimits limits;
  limits.queue_messages = 3;
  limits.queue_bytes = 4096;
  limits.message_bytes = 1000;
  limits.subjects = 4;
  limits.kept_messages = 4;
  limits.held_messages = 2;
  limits.subscriptions = 8;
  return limits;
}

v1::SubscribeRequest wish(std::vector<std::string> patterns, v1::TopicPolicy policy = v1::TopicPolicy::drop_oldest) {
  v1::SubscribeRequest request;
  request.patterns = std::move(patterns);
  request.policy = policy;
  return request;
}

class TopicBusTest : public testing::Test {
 protected:
  TopicBus::Subscription subscribe(const v1::SubscribeRequest& request) {
    const auto made = bus.subscribe(request, [](std::string_view) { return true; });
    EXPECT_TRUE(made) << made.error().message;
    ack = made ? made->ack : v1::SubscribeAck();
    return made ? made->id : 0;
  }
  std::string refusal(const v1::SubscribeRequest& request) {
    const auto made = bus.subscribe(request, [](std::string_view) { return true; });
    return made ? "" : made.error().message;
  }
  /// Publishes `text`; the number of subscriptions it went to, or -1 when it waits.
  int publish(const std::string& subject, std::string_view text, TimePoint now = kBegin) {
    const auto done = bus.publish(++ticket, subject, to_bytes(as_bytes(text)), now);
    EXPECT_TRUE(done) << done.error().message;
    if (!done || !*done) return -1;
    return static_cast<int>((*done)->delivered);
  }
  /// "a#1=x a#2=y -3" for two messages and a count of three dropped.
  std::string taken(TopicBus::Subscription id) {
    std::string text;
    while (const auto event = bus.next(id)) {
      if (!text.empty()) text += " ";
      if (event->dropped) text += "-" + std::to_string(event->dropped->count);
      else text += event->message->subject + "#" + std::to_string(event->message->sequence) + "=" + std::string(as_text(event->message->data));
    }
    return text;
  }

  TopicBus bus{77, small_limits()};
  TopicBus::Ticket ticket = 0;
  v1::SubscribeAck ack;
};

TEST_F(TopicBusTest, GivesAMessageToEachWhosePatternsFitOnce) {
  const auto a = subscribe(wish({"a.*", "a.>"}));
  const auto b = subscribe(wish({"b"}));
  EXPECT_EQ(ack.epoch, 77u);
  EXPECT_EQ(publish("a.x", "1"), 1);
  EXPECT_EQ(publish("c", "nobody"), 0);
  EXPECT_EQ(bus.take_news(kBegin).readable, std::vector{a});
  EXPECT_EQ(taken(a), "a.x#1=1");
  EXPECT_EQ(taken(b), "");
  bus.unsubscribe(a);
  EXPECT_EQ(publish("a.x", "2"), 0);
  EXPECT_EQ(taken(a), "");
}

TEST_F(TopicBusTest, NumbersEachSubjectFromOne) {
  const auto all = subscribe(wish({">"}));
  publish("a", "x"), publish("b", "y"), publish("a", "z");
  EXPECT_EQ(taken(all), "a#1=x b#1=y a#2=z");
}

TEST_F(TopicBusTest, DropsTheOldestAndTellsHowManyStoodThere) {
  const auto slow = subscribe(wish({"a"}));
  for (const char* text : {"1", "2", "3", "4", "5"}) EXPECT_EQ(publish("a", text), 1);
  EXPECT_EQ(taken(slow), "-2 a#3=3 a#4=4 a#5=5");
  publish("a", "6");
  EXPECT_EQ(taken(slow), "a#6=6");
}

TEST_F(TopicBusTest, DropsTheNewestAndTellsSoWithoutWaitingForTheNext) {
  const auto slow = subscribe(wish({"a"}, v1::TopicPolicy::drop_newest));
  for (const char* text : {"1", "2", "3"}) EXPECT_EQ(publish("a", text), 1);
  for (const char* text : {"4", "5"}) EXPECT_EQ(publish("a", text), 0) << "it stands in no queue";
  EXPECT_EQ(bus.next(slow)->message->sequence, 1u);
  EXPECT_EQ(publish("a", "6"), 1);
  EXPECT_EQ(publish("a", "7"), 0);
  EXPECT_EQ(taken(slow), "a#2=2 a#3=3 -2 a#6=6 -1");
}

TEST_F(TopicBusTest, CountsAllThatWereDropped) {
  const auto slow = subscribe(wish({"a"}));
  for (int i = 0; i < 5; ++i) publish("a", "x");
  EXPECT_EQ(bus.next(slow)->dropped->total, 2u);
  for (int i = 0; i < 4; ++i) publish("a", "x");
  const auto told = bus.next(slow);
  EXPECT_EQ(told->dropped->count, 4u);
  EXPECT_EQ(told->dropped->total, 6u);
}

TEST_F(TopicBusTest, HoldsThePublisherOfASubscriptionThatBlocks) {
  const auto slow = subscribe(wish({"a"}, v1::TopicPolicy::block));
  const auto fast = subscribe(wish({">"}));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(publish("a", std::to_string(i)), 2);
  bus.take_news(kBegin);
  taken(fast);
  EXPECT_EQ(publish("a", "4"), -1);
  EXPECT_EQ(publish("b", "other subjects go on"), 1);
  EXPECT_TRUE(bus.take_news(kBegin).accepted.empty());
  EXPECT_EQ(taken(fast), "b#1=other subjects go on") << "who waits has not published";
  EXPECT_EQ(bus.next(slow)->message->sequence, 1u);
  const auto news = bus.take_news(kBegin);
  ASSERT_EQ(news.accepted.size(), 1u);
  EXPECT_EQ(news.accepted[0].second.sequence, 4u);
  EXPECT_EQ(news.accepted[0].second.delivered, 2u);
  EXPECT_EQ(taken(slow), "a#2=2 a#3=3 a#4=4");
  EXPECT_EQ(bus.next_wakeup(), TimePoint::max());
}

TEST_F(TopicBusTest, KeepsTheOrderOfASubjectWhileItsPublishersWait) {
  const auto slow = subscribe(wish({"a"}, v1::TopicPolicy::block));
  for (int i = 1; i <= 3; ++i) publish("a", std::to_string(i));
  EXPECT_EQ(publish("a", "4"), -1);
  bus.next(slow);
  EXPECT_EQ(publish("a", "5"), -1) << "there is room, but 4 came first";
  EXPECT_EQ(bus.take_news(kBegin).accepted.size(), 1u);
  EXPECT_EQ(taken(slow), "a#2=2 a#3=3 a#4=4");
  EXPECT_EQ(bus.take_news(kBegin).accepted.size(), 1u);
  EXPECT_EQ(taken(slow), "a#5=5");
}

TEST_F(TopicBusTest, DoesNotPublishWhatWasWithdrawn) {
  const auto slow = subscribe(wish({"a"}, v1::TopicPolicy::block));
  for (int i = 1; i <= 3; ++i) publish("a", std::to_string(i));
  EXPECT_EQ(publish("a", "4"), -1);
  bus.withdraw(ticket);
  EXPECT_TRUE(bus.take_news(kBegin).accepted.empty());
  EXPECT_EQ(bus.next_wakeup(), TimePoint::max()) << "it holds nobody any more";
  EXPECT_EQ(taken(slow), "a#1=1 a#2=2 a#3=3");
  EXPECT_EQ(publish("a", "5"), 1);
  EXPECT_EQ(taken(slow), "a#4=5") << "the number was not used";
}

TEST_F(TopicBusTest, RefusesMoreThanItMayHold) {
  subscribe(wish({"a"}, v1::TopicPolicy::block));
  for (int i = 1; i <= 5; ++i) publish("a", "x");
  EXPECT_EQ(bus.held(), 2u);
  const auto refused = bus.publish(99, "a", {}, kBegin);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exhausted);
  EXPECT_NE(refused.error().message.find("2 messages wait already"), std::string::npos) << refused.error().message;
}

TEST_F(TopicBusTest, EndsASubscriptionThatHoldsPublishersAndTakesNothing) {
  const auto dead = subscribe(wish({"a"}, v1::TopicPolicy::block));
  for (int i = 1; i <= 3; ++i) publish("a", "x");
  EXPECT_EQ(publish("a", "4", kBegin + 1s), -1);
  EXPECT_EQ(bus.next_wakeup(), kBegin + 11s);
  EXPECT_TRUE(bus.take_news(kBegin + 10s).ended.empty());
  const auto news = bus.take_news(kBegin + 11s);
  ASSERT_EQ(news.ended.size(), 1u);
  EXPECT_EQ(news.ended[0].first, dead);
  EXPECT_NE(news.ended[0].second.message.find("held publishers for 10 s"), std::string::npos) << news.ended[0].second.message;
  ASSERT_EQ(news.accepted.size(), 1u) << "who waited goes on";
  EXPECT_EQ(news.accepted[0].second.delivered, 0u);
  EXPECT_EQ(bus.subscriptions(), 0u);
}

TEST_F(TopicBusTest, BearsWithASubscriptionThatTakesSlowly) {
  const auto slow = subscribe(wish({"a"}, v1::TopicPolicy::block));
  for (int i = 1; i <= 3; ++i) publish("a", "x");
  TimePoint now = kBegin;
  for (int i = 0; i < 10; ++i, now += 9s) {
    EXPECT_EQ(publish("a", "x", now), -1);
    EXPECT_TRUE(bus.take_news(now + 9s).ended.empty());
    ASSERT_NE(bus.next(slow), nullptr);
    EXPECT_EQ(bus.take_news(now + 9s).accepted.size(), 1u);
  }
}

TEST_F(TopicBusTest, EndsASubscriptionThatAskedForItRatherThanDropping) {
  const auto strict = subscribe(wish({"a"}, v1::TopicPolicy::disconnect));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(publish("a", "x"), 1);
  EXPECT_EQ(publish("a", "x"), 0);
  const auto news = bus.take_news(kBegin);
  ASSERT_EQ(news.ended.size(), 1u);
  EXPECT_EQ(news.ended[0].first, strict);
  EXPECT_EQ(news.ended[0].second.code, Errc::exhausted);
  EXPECT_NE(news.ended[0].second.message.find("when 'a' number 4 came"), std::string::npos) << news.ended[0].second.message;
}

TEST_F(TopicBusTest, BoundsAQueueByBytesToo) {
  const auto slow = subscribe(wish({"a"}));
  TopicLimits limits = small_limits();
  limits.queue_bytes = 1000;
  TopicBus narrow(1, limits);
  const auto made = narrow.subscribe(wish({"a"}), [](std::string_view) { return true; });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(narrow.publish(1, "a", Bytes(600), kBegin));
  EXPECT_EQ(narrow.next(made->id)->dropped->count, 2u);
  EXPECT_EQ(narrow.next(made->id)->message->sequence, 3u);
  EXPECT_FALSE(bus.publish(1, "a", Bytes(1001), kBegin)) << "longer than a message may be";
  EXPECT_EQ(taken(slow), "");
}

TEST_F(TopicBusTest, GivesAGroupEachMessageOnce) {
  auto one = wish({"a"});
  one.group = "workers";
  const auto first = subscribe(one), second = subscribe(one);
  const auto alone = subscribe(wish({"a"}));
  for (const char* text : {"1", "2", "3", "4"}) EXPECT_EQ(publish("a", text), 2);
  EXPECT_EQ(taken(first), "a#1=1 a#3=3");
  EXPECT_EQ(taken(second), "a#2=2 a#4=4");
  EXPECT_EQ(taken(alone), "-1 a#2=2 a#3=3 a#4=4");
}

TEST_F(TopicBusTest, PassesOverTheMemberOfAGroupThatIsSlow) {
  auto one = wish({"a"}, v1::TopicPolicy::block);
  one.group = "workers";
  subscribe(one);
  const auto quick = subscribe(one);
  std::string got;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(publish("a", "x"), 1);
    got += taken(quick);
  }
  EXPECT_NE(got.find("a#20=x"), std::string::npos);
  EXPECT_EQ(bus.next_wakeup(), TimePoint::max()) << "nobody is held";
}

TEST_F(TopicBusTest, HoldsAPublisherWhenNoMemberOfAGroupHasRoom) {
  auto one = wish({"a"}, v1::TopicPolicy::block);
  one.group = "workers";
  const auto first = subscribe(one), second = subscribe(one);
  for (int i = 0; i < 6; ++i) ASSERT_EQ(publish("a", "x"), 1);
  ASSERT_EQ(publish("a", "x"), -1);
  bus.take_news(kBegin);
  ASSERT_NE(bus.next(second), nullptr);
  EXPECT_EQ(bus.take_news(kBegin).accepted.size(), 1u);
  EXPECT_TRUE(bus.take_news(kBegin + 60s).ended.empty()) << "the other holds nobody any more";
  EXPECT_NE(taken(first), "");
}

TEST_F(TopicBusTest, GivesTheLastMessageOfEachSubjectFirst) {
  publish("a.x", "1"), publish("a.y", "2"), publish("a.x", "3"), publish("b", "4");
  auto request = wish({"a.*"});
  request.last = true;
  const auto late = subscribe(request);
  EXPECT_EQ(ack.kept, 2u);
  publish("a.x", "5");
  EXPECT_EQ(taken(late), "a.y#1=2 a.x#2=3 a.x#3=5");
}

TEST_F(TopicBusTest, ResumesFromANumberInTheOrderOfPublication) {
  publish("a", "1"), publish("b", "2"), publish("a", "3"), publish("b", "4");
  auto request = wish({">"});
  request.from = 2;
  const auto late = subscribe(request);
  EXPECT_EQ(taken(late), "a#2=3 b#2=4");
  EXPECT_EQ(ack.missed, 0u);
  request.from = 0;
  request.positions = {{"b", 1}};
  EXPECT_EQ(taken(subscribe(request)), "b#1=2 b#2=4");
}

TEST_F(TopicBusTest, TellsHowManyAreNotKeptAnyMore) {
  for (int i = 1; i <= 10; ++i) publish("a", std::to_string(i));
  auto request = wish({"a"});
  request.from = 3;
  const auto late = subscribe(request);
  EXPECT_EQ(ack.kept, 3u) << "four are kept of a subject, three wait for a subscription";
  EXPECT_EQ(ack.missed, 5u);
  EXPECT_EQ(taken(late), "a#8=8 a#9=9 a#10=10");
  request.from = 11;
  subscribe(request);
  EXPECT_EQ(ack.kept + ack.missed, 0u);
}

TEST_F(TopicBusTest, BeginsAnewWithThoseWhoKnewAnotherLifeOfTheNode) {
  publish("a", "1"), publish("a", "2");
  auto request = wish({"a"});
  request.from = 1000;
  request.epoch = 76;
  EXPECT_EQ(taken(subscribe(request)), "a#1=1 a#2=2");
  EXPECT_EQ(ack.epoch, 77u);
  request.epoch = 77;
  EXPECT_EQ(taken(subscribe(request)), "");
}

TEST_F(TopicBusTest, NeverUsesANumberTwiceEvenWhenASubjectWasForgotten) {
  for (int i = 0; i < 5; ++i) publish("a", "x");
  for (const char* other : {"b", "c", "d", "e"}) publish(other, "x");
  const auto all = subscribe(wish({">"}));
  publish("a", "back");
  EXPECT_EQ(taken(all), "a#6=back");
}

TEST_F(TopicBusTest, KeepsNoMoreBytesThanAllowed) {
  TopicLimits limits = small_limits();
  limits.kept_bytes = 1000;
  TopicBus narrow(1, limits);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(narrow.publish(1, i % 2 == 0 ? "a" : "b", Bytes(200), kBegin));
    ASSERT_LE(narrow.kept_bytes(), 1000u);
  }
  EXPECT_GT(narrow.kept_bytes(), 0u);
}

TEST_F(TopicBusTest, HidesSubjectsThatMayNotBeRead) {
  publish("admin.keys", "0");
  auto request = wish({">"});
  request.from = 1;
  const auto made = bus.subscribe(request, [](std::string_view subject) { return subject != "admin.keys"; });
  ASSERT_TRUE(made);
  EXPECT_EQ(publish("admin.keys", "1"), 0);
  EXPECT_EQ(publish("open", "2"), 1);
  EXPECT_EQ(taken(made->id), "open#1=2");
}

v1::TopicMessage from_afar(const std::string& subject, std::string_view text) {
  v1::TopicMessage message;
  message.subject = subject;
  message.data = to_bytes(as_bytes(text));
  message.origin.emplace().sequence = 9;
  return message;
}

TEST_F(TopicBusTest, NumbersMessagesOfOtherNodesAsItsOwnAndTellsThoseThatAreMissing) {
  const auto reader = subscribe(wish({"a"}));
  publish("a", "1");
  ASSERT_TRUE(bus.import_message(from_afar("a", "2"), kBegin));
  bus.lost("a", 5);
  publish("a", "8");
  bus.lost("a", 1);
  EXPECT_EQ(taken(reader), "a#1=1 a#2=2 -5 a#8=8 -1");
  auto late = wish({"a"});
  late.from = 1;
  const auto again = subscribe(late);
  EXPECT_EQ(ack.missed, 9u);  // what is kept has no holes
  EXPECT_EQ(taken(again), "");
  bus.uncounted();
  const auto event = bus.next(reader);
  ASSERT_TRUE(event && event->dropped);
  EXPECT_TRUE(event->dropped->uncounted);
  EXPECT_EQ(event->dropped->count, 0u);
  EXPECT_EQ(event->dropped->total, 6u);
}

TEST_F(TopicBusTest, KeepsMissingMessagesInLineBehindThoseThatWait) {
  const auto slow = subscribe(wish({"a"}, v1::TopicPolicy::block));
  for (const char* text : {"1", "2", "3"}) EXPECT_EQ(publish("a", text), 1);
  ASSERT_TRUE(bus.import_message(from_afar("a", "4"), kBegin));
  bus.lost("a", 2);
  EXPECT_EQ(taken(slow), "a#1=1 a#2=2 a#3=3");
  bus.take_news(kBegin);
  EXPECT_EQ(taken(slow), "a#4=4 -2");
}

TEST_F(TopicBusTest, LeavesGroupsToTheNodeThatAMessageComesFrom) {
  auto request = wish({"a"});
  request.group = "g";
  const auto member = subscribe(request);
  ASSERT_TRUE(bus.import_message(from_afar("a", "1"), kBegin));
  EXPECT_EQ(taken(member), "");
  EXPECT_TRUE(bus.import_to_group("g", from_afar("a", "2")));
  EXPECT_FALSE(bus.import_to_group("h", from_afar("a", "3")));
  bus.lost_of_group("g", "a", 4);
  EXPECT_EQ(taken(member), "a#0=2 -4");
  bool elsewhere = true;
  bus.goes_elsewhere = [&](std::string_view, const std::string&) { return elsewhere; };
  std::string told;
  bus.on_published = [&](const v1::TopicMessage& message) { told += as_text(message.data); };
  EXPECT_EQ(publish("a", "x"), 0);
  elsewhere = false;
  EXPECT_EQ(publish("a", "y"), 1);
  ASSERT_TRUE(bus.import_message(from_afar("a", "z"), kBegin));
  EXPECT_EQ(told, "xy");
}

TEST_F(TopicBusTest, RefusesSubscriptionsThatMakeNoSense) {
  EXPECT_NE(refusal(wish({})).find("needs a pattern"), std::string::npos);
  EXPECT_NE(refusal(wish({"a..b"})).find("empty token"), std::string::npos);
  EXPECT_NE(refusal(wish(std::vector<std::string>(65, "a"))).find("at most 64"), std::string::npos);
  EXPECT_NE(refusal(wish({"a"}, static_cast<v1::TopicPolicy>(9))).find("policy 9"), std::string::npos);
  auto request = wish({"a"});
  request.last = true;
  request.from = 1;
  EXPECT_NE(refusal(request).find("not for both"), std::string::npos);
  request.from = 0;
  request.group = "g";
  EXPECT_NE(refusal(request).find("not to a group"), std::string::npos);
  for (int i = 0; i < 8; ++i) subscribe(wish({"a"}));
  EXPECT_NE(refusal(wish({"a"})).find("8 subscriptions are open"), std::string::npos);
  EXPECT_FALSE(bus.publish(1, "a.*", {}, kBegin));
}

}  // namespace
}  // namespace ghost::b2
