// Seeded schedules on virtual time: subscribers that are quick, slow or dead, of every policy, alone and in groups. What each was
// told is compared with what was published.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "b2/topic_bus.h"
#include "b2/topic_subject.h"
#include "base/random.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;

struct Published {
  std::string subject;
  std::uint64_t sequence;
};

struct Witness {
  TopicBus::Subscription id;
  v1::SubscribeRequest request;
  double appetite;                  ///< how likely it takes an event in a turn
  std::size_t began;                ///< messages published before it came
  std::vector<Published> received;
  std::uint64_t dropped = 0;
  std::vector<std::size_t> dropped_before;  ///< for each message received: how many were told as dropped up to it
  std::optional<std::size_t> ended;         ///< messages published when it was ended by the bus
};

class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : random_(seed) {
    limits_.queue_messages = 1 + random_.below(12);
    limits_.queue_bytes = 2000;
    limits_.held_messages = 20;
    limits_.kept_messages = 5;
    limits_.subjects = 64;
    bus_.emplace(seed, limits_);
  }

  void run() {
    for (int turn = 0; turn < 400; ++turn, now_ += 50ms) {
      if (witnesses_.size() < 12 && random_.chance(0.1)) come();
      if (random_.chance(0.01) && !witnesses_.empty()) leave();
      for (std::uint64_t n = random_.below(4); n > 0; --n) publish();
      if (random_.chance(0.02) && !held_.empty()) withdraw();
      for (auto& witness : witnesses_) {
        while (random_.chance(witness->appetite) && take(*witness)) {
        }
        news();
      }
    }
    for (auto& witness : witnesses_) {
      while (take(*witness)) news();
    }
    // Who was held can go on once the others took all, until nothing moves.
    for (bool moved = true; moved;) {
      news();
      moved = false;
      for (auto& witness : witnesses_) {
        while (take(*witness)) moved = true;
      }
    }
    EXPECT_EQ(bus_->held(), 0u);
  }

  void check() const {
    for (const auto& witness : witnesses_) {
      if (witness->request.group.empty()) check_alone(*witness);
    }
    check_groups();
    check_numbers();
  }
  std::size_t dropped() const {
    std::size_t all = 0;
    for (const auto& witness : witnesses_) all += witness->dropped;
    return all;
  }
  std::size_t held_once() const { return held_once_; }
  std::size_t ended() const { return ended_; }

 private:
  std::string subject() { return (random_.chance(0.5) ? "a." : "b.") + std::to_string(random_.below(3)); }

  void come() {
    static const std::vector<std::string> patterns = {">", "a.*", "b.>", "a.0", "*.1"};
    auto witness = std::make_unique<Witness>();
    witness->request.patterns = {patterns[random_.below(patterns.size())]};
    if (random_.chance(0.3)) witness->request.patterns.push_back(patterns[random_.below(patterns.size())]);
    witness->request.policy = static_cast<v1::TopicPolicy>(random_.below(4));
    if (random_.chance(0.3)) {
      witness->request.group = "g";
      witness->request.patterns = {">"};
    }
    witness->appetite = random_.chance(0.2) ? 0.02 : random_.unit();
    witness->began = published_.size();
    const auto made = bus_->subscribe(witness->request, [](std::string_view) { return true; });
    ASSERT_TRUE(made) << made.error().message;
    witness->id = made->id;
    witnesses_.push_back(std::move(witness));
  }

  /// It goes without taking what waits: its record ends here, as that of one which the bus ends.
  void leave() {
    Witness& witness = *witnesses_[random_.below(witnesses_.size())];
    if (witness.ended) return;
    witness.ended = published_.size();
    bus_->unsubscribe(witness.id);
    news();
  }

  void publish() {
    const std::string under = subject();
    const TopicBus::Ticket ticket = ++last_ticket_;
    const auto done = bus_->publish(ticket, under, Bytes(random_.below(300)), now_);
    if (!done) {
      EXPECT_EQ(done.error().code, Errc::exhausted);
    } else if (*done) {
      published_.push_back({under, (*done)->sequence});
    } else {
      ++held_once_;
      held_[ticket] = under;
    }
    news();
  }

  void withdraw() {
    bus_->withdraw(held_.begin()->first);
    held_.erase(held_.begin());
    news();
  }

  bool take(Witness& witness) {
    if (witness.ended) return false;
    const auto event = bus_->next(witness.id);
    if (!event) return false;
    if (event->dropped) {
      EXPECT_GT(event->dropped->count, 0u);
      witness.dropped += event->dropped->count;
      EXPECT_EQ(event->dropped->total, witness.dropped);
    } else {
      witness.received.push_back({event->message->subject, event->message->sequence});
      witness.dropped_before.push_back(static_cast<std::size_t>(witness.dropped));
    }
    return true;
  }

  void news() {
    const TopicBus::News news = bus_->take_news(now_);
    for (const auto& [ticket, accepted] : news.accepted) {
      ASSERT_TRUE(held_.contains(ticket));
      published_.push_back({held_.extract(ticket).mapped(), accepted.sequence});
    }
    for (const auto& [id, why] : news.ended) {
      ++ended_;
      for (auto& witness : witnesses_) {
        if (witness->id == id) witness->ended = published_.size();
      }
    }
  }

  bool fits(const Witness& witness, const Published& message) const {
    return std::any_of(witness.request.patterns.begin(), witness.request.patterns.end(), [&](const std::string& pattern) { return matches(pattern, message.subject); });
  }

  /// Every message of its subjects was received at its place, or counted as dropped at that place.
  void check_alone(const Witness& witness) const {
    std::vector<Published> meant;
    for (std::size_t i = witness.began; i < (witness.ended ? *witness.ended : published_.size()); ++i) {
      if (fits(witness, published_[i])) meant.push_back(published_[i]);
    }
    for (std::size_t i = 0; i < witness.received.size(); ++i) {
      const std::size_t place = i + witness.dropped_before[i];
      ASSERT_LT(place, meant.size());
      EXPECT_EQ(witness.received[i].subject, meant[place].subject);
      EXPECT_EQ(witness.received[i].sequence, meant[place].sequence);
    }
    if (!witness.ended) {
      EXPECT_EQ(witness.received.size() + witness.dropped, meant.size());
    }
    if (witness.request.policy == v1::TopicPolicy::block || witness.request.policy == v1::TopicPolicy::disconnect) {
      EXPECT_EQ(witness.dropped, 0u);
    }
  }

  /// A group got no message twice, and none was lost but those told, as long as its members stayed.
  void check_groups() const {
    std::map<std::pair<std::string, std::uint64_t>, int> times;
    std::size_t dropped = 0, began = published_.size();
    bool all_stayed = true;
    for (const auto& witness : witnesses_) {
      if (witness->request.group.empty()) continue;
      for (const Published& message : witness->received) ++times[{message.subject, message.sequence}];
      dropped += witness->dropped;
      began = std::min(began, witness->began);
      all_stayed = all_stayed && !witness->ended;
    }
    for (const auto& [message, count] : times) EXPECT_EQ(count, 1) << message.first << " " << message.second;
    if (all_stayed) {
      EXPECT_EQ(times.size() + dropped, published_.size() - began);
    }
  }

  /// Each subject was numbered from one, without a gap, in the order of publication.
  void check_numbers() const {
    std::map<std::string, std::uint64_t> last;
    for (const Published& message : published_) EXPECT_EQ(message.sequence, ++last[message.subject]);
  }

  SeededRandom random_;
  TopicLimits limits_;
  std::optional<TopicBus> bus_;
  TimePoint now_{};
  TopicBus::Ticket last_ticket_ = 0;
  std::map<TopicBus::Ticket, std::string> held_;
  std::vector<Published> published_;
  std::vector<std::unique_ptr<Witness>> witnesses_;
  std::size_t held_once_ = 0, ended_ = 0;
};

