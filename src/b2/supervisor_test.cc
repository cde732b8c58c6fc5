#include "b2/supervisor.h"

#include <gtest/gtest.h>

#include <csignal>

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;
using State = Supervisor::State;
using Action = Supervisor::Action;
using Actions = std::vector<Action>;

constexpr ExitStatus kSegv{.signal = SIGSEGV};
constexpr ExitStatus kTerm{.signal = SIGTERM};
constexpr ExitStatus kKill{.signal = SIGKILL};

/// A child on virtual time: lets time pass wake-up by wake-up, as a reactor would.
class SupervisorTest : public testing::Test {
 protected:
  void make_ready() {
    child.start(now);
    child.take_actions();
    child.on_hello(now);
  }
  /// Passes `span`, and tells what was to be done meanwhile.
  Actions pass(Duration span) {
    Actions all;
    const TimePoint end = now + span;
    while (child.next_wakeup() <= end) {
      now = child.next_wakeup();
      child.on_time(now);
      for (const Action action : child.take_actions()) {
        all.push_back(action);
        if (action == Action::ping && answers_ping) child.on_pong(now);
      }
    }
    now = end;
    return all;
  }
  /// Ends the process and tells how long the supervisor waits before it starts the next; zero when it does not.
  Duration crash() {
    child.on_exit(kSegv, now);
    return child.state() == State::backing_off ? child.next_start() - now : Duration::zero();
  }

  Supervisor child;
  TimePoint now{1h};
  bool answers_ping = true;
};

TEST(ExitStatus, IsToldWithTheNameOfTheSignal) {
  EXPECT_EQ((ExitStatus{.code = 3}).text(), "exited with status 3");
  EXPECT_EQ(kSegv.text(), "killed by signal 11 (SIGSEGV)");
  EXPECT_EQ((ExitStatus{.signal = SIGABRT, .core = true}).text(), "killed by signal 6 (SIGABRT), core dumped");
  EXPECT_EQ((ExitStatus{.signal = 63}).text(), "killed by signal 63");
}

TEST_F(SupervisorTest, StartsAChildWhichIsReadyWithItsHello) {
  EXPECT_EQ(child.state(), State::stopped);
  EXPECT_EQ(child.next_wakeup(), TimePoint::max());
  child.start(now);
  EXPECT_EQ(child.take_actions(), Actions{Action::spawn});
  EXPECT_EQ(child.state(), State::starting);
  child.on_hello(now + 20ms);
  EXPECT_EQ(child.state(), State::ready);
  EXPECT_EQ(child.restarts(), 0u);
  EXPECT_EQ(child.last_exit(), "");
  child.start(now + 30ms);
  EXPECT_EQ(child.take_actions(), Actions{});
}

TEST_F(SupervisorTest, KillsAChildThatNeverSaysHello) {
  child.start(now);
  child.take_actions();
  EXPECT_EQ(pass(9999ms), Actions{});
  EXPECT_EQ(pass(1ms), Actions{Action::kill});
  EXPECT_EQ(child.state(), State::ending);
  EXPECT_TRUE(child.running());
  child.on_exit(kKill, now);
  EXPECT_EQ(child.last_exit(), "killed by the host: it did not say HELLO within 10.0 s");
  EXPECT_EQ(child.state(), State::backing_off);
}

TEST_F(SupervisorTest, PingsAReadyChildForAsLongAsItAnswers) {
  make_ready();
  EXPECT_EQ(pass(21s), Actions(4, Action::ping));
  EXPECT_EQ(child.state(), State::ready);
}

TEST_F(SupervisorTest, KillsAChildThatStopsAnsweringPing) {
  make_ready();
  answers_ping = false;
  EXPECT_EQ(pass(14999ms), Actions{Action::ping});
  EXPECT_EQ(pass(1ms), Actions{Action::kill});
  child.on_exit(kKill, now);
  EXPECT_EQ(child.last_exit(), "killed by the host: it did not answer PING for 10.0 s");
}

TEST_F(SupervisorTest, DoesNotBlameAChildForASilenceInWhichTheHostItselfWasHeldUp) {
  make_ready();
  answers_ping = false;
  EXPECT_EQ(pass(6s), Actions{Action::ping});
  now += 1min;
  child.on_time(now);
  EXPECT_EQ(child.take_actions(), Actions{});
  child.on_pong(now);
  EXPECT_EQ(child.state(), State::ready);
}

TEST_F(SupervisorTest, StartsACrashedChildAgainAfterATenthOfASecond) {
  make_ready();
  EXPECT_EQ(crash(), 100ms);
  EXPECT_EQ(child.last_exit(), "killed by signal 11 (SIGSEGV)");
  EXPECT_FALSE(child.running());
  EXPECT_TRUE(child.comes_back());
  EXPECT_EQ(pass(99ms), Actions{});
  EXPECT_EQ(pass(1ms), Actions{Action::spawn});
  EXPECT_EQ(child.restarts(), 1u);
}

TEST_F(SupervisorTest, GivesUpAChildThatExitsAtOnceFiveTimesInAMinute) {
  child.start(now);
  for (const Duration wait : {100ms, 100ms, 200ms, 400ms}) {
    EXPECT_EQ(crash(), wait);
    EXPECT_EQ(pass(wait).back(), Action::spawn);
  }
  EXPECT_EQ(crash(), 0ms);
  EXPECT_EQ(child.state(), State::failed);
  EXPECT_FALSE(child.comes_back());
  EXPECT_EQ(child.next_wakeup(), TimePoint::max());
  EXPECT_EQ(child.restarts(), 4u);
}

