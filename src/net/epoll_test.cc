#include "net/epoll.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "net/epoll_testing.h"

namespace ghost::net {

using namespace std::chrono_literals;
using testing::make_network;
using testing::turn_until;

namespace {

struct Pipe {
  UniqueFd out, in;
  Pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    out.reset(fds[0]);
    in.reset(fds[1]);
  }
};

const EpollOptions kParks{};
const EpollOptions kSpins{50us, 0.5};

}  // namespace

TEST(Epoll, RingsTimersInOrderAndNeverEarly) {
  for (const EpollOptions& options : {kParks, kSpins}) {
    auto network = make_network(options);
    std::vector<int> rang;
    std::vector<Timer> timers;
    const TimePoint start = network->now();
    for (const int ms : {30, 1, 12, 5, 21}) {
      timers.push_back(
          network->wake_at(start + std::chrono::milliseconds(ms) + 137us, [&rang, start, ms](TimePoint now) {
            EXPECT_GE(now, start + std::chrono::milliseconds(ms) + 137us);
            EXPECT_GE(TimePoint::clock::now(), now);
            rang.push_back(ms);
          }));
    }
    EXPECT_TRUE(turn_until(*network, [&] { return rang.size() == 5; }));
    EXPECT_EQ(rang, (std::vector<int>{1, 5, 12, 21, 30}));
  }
}

TEST(Epoll, RingsFarTimersAlsoWhenANearerOneCameLaterOrWasTakenBack) {
  auto network = make_network();
  std::vector<int> rang;
  const TimePoint start = network->now();
  const auto ring = [&](int ms) {
    return network->wake_at(start + std::chrono::milliseconds(ms), [&rang, start, ms](TimePoint now) {
      EXPECT_GE(now, start + std::chrono::milliseconds(ms));
      rang.push_back(ms);
    });
  };
  const Timer farthest = ring(150);
  network->turn(network->now() + 1ms);
  const Timer nearer = ring(90);
  Timer taken_back = ring(60);
  network->turn(network->now() + 1ms);
  taken_back.reset();
  EXPECT_TRUE(turn_until(*network, [&] { return rang.size() == 2; }));
  EXPECT_EQ(rang, (std::vector<int>{90, 150}));
}

TEST(Epoll, TakesATimerBackWhenItIsDestroyed) {
  auto network = make_network();
  bool first = false, second = false;
  Timer cancelled = network->wake_at(network->now() + 1ms, [&](TimePoint) { first = true; });
  const Timer kept = network->wake_at(network->now() + 2ms, [&](TimePoint) { second = true; });
  cancelled.reset();
  EXPECT_TRUE(turn_until(*network, [&] { return second; }));
  EXPECT_FALSE(first);
}

TEST(Epoll, ReturnsFromATurnAtItsDeadline) {
  auto network = make_network();
  const TimePoint deadline = TimePoint::clock::now() + 3ms;
  network->turn(deadline);
  EXPECT_GE(TimePoint::clock::now(), deadline);
}

TEST(Epoll, KeepsOneTimeForAWholeTurn) {
  auto network = make_network();
  std::vector<TimePoint> seen;
  const auto look = [&] {
    std::this_thread::sleep_for(1ms);
    seen.push_back(network->now());
  };
  network->post(look);
  network->post(look);
  network->post([&] { network->at_turn_end(look); });
  network->turn(TimePoint::max());
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_GT(network->now(), seen[0]);
}

TEST(Epoll, RunsWhatIsPostedInOrderAndWhatThatPostsInALaterTurn) {
  auto network = make_network();
  std::string ran;
  network->post([&] {
    ran += 'a';
    network->post([&] { ran += 'c'; });
  });
  network->post([&] { ran += 'b'; });
  network->turn(TimePoint::max());
  EXPECT_EQ(ran, "ab");
  network->turn(TimePoint::max());
  EXPECT_EQ(ran, "abc");
}

