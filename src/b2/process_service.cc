#include "b2/process_service.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/file.h"
#include "b2/spawn_service.h"

namespace ghost::b2 {

namespace {

/// A killed process is gone at once, unless a driver holds it; the host does not wait for that.
constexpr int kReapPatienceMs = 1000;

ExitStatus status_of(const siginfo_t& info) {
  ExitStatus status;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core = info.si_code == CLD_DUMPED;
  }
  return status;
}

class KernelProcess final : public Process {
 public:
  KernelProcess(net::EpollNetwork& network, Spawned spawned, std::unique_ptr<net::ByteStream> stream, ProcessEvents events)
      : spawned_(std::move(spawned)), events_(std::make_shared<const ProcessEvents>(std::move(events))), stream_(std::move(stream)) {
    output_watch_ = network.watch(spawned_.output.get(), POLLIN, [this](short) { read_output(); });
    exit_watch_ = network.watch(spawned_.process.get(), POLLIN, [this](short) { on_exit(); });
    network.post([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) connect();
    });
  }

  ~KernelProcess() override {
    if (reaped_) return;
    ::kill(-spawned_.pid, SIGKILL);
    struct pollfd ended {spawned_.process.get(), POLLIN, 0};
    ::poll(&ended, 1, kReapPatienceMs);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(spawned_.pid), &info, WEXITED | WNOHANG);
  }

  std::int32_t pid() const override { return spawned_.pid; }

  void signal(int number) override {
    if (!reaped_) ::kill(-spawned_.pid, number);
  }

  std::optional<ProcessUse> use() const override {
    if (reaped_) return std::nullopt;
    const auto stat = read_file("/proc/" + std::to_string(spawned_.pid) + "/stat", 4096);
    if (!stat) return std::nullopt;
    return parse_process_use(*stat, ::sysconf(_SC_CLK_TCK), ::sysconf(_SC_PAGESIZE));
  }

 private:
  /// One piece a turn, so that a child that never stops writing holds nobody up. False when there is none for the moment.
  bool read_output() {
    std::array<char, 16 * 1024> piece;
    const ssize_t got = ::read(spawned_.output.get(), piece.data(), piece.size());
    if (got == 0) output_watch_.reset();
    if (got <= 0) return false;
    const auto events = events_;
    events->output({piece.data(), static_cast<std::size_t>(got)});
    return true;
  }

  void connect() {
    const auto events = events_;
    if (stream_) events->connected(std::move(stream_));
  }

  void on_exit() {
    siginfo_t info{};
    const auto id = static_cast<id_t>(spawned_.pid);
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    // While its leader is not reaped the group's number is not given to others: what it left behind ends here.
    ::kill(-spawned_.pid, SIGKILL);
    ::waitid(P_PID, id, &info, WEXITED | WNOHANG);
    reaped_ = true;
    exit_watch_.reset();
    finish(status_of(info));
  }

  /// Its last words come before its end. A grandchild that left the group may hold the pipe and go on writing: only so much is read.
  void finish(const ExitStatus& status) {
    const std::weak_ptr<char> alive = alive_;
    for (int piece = 0; piece < 64 && read_output(); ++piece) {
      if (alive.expired()) return;
    }
    output_watch_.reset();
    connect();
    if (alive.expired()) return;
    const auto events = events_;
    events->exited(status);
  }

  Spawned spawned_;
  std::shared_ptr<const ProcessEvents> events_;  ///< held by each call of one, which may destroy this
  std::unique_ptr<net::ByteStream> stream_;
  std::unique_ptr<net::EpollNetwork::Watch> output_watch_, exit_watch_;
  bool reaped_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

Result<std::unique_ptr<Process>> KernelProcesses::spawn(const ChildSpec& spec, ProcessEvents events) {
  auto spawned = spawn_process(spec);
  if (!spawned) return spawned.error();
  auto stream = network_.adopt_stream(std::move(spawned->link));
  if (!stream) {
    ::kill(-spawned->pid, SIGKILL);
    ::waitpid(spawned->pid, nullptr, 0);
    return stream.error().in("connect to child " + spec.name);
  }
  return std::make_unique<KernelProcess>(network_, std::move(*spawned), std::move(*stream), std::move(events));
}

}  // namespace ghost::b2
