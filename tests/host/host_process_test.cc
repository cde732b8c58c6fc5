// What only real processes can show.
#include <gtest/gtest.h>

#include "base/file.h"
#include "host_fixture.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;
using test::HostFixture;

class HostProcessTest : public testing::Test {
 protected:
  test::RealWorld world;
};

TEST_F(HostProcessTest, KillsAChildThatNeverSaysHello) {
  world.mute_patience = 300ms;
  HostFixture at(world);
  at.start("mute");
  ASSERT_TRUE(world.until([&] { return !at.child().last_exit.empty(); }));
  EXPECT_EQ(at.child().last_exit, "killed by the host: it did not say HELLO within 300 ms");
}

TEST_F(HostProcessTest, KillsAChildThatDoesNotListenToSigterm) {
  world.stop_patience = 300ms;
  HostFixture at(world);
  at.start("stubborn");
  ASSERT_TRUE(at.until_ready());
  const auto pid = at.child().pid;
  bool stopped = false;
  at.host->stop([&] { stopped = true; });
  ASSERT_TRUE(world.until([&] { return stopped; }));
  EXPECT_EQ(at.child().last_exit, "killed by the host: it did not end within 300 ms of SIGTERM");
  EXPECT_TRUE(world.gone(pid));
}

TEST_F(HostProcessTest, TellsWhyAProgramDoesNotStart) {
  HostFixture at(world);
  at.start({"child", {"/nonexistent/ariascribe"}, {}, {}});
  ASSERT_TRUE(at.until(v1::ChildState::failed));
  EXPECT_EQ(at.child().last_exit, "not started: run /nonexistent/ariascribe: no such file or directory");
  EXPECT_TRUE(at.logged("b2: child failed, and waits for Restart child=child"));
}

TEST_F(HostProcessTest, MeasuresWhatTheChildUses) {
  HostFixture at(world);
  at.start("serve");
  ASSERT_TRUE(at.until_ready());
  std::optional<v1::HostState> seen;
  ClientCall watch = v1::HostClient(at.caller()).watch({100}, [&](const v1::HostState& state) { seen = state; }, [](const Status&) {});
  ASSERT_TRUE(world.until([&] { return seen && !seen->children.empty() && seen->children[0].resident_bytes > 100'000 && seen->children[0].stats; }));
  EXPECT_GE(seen->children[0].cpu_percent, 0);
  EXPECT_GE(seen->children[0].stats->connections, 1u);
  watch.cancel();
}

TEST_F(HostProcessTest, LeavesNoOrphanWhenTheHostItselfIsKilled) {
  std::string output;
  bool exited = false;
  ProcessEvents events;
  events.connected = [](auto) {};
  events.output = [&](std::string_view piece) { output += piece; };
  events.exited = [&](const ExitStatus&) { exited = true; };
  auto host = world.processes().spawn(world.child("host"), std::move(events));
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_TRUE(world.until([&] { return output.find('\n') != std::string::npos; }));
  const int child = std::atoi(output.substr(output.find("child ") + 6).c_str());
  ASSERT_GT(child, 1) << output;
  ASSERT_EQ(::kill(child, 0), 0);
  (*host)->signal(SIGKILL);
  ASSERT_TRUE(world.until([&] { return exited; }));
  auto& network = dynamic_cast<net::EpollNetwork&>(world.network());
  const auto ended = [&] {
    std::string stat(512, '\0');
    std::FILE* file = std::fopen(("/proc/" + std::to_string(child) + "/stat").c_str(), "re");
    if (file == nullptr) return true;
    stat.resize(std::fread(stat.data(), 1, stat.size(), file));
    std::fclose(file);
    return stat.find(") Z") != std::string::npos;  // nobody may be there to reap it
  };
  EXPECT_TRUE(world.until([&] {
    network.turn(network.now() + 5ms);
    return ended();
  }));
}

TEST_F(HostProcessTest, GoesOnWithTheFirstProcessWhenTheSecondDoesNotGetReady) {
  HostFixture at(world);
  at.start("lonely");
  ASSERT_TRUE(at.until_ready());
  const auto pid = at.child().pid;
  std::optional<Result<v1::UpgradeResponse>> upgraded;
  v1::UpgradeRequest request;
  request.name = "child";
  v1::HostClient(at.caller()).upgrade(request, [&](auto told) { upgraded = std::move(told); });
  ASSERT_TRUE(world.until([&] { return upgraded.has_value(); }));
  ASSERT_FALSE(*upgraded);
  EXPECT_EQ(upgraded->error().code, Errc::conflict);
  EXPECT_NE(upgraded->error().message.find("the second process of child ended"), std::string::npos) << upgraded->error().message;
  EXPECT_EQ(at.child().pid, pid);
  const auto echo = at.call("Echo", Bytes{1});
  ASSERT_TRUE(at.until_end(echo));
  EXPECT_EQ(echo->text(), "");
}

TEST_F(HostProcessTest, HoldsAChildToItsLimits) {
  HostFixture at(world);
  ChildSpec spec = world.child("serve");
  spec.limits.open_files = 64;
  spec.limits.memory = std::uint64_t{1} << 50;  // a sanitizer reserves terabytes
  at.start(spec);
  ASSERT_TRUE(at.until_ready());
  const auto limits = read_file("/proc/" + std::to_string(at.child().pid) + "/limits", 8192);
  ASSERT_TRUE(limits);
  EXPECT_NE(limits->find("Max open files            64                   64 "), std::string::npos) << *limits;
  EXPECT_NE(limits->find("Max data size             1125899906842624     1125899906842624 "), std::string::npos) << *limits;
  EXPECT_NE(limits->find("Max core file size        0                    0 "), std::string::npos) << *limits;
}

}  // namespace
}  // namespace ghost::b2