TEST(TopicBusProperty, NothingIsLostInSilenceOrOutOfOrder) {
  std::size_t dropped = 0, held = 0, ended = 0;
  for (std::uint64_t seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Schedule schedule(seed);
    schedule.run();
    schedule.check();
    dropped += schedule.dropped();
    held += schedule.held_once();
    ended += schedule.ended();
  }
  EXPECT_GT(dropped, 500u) << "the schedules are to be hard ones";
  EXPECT_GT(held, 500u);
  EXPECT_GT(ended, 30u);
}

TEST(TopicBusProperty, WhoResumesFromTheLastNumberMissesNothingThatIsKept) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    TopicBus bus(seed);
    std::map<std::string, std::uint64_t> next;
    std::uint64_t published = 0, received = 0;
    for (int life = 0; life < 10; ++life) {
      v1::SubscribeRequest request;
      request.patterns = {">"};
      request.from = 1;
      for (const auto& [subject, sequence] : next) request.positions.push_back({subject, sequence});
      const auto made = bus.subscribe(request, [](std::string_view) { return true; });
      ASSERT_TRUE(made);
      ASSERT_EQ(made->ack.missed, 0u);
      for (std::uint64_t n = random.below(30); n > 0; --n, ++published) {
        ASSERT_TRUE(bus.publish(1, "s." + std::to_string(random.below(4)), {}, {}));
      }
      while (random.chance(life == 9 ? 1.0 : 0.9)) {
        const auto event = bus.next(made->id);
        if (!event) break;
        ASSERT_TRUE(event->message);
        std::uint64_t& expected = next.try_emplace(event->message->subject, 1).first->second;
        ASSERT_EQ(event->message->sequence, expected++);
        ++received;
      }
      bus.unsubscribe(made->id);
      for (std::uint64_t n = random.below(10); n > 0 && life < 9; --n, ++published) {
        ASSERT_TRUE(bus.publish(1, "s." + std::to_string(random.below(4)), {}, {}));
      }
    }
    EXPECT_EQ(received, published);
  }
}

}  // namespace
}  // namespace ghost::b2