TEST(Epoll, TakesPostsOfOtherThreadsWithoutLosingOrMixingAny) {
  for (const EpollOptions& options : {kParks, kSpins}) {
    auto network = make_network(options);
    constexpr int kEach = 50'000;
    int next[2] = {0, 0};
    std::vector<std::thread> posters;
    for (int who = 0; who < 2; ++who) {
      posters.emplace_back([&, who] {
        for (int i = 0; i < kEach; ++i) {
          network->post([&next, who, i] {
            EXPECT_EQ(next[who], i);
            next[who] = i + 1;
          });
        }
      });
    }
    EXPECT_TRUE(turn_until(*network, [&] { return next[0] == kEach && next[1] == kEach; }));
    for (auto& poster : posters) poster.join();
  }
}

TEST(Epoll, RunsTheTurnsEndAfterEverythingElseAndInOrder) {
  auto network = make_network();
  std::string ran;
  const Timer timer = network->wake_at(network->now(), [&](TimePoint) {
    ran += 't';
    network->at_turn_end([&] {
      ran += '1';
      network->at_turn_end([&] { ran += '3'; });
    });
    network->at_turn_end([&] { ran += '2'; });
  });
  network->post([&] { ran += 'p'; });
  network->turn(TimePoint::max());
  EXPECT_EQ(ran, "tp123");
}

TEST(Epoll, DoesNotSleepOverWorkPlannedBetweenTurns) {
  auto network = make_network();
  bool ran = false;
  network->at_turn_end([&] { ran = true; });
  network->turn(TimePoint::min());
  EXPECT_TRUE(ran);
}

TEST(Epoll, EndsRunWhenAskedByAThreadOrASignal) {
  auto network = make_network();
  std::thread stopper([&] {
    std::this_thread::sleep_for(5ms);
    network->stop();
  });
  network->run();
  stopper.join();

  static EpollNetwork* stopped;
  stopped = network.get();
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { stopped->stop(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  const Timer timer = network->wake_at(network->now() + 1ms, [](TimePoint) { ::raise(SIGUSR1); });
  network->run();
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(Epoll, WatchesAPipeForSeveralWatchersUntilEachLetsGo) {
  auto network = make_network();
  const Pipe pipe;
  int first = 0, second = 0;
  std::unique_ptr<EpollNetwork::Watch> once, always;
  once = network->watch(pipe.out.get(), POLLIN, [&](short events) {
    EXPECT_EQ(events & POLLIN, POLLIN);
    ++first;
    once.reset();
  });
  always = network->watch(pipe.out.get(), POLLIN, [&](short) { ++second; });
  network->turn(TimePoint::min());
  EXPECT_EQ(first + second, 0);
  ASSERT_EQ(::write(pipe.in.get(), "x", 1), 1);
  EXPECT_TRUE(turn_until(*network, [&] { return second == 3; }));
  EXPECT_EQ(first, 1);
}

TEST(Epoll, TellsOnceThatADescriptorCannotBeWatched) {
  auto network = make_network();
  std::vector<short> told;
  const auto bad = network->watch(-1, POLLIN, [&](short events) { told.push_back(events); });
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto plain = network->watch(file.get(), POLLIN, [&](short events) { told.push_back(events); });
  EXPECT_TRUE(told.empty());
  for (int i = 0; i < 3; ++i) network->turn(TimePoint::min());
  EXPECT_EQ(told, (std::vector<short>{POLLNVAL, POLLNVAL}));
}

TEST(Epoll, LetsGoOfWhatWasPlannedAndNeverCame) {
  auto network = make_network();
  const auto alive = std::make_shared<int>(1);
  EpollNetwork* const raw = network.get();
  auto listener = network->listen(Address::loopback(0), [](auto) {});
  ASSERT_TRUE(listener) << listener.error().message;
  auto socket = std::make_shared<std::unique_ptr<Listener>>(std::move(*listener));
  auto timer = std::make_shared<Timer>(network->wake_at(network->now() + 1h, [alive](TimePoint) {}));
  network->post([alive, socket = std::move(socket)] {});
  network->at_turn_end([alive, timer = std::move(timer)] {});
  auto plans_more_as_it_goes = std::shared_ptr<int>(new int, [raw, alive](int* p) {
    raw->post([alive] {});
    delete p;
  });
  Timer outer = network->wake_at(network->now() + 1h, [alive, kept = std::move(plans_more_as_it_goes)](TimePoint) {});
  auto owns_outer = std::make_shared<Timer>(std::move(outer));
  network->post([owns_outer = std::move(owns_outer)] {});
  network.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace ghost::net
