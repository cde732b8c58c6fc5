#include "b2/spawn_service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgets to say so itself
}

namespace ghost::b2 {

namespace {

/// Variables by which systemd speaks to the host, and not to its children.
constexpr std::array<std::string_view, 7> kHostsOwn = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS",
                                                       "LISTEN_PID",    "LISTEN_FDNAMES", "JOURNAL_STREAM"};

struct Limit {
  __rlimit_resource resource;
  rlim_t value;
};

/// All the child needs between fork and exec, made before: there it must not allocate.
struct Plan {
  pid_t parent = ::getpid();
  std::vector<char*> arguments, environment;
  std::vector<Limit> limits;
  int nothing = -1, output = -1, link = -1, report = -1;
};

/// Numbers above those that the child gets its descriptors at.
constexpr int kOutOfTheWay = 10;
constexpr int kReportFd = kHostFd + 1;

[[noreturn]] void give_up(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &error, sizeof error);
  ::_exit(127);
}

/// In the child: only async-signal-safe calls, since other threads of the host may have held any lock at the fork.
[[noreturn]] void become(const Plan& plan) {
  const int nothing = ::fcntl(plan.nothing, F_DUPFD, kOutOfTheWay);
  const int output = ::fcntl(plan.output, F_DUPFD, kOutOfTheWay);
  const int link = ::fcntl(plan.link, F_DUPFD, kOutOfTheWay);
  const int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (nothing < 0 || output < 0 || link < 0 || report < 0) give_up(plan.report);
  if (::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0 ||
      ::dup2(link, kHostFd) < 0 || ::dup3(report, kReportFd, O_CLOEXEC) < 0) {
    give_up(report);
  }
  if (::close_range(kReportFd + 1, ~0U, 0) != 0) give_up(kReportFd);

  ::setpgid(0, 0);
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) give_up(kReportFd);
  if (::getppid() != plan.parent) ::_exit(127);  // the host ended before it could be noticed
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const Limit& limit : plan.limits) {
    const struct rlimit both {limit.value, limit.value};
    if (::setrlimit(limit.resource, &both) != 0) give_up(kReportFd);
  }
  ::execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  give_up(kReportFd);
}

/// "NAME=value" of the host's environment and the child's own; a later one takes the place of an earlier.
std::vector<std::string> environment_of(const ChildSpec& spec, int output) {
  std::vector<std::string> all;
  const auto set = [&](std::string_view name, std::string_view value) {
    std::erase_if(all, [&](const std::string& one) { return one.size() > name.size() && one.starts_with(name) && one[name.size()] == '='; });
    all.push_back(std::string(name) + "=" + std::string(value));
  };
  for (char** one = environ; *one != nullptr; ++one) all.emplace_back(*one);
  for (const std::string_view name : kHostsOwn) {
    set(name, "");
    all.pop_back();
  }
  struct stat info {};
  if (::fstat(output, &info) == 0) set("JOURNAL_STREAM", std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino));
  for (const auto& [name, value] : spec.environment) set(name, value);
  set(kHostFdVariable, std::to_string(kHostFd));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<Limit> limits_of(const ResourceLimits& limits) {
  std::vector<Limit> all;
  const auto add = [&](__rlimit_resource resource, const std::optional<std::uint64_t>& value) {
    struct rlimit ours {};
    if (!value || ::getrlimit(resource, &ours) != 0) return;
    all.push_back({resource, std::min(static_cast<rlim_t>(*value), ours.rlim_max)});  // only root may ask for more
  };
  add(RLIMIT_NOFILE, limits.open_files);
  add(RLIMIT_DATA, limits.memory);
  add(RLIMIT_CORE, limits.core);
  return all;
}

/// What the child reported before it gave up; 0 when it became the program.
int read_report(int report) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe(const std::string& subject) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("make a pipe for", subject);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

Result<Spawned> spawn_process(const ChildSpec& spec) {
  if (spec.command.empty()) return Error{Errc::malformed, "child " + spec.name + " has no program to run"};
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno_error("make a socket pair for", spec.name);
  UniqueFd ours(pair[0]), theirs(pair[1]);
  auto output = make_pipe(spec.name), report = make_pipe(spec.name);
  if (!output) return output.error();
  if (!report) return report.error();
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing) return errno_error("open", "/dev/null");

  std::vector<std::string> command = spec.command, environment = environment_of(spec, output->write.get());
  Plan plan;
  plan.arguments = pointers(command);
  plan.environment = pointers(environment);
  plan.limits = limits_of(spec.limits);
  plan.nothing = nothing.get();
  plan.output = output->write.get();
  plan.link = theirs.get();
  plan.report = report->write.get();

  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork for", spec.command[0]);
  if (pid == 0) become(plan);
  ::setpgid(pid, pid);  // both sides do: whichever comes first, signals reach the whole group from here on
  report->write.reset();
  if (const int error = read_report(report->read.get()); error != 0) {
    ::waitpid(pid, nullptr, 0);
    return errno_error(error, "run", spec.command[0]);
  }
  Spawned spawned;
  spawned.pid = pid;
  spawned.process = UniqueFd(::pidfd_open(pid, 0));
  if (!spawned.process) {
    const Error error = errno_error("watch the process of", spec.command[0]);
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return error;
  }
  ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
  spawned.link = std::move(ours);
  spawned.output = std::move(output->read);
  return spawned;
}

}  // namespace ghost::b2
