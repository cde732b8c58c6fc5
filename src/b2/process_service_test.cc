#include "b2/process_service.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "b2/spawn_service.h"
#include "net/epoll_testing.h"

namespace ghost::b2 {
namespace {

using net::testing::turn_until;

/// Runs shell scripts as children and keeps what is heard of them.
class ProcessTest : public testing::Test {
 protected:
  Status run(const std::string& script, const ResourceLimits& limits = {}) {
    return run(ChildSpec{"script", {"/bin/sh", "-c", script}, {{"GREETING", "hello"}}, limits});
  }
  Status run(const ChildSpec& spec) {
    ProcessEvents events;
    events.connected = [this](std::unique_ptr<net::ByteStream> to) { stream.hold(std::move(to)); };
    events.output = [this](std::string_view piece) { output += piece; };
    events.exited = [this](const ExitStatus& how) { status = how; };
    auto spawned = processes.spawn(spec, std::move(events));
    if (!spawned) return spawned.error();
    process = std::move(*spawned);
    return {};
  }
  bool until_exit() {
    return turn_until(*network, [this] { return status.has_value(); });
  }
  bool until_output(std::string_view text) {
    return turn_until(*network, [&] { return output.find(text) != std::string::npos; });
  }

  std::unique_ptr<net::EpollNetwork> network = net::testing::make_network();
  KernelProcesses processes{*network};
  std::unique_ptr<Process> process;
  net::testing::Recorder stream;
  std::string output;
  std::optional<ExitStatus> status;
};

TEST_F(ProcessTest, TellsWhatAChildWroteBeforeItTellsItsEnd) {
  ASSERT_TRUE(run("echo $GREETING; echo there >&2; exit 3"));
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(output, "hello\nthere\n");
  EXPECT_EQ(*status, ExitStatus{.code = 3});
  EXPECT_FALSE(process->use());
}

TEST_F(ProcessTest, TellsTheSignalThatKilledAChild) {
  ASSERT_TRUE(run("kill -SEGV $$"));
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(status->text(), "killed by signal 11 (SIGSEGV)") << "and no core is dumped";
}

TEST_F(ProcessTest, ConnectsTheChildByItsThirdDescriptor) {
  ASSERT_TRUE(run("echo ping >&$B2_HOST_FD; read answer <&$B2_HOST_FD; echo got $answer"));
  ASSERT_TRUE(turn_until(*network, [this] { return stream.received == "ping\n"; }));
  stream.stream->output().append(as_bytes("pong\n"));
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(output, "got pong\n");
  ASSERT_TRUE(turn_until(*network, [this] { return stream.closed.has_value(); }));
}

TEST_F(ProcessTest, GivesTheChildNoOtherDescriptorAndNoInput) {
  const UniqueFd kept(::dup(0));
  ASSERT_TRUE(run("cd /proc/$$/fd; for fd in *; do echo fd $fd; done; cat; echo end"));
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(output.substr(0, output.find("fd 3") + 4), "fd 0\nfd 1\nfd 2\nfd 3");
  EXPECT_EQ(output.find("fd " + std::to_string(kept.get()) + "\n"), std::string::npos) << output;
  EXPECT_TRUE(output.ends_with("end\n"));
}

TEST_F(ProcessTest, KeepsWhatSystemdToldTheHostFromTheChild) {
  ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
  ASSERT_TRUE(run("echo \"[$NOTIFY_SOCKET]\"; test \"$(stat -L -c %d:%i /proc/self/fd/2)\" = \"$JOURNAL_STREAM\" && echo journal"));
  ::unsetenv("NOTIFY_SOCKET");
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(output, "[]\njournal\n");
}

TEST_F(ProcessTest, EndsAllThatAChildStarted) {
  ASSERT_TRUE(run("sleep 1000 & echo $!; exec sleep 1000"));
  ASSERT_TRUE(until_output("\n"));
  const pid_t grandchild = std::atoi(output.c_str());
  ASSERT_GT(grandchild, 1);
  process->signal(SIGTERM);
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(status->signal, SIGTERM);
  const auto gone = [&] { return ::kill(grandchild, 0) != 0 && errno == ESRCH; };
  EXPECT_TRUE(turn_until(*network, [&] {
    network->turn(network->now() + std::chrono::milliseconds(1));
    std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
    std::string text;
    return gone() || (std::getline(stat, text) && text.find(") Z") != std::string::npos);  // no init may be there to reap it
  }));
}

TEST_F(ProcessTest, KillsAChildWhoseOwnerIsDestroyed) {
  ASSERT_TRUE(run("trap '' TERM; echo up; while :; do sleep 1; done"));
  ASSERT_TRUE(until_output("up"));
  const pid_t pid = process->pid();
  process.reset();
  EXPECT_EQ(::kill(pid, 0), -1) << "it is gone and reaped";
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(ProcessTest, MayBeDestroyedFromItsOwnEvents) {
  ProcessEvents events;
  bool gone = false;
  events.connected = [](auto) {};
  events.exited = [](auto&) {};
  events.output = [&](std::string_view) {
    process.reset();
    gone = true;
  };
  auto spawned = processes.spawn({"script", {"/bin/sh", "-c", "echo up; sleep 1000"}, {}, {}}, std::move(events));
  ASSERT_TRUE(spawned);
  process = std::move(*spawned);
  EXPECT_TRUE(turn_until(*network, [&] { return gone; }));
}

TEST_F(ProcessTest, HoldsTheChildToItsLimits) {
  ASSERT_TRUE(run("ulimit -n; ulimit -c", {.open_files = 32, .memory = std::nullopt, .core = 0}));
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(output, "32\n0\n");
}

TEST_F(ProcessTest, StartsAChildWithDefaultSignalsWhateverTheHostDoes) {
  ::signal(SIGUSR1, SIG_IGN);
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const Status started = run("kill -USR1 $$; echo survived");
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGUSR1, SIG_DFL);
  ASSERT_TRUE(started);
  ASSERT_TRUE(until_exit());
  EXPECT_EQ(status->signal, SIGUSR1);
  EXPECT_EQ(output, "");
}

TEST_F(ProcessTest, TellsWhatTheChildUses) {
  ASSERT_TRUE(run("i=0; while test $i -lt 20000; do i=$((i+1)); done; echo busy; read line <&3"));
  ASSERT_TRUE(until_output("busy"));
  const auto use = process->use();
  ASSERT_TRUE(use);
  EXPECT_GT(use->resident_bytes, 4096u);
}

TEST_F(ProcessTest, SaysWhyAProgramCannotBeRun) {
  const Status missing = run(ChildSpec{"x", {"/nonexistent/ariascribe", "serve"}, {}, {}});
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_EQ(missing.error().message, "run /nonexistent/ariascribe: no such file or directory");
  const Status forbidden = run(ChildSpec{"x", {"/etc/passwd"}, {}, {}});
  EXPECT_EQ(forbidden.error().message, "run /etc/passwd: permission denied");
  EXPECT_FALSE(run(ChildSpec{"x", {}, {}, {}}));
}

TEST_F(ProcessTest, TakesAFloodOfOutputPieceByPiece) {
  ASSERT_TRUE(run("i=0; while test $i -lt 200; do echo 0123456789012345678901234567890123456789012345678901234567890; i=$((i+1)); done; echo last >&2"));
  ASSERT_TRUE(until_exit());
  EXPECT_TRUE(output.ends_with("\nlast\n"));
  EXPECT_EQ(output.size(), 200u * 62 + 5);
}

}  // namespace
}  // namespace ghost::b2