TEST_F(SupervisorTest, DoublesTheBackOffUpToHalfAMinute) {
  child.start(now);
  Duration last{};
  for (const Duration wait : {100ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms}) {
    child.on_hello(now);
    pass(20s);  // slow enough not to be given up, too short to have done well
    last = crash();
    EXPECT_EQ(last, wait);
    pass(last);
  }
}

TEST_F(SupervisorTest, BeginsWithAShortBackOffAgainAfterAMinuteOfDoingWell) {
  make_ready();
  pass(20s);
  crash();
  pass(100ms);
  child.on_hello(now);
  pass(20s);
  EXPECT_EQ(crash(), 100ms);
  pass(100ms);
  child.on_hello(now);
  EXPECT_EQ(crash(), 200ms);
  pass(200ms);
  child.on_hello(now);
  pass(60s);
  EXPECT_EQ(crash(), 100ms);
}

TEST_F(SupervisorTest, StartsAFailedChildByHandWithACleanSlate) {
  child.start(now);
  for (int i = 0; i < 5; ++i) {
    crash();
    pass(1s);
  }
  ASSERT_EQ(child.state(), State::failed);
  child.start(now);
  EXPECT_EQ(child.state(), State::failed);
  child.restart(now);
  EXPECT_EQ(child.take_actions(), Actions{Action::spawn});
  EXPECT_EQ(crash(), 100ms);
}

TEST_F(SupervisorTest, RestartsAReadyChildWithoutCountingAFailure) {
  make_ready();
  child.restart(now);
  EXPECT_EQ(child.take_actions(), Actions{Action::terminate});
  EXPECT_EQ(child.state(), State::ending);
  EXPECT_TRUE(child.comes_back());
  child.restart(now);
  EXPECT_EQ(child.take_actions(), Actions{});
  child.on_exit(kTerm, now);
  EXPECT_EQ(child.take_actions(), Actions{Action::spawn});
  EXPECT_EQ(child.last_exit(), "killed by signal 15 (SIGTERM)");
  EXPECT_EQ(crash(), 100ms);
}

TEST_F(SupervisorTest, RestartsAChildThatWaitsAtOnce) {
  make_ready();
  crash();
  child.restart(now);
  EXPECT_EQ(child.take_actions(), Actions{Action::spawn});
  EXPECT_EQ(child.state(), State::starting);
}

TEST_F(SupervisorTest, StopsAChildAndKillsOneThatDoesNotListen) {
  make_ready();
  child.stop(now);
  EXPECT_EQ(child.take_actions(), Actions{Action::terminate});
  EXPECT_FALSE(child.comes_back());
  EXPECT_EQ(pass(4999ms), Actions{});
  EXPECT_EQ(pass(1ms), Actions{Action::kill});
  EXPECT_EQ(pass(1min), Actions{});
  child.on_exit(kKill, now);
  EXPECT_EQ(child.state(), State::stopped);
  EXPECT_EQ(child.last_exit(), "killed by the host: it did not end within 5.0 s of SIGTERM");
  EXPECT_EQ(child.take_actions(), Actions{});
}

TEST_F(SupervisorTest, StopsAChildThatWaitsForItsNextStart) {
  make_ready();
  crash();
  child.stop(now);
  EXPECT_EQ(child.state(), State::stopped);
  EXPECT_EQ(pass(1min), Actions{});
}

TEST_F(SupervisorTest, StopsAChildThatWasAboutToBeRestarted) {
  make_ready();
  child.restart(now);
  child.stop(now);
  child.on_exit(kTerm, now);
  EXPECT_EQ(child.state(), State::stopped);
}

TEST_F(SupervisorTest, WaitsAMomentForTheReasonWhenTheConnectionEndsFirst) {
  make_ready();
  child.on_lost({Errc::io, "reset by the peer"}, now);
  EXPECT_EQ(child.state(), State::ending);
  EXPECT_TRUE(child.comes_back());
  EXPECT_EQ(pass(2ms), Actions{});
  EXPECT_EQ(crash(), 100ms);
  EXPECT_EQ(child.last_exit(), "killed by signal 11 (SIGSEGV)");
}

TEST_F(SupervisorTest, KillsAChildThatHasLostItsConnectionAndStays) {
  make_ready();
  child.on_lost({Errc::malformed, "frame of type 3: must be on a stream"}, now);
  EXPECT_EQ(pass(1s), Actions{Action::kill});
  child.on_exit(kKill, now);
  EXPECT_EQ(child.last_exit(), "killed by the host: its connection to the host ended: frame of type 3: must be on a stream");
  EXPECT_EQ(child.state(), State::backing_off);
}

TEST_F(SupervisorTest, TreatsAProgramThatCannotBeStartedAsAFailure) {
  child.start(now);
  child.on_spawn_failed({Errc::not_found, "exec /opt/ariascribe: no such file or directory"}, now);
  EXPECT_EQ(child.state(), State::backing_off);
  EXPECT_FALSE(child.running());
  EXPECT_EQ(child.last_exit(), "not started: exec /opt/ariascribe: no such file or directory");
}

TEST_F(SupervisorTest, IgnoresWhatCannotBeWhileNothingRuns) {
  child.on_exit(kSegv, now);
  child.on_hello(now);
  child.on_pong(now);
  child.on_lost({Errc::io, "gone"}, now);
  child.on_time(now);
  EXPECT_EQ(child.state(), State::stopped);
  EXPECT_EQ(child.take_actions(), Actions{});
}

}  // namespace
}  // namespace ghost::b2
