// What Watch tells and when, on virtual time.
#include <gtest/gtest.h>

#include "host_fixture.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;
using test::HostFixture;

class HostWatchTest : public testing::Test {
 protected:
  ClientCall watch(std::uint32_t interval_ms) {
    return v1::HostClient(at.caller()).watch(
        {interval_ms}, [this](const v1::HostState& state) { states.push_back(state); }, [this](const Status& status) { end = status; });
  }
  std::size_t states_within(Duration span) {
    const std::size_t before = states.size();
    world.run_for(span);
    return states.size() - before;
  }

  std::vector<v1::HostState> states;  // calls that are open at the end tell so when the fixture goes
  std::optional<Status> end;
  test::SimulatedWorld world;
  HostFixture at{world};
};

TEST_F(HostWatchTest, TellsTheWholeStateAtOnce) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  watch(0);
  ASSERT_TRUE(world.until([this] { return !states.empty(); }));
  const v1::HostState& state = states[0];
  EXPECT_EQ(state.node_name, "stage");
  EXPECT_EQ(state.version, "1.2.3");
  EXPECT_EQ(state.stats.value_or(v1::StatsResponse{}).connections, 2u) << "the caller and the child";
  ASSERT_EQ(state.services.size(), 2u) << "its own: Core and Host";
  EXPECT_EQ(state.services[0].name, "b2.v1.Core");
  EXPECT_EQ(state.services[1].name, "b2.v1.Host");
  ASSERT_EQ(state.children.size(), 1u);
  EXPECT_EQ(state.children[0].state, v1::ChildState::ready);
}

TEST_F(HostWatchTest, TellsItAgainEveryInterval) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  watch(0);
  ASSERT_TRUE(world.until([this] { return !states.empty(); }));
  EXPECT_EQ(states_within(10s), 10u);
}

TEST_F(HostWatchTest, IsNotHurriedBeyondTenTimesASecond) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  watch(1);
  ASSERT_TRUE(world.until([this] { return !states.empty(); }));
  EXPECT_EQ(states_within(1s), 10u);
}

TEST_F(HostWatchTest, ShowsACrashAndTheWayBackAtOnce) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  watch(60'000);
  ASSERT_TRUE(world.until([this] { return !states.empty(); }));
  world.run_for(1s);
  const TimePoint crashed = world.network().reactor().now();
  at.call("Crash");
  ASSERT_TRUE(world.until([this] { return states.back().children[0].restarts == 1 && states.back().children[0].state == v1::ChildState::ready; }));
  EXPECT_LE(world.network().reactor().now() - crashed, 350ms) << "back after 0.1 s, and told within 0.1 s more, twice";
  bool backing_off = false;
  for (const v1::HostState& state : states) {
    if (state.children[0].state != v1::ChildState::backing_off) continue;
    backing_off = true;
    EXPECT_EQ(state.children[0].last_exit, "killed by signal 11 (SIGSEGV)");
    EXPECT_EQ(state.children[0].services.at(0).health, v1::Health::not_serving);
    EXPECT_LE(state.children[0].next_start_ms, 100u);
  }
  EXPECT_TRUE(backing_off);
  EXPECT_EQ(states_within(50s), 0u) << "nothing changes, and the interval is long";
}

TEST_F(HostWatchTest, ACrashedChildIsBackWithinAFifthOfASecond) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  const TimePoint crashed = world.network().reactor().now();
  at.call("Crash");
  ASSERT_TRUE(world.until([this] { return at.child().restarts == 1 && at.child().state == v1::ChildState::ready; }));
  EXPECT_LE(world.network().reactor().now() - crashed, 200ms);
}

TEST_F(HostWatchTest, EndsWithItsCaller) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  ClientCall call = watch(100);
  ASSERT_TRUE(world.until([this] { return !states.empty(); }));
  call.cancel();
  EXPECT_EQ(end.value().error().code, Errc::cancelled);
  EXPECT_EQ(states_within(10s), 0u);
}

TEST_F(HostWatchTest, TellsCallersWhenTheHostEnds) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  watch(0);
  ASSERT_TRUE(world.until([this] { return !states.empty(); }));
  at.endpoint.services.remove(*at.host);
  at.host.reset();
  ASSERT_TRUE(world.until([this] { return end.has_value(); }));
  EXPECT_EQ(end->error().code, Errc::busy);
  EXPECT_TRUE(world.gone(0));
}

TEST_F(HostWatchTest, MeasuresChildrenOnlyWhenSomeoneAsks) {
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  world.run_for(5s);
  EXPECT_EQ(at.child().resident_bytes, 0u);
  std::optional<Result<v1::ListResponse>> answer;
  v1::HostClient(at.caller()).list({}, [&](auto told) { answer = std::move(told); });
  ASSERT_TRUE(world.until([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer && (*answer)->state);
  EXPECT_EQ((*answer)->state->children.at(0).resident_bytes, 1'000'000u);
}

TEST_F(HostWatchTest, KillsAMuteChildAndGivesItUpInTheEnd) {
  at.start("mute");
  ASSERT_TRUE(at.until(v1::ChildState::failed));
  EXPECT_EQ(at.child().last_exit, "killed by the host: it did not say HELLO within 10.0 s");
  EXPECT_EQ(at.child().restarts, 4u);
}

TEST_F(HostWatchTest, KillsAStubbornChildFiveSecondsAfterSigterm) {
  at.start("stubborn");
  ASSERT_TRUE(at.until_ready());
  const TimePoint asked = world.network().reactor().now();
  bool stopped = false;
  at.host->stop([&] { stopped = true; });
  ASSERT_TRUE(world.until([&] { return stopped; }));
  EXPECT_GE(world.network().reactor().now() - asked, 5s);
  EXPECT_LE(world.network().reactor().now() - asked, 5100ms);
  EXPECT_EQ(at.child().last_exit, "killed by the host: it did not end within 5.0 s of SIGTERM");
}

}  // namespace
}  // namespace ghost::b2
