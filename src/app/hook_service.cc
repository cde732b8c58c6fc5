#include "app/hook_service.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/units.h"

namespace ghost::app {

namespace {

constexpr Duration kLastWords = std::chrono::seconds(2);

int milliseconds_until(TimePoint end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 3'600'000));
}

/// True when the process ended before `end`, and before we were told to stop.
bool wait_for(int process, int stop, TimePoint end) {
  while (true) {
    pollfd watched[2] = {{process, POLLIN, 0}, {stop, POLLIN, 0}};
    const int ready = ::poll(watched, stop < 0 ? 1 : 2, milliseconds_until(end));
    if (ready < 0 && errno == EINTR) continue;
    if (watched[0].revents != 0) return true;
    if (ready <= 0 ? std::chrono::steady_clock::now() >= end : watched[1].revents != 0) return false;
  }
}

/// Ours, without what a hook is told by the same names, and with what it is told.
std::vector<std::string> environment_of(const Hook& hook) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const std::string_view key = entry.substr(0, entry.find('='));
    if (std::ranges::none_of(hook.variables, [&](const auto& one) { return one.first == key; })) all.emplace_back(entry);
  }
  for (const auto& [key, value] : hook.variables) all.push_back(key + "=" + value.substr(0, value.find('\0')));
  return all;
}

/// 0, or an errno.
int start(const Hook& hook, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> variables = environment_of(hook);
  std::vector<char*> environment;
  for (std::string& each : variables) environment.push_back(each.data());
  environment.push_back(nullptr);
  std::string shell = "sh", flag = "-c", command = hook.command;
  char* const words[] = {shell.data(), flag.data(), command.data(), nullptr};
  const int wrong = ::posix_spawn(&pid, "/bin/sh", &files, &attributes, words, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return wrong;
}

}  // namespace

std::string in_words(const HookResult& result) {
  if (!result.problem.empty()) return "could not be started: " + result.problem;
  if (result.timed_out) return "was ended after " + format_duration(result.took);
  if (result.status == 0) return "ended well after " + format_duration(result.took);
  return "ended with " + std::to_string(result.status) + " after " + format_duration(result.took);
}

Hooks::Hooks(Duration limit, std::function<void(const HookResult&)> told)
    : limit_(limit), told_(std::move(told)), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), worker_([this] { work(); }) {}

Hooks::~Hooks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  changed_.notify_all();
  worker_.join();
}

bool Hooks::run(Hook hook) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) return false;
  waiting_.push_back(std::move(hook));
  changed_.notify_all();
  return true;
}

void Hooks::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !running_; });
}

void Hooks::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Hook hook = std::move(waiting_.front());
    waiting_.pop_front();
    running_ = true;
    lock.unlock();
    told_(run_one(hook));
    lock.lock();
    running_ = false;
    changed_.notify_all();
  }
}

HookResult Hooks::run_one(const Hook& hook) {
  const TimePoint begin = std::chrono::steady_clock::now();
  HookResult result;
  result.command = hook.command;
  pid_t pid = 0;
  if (const int wrong = start(hook, pid); wrong != 0) {
    result.problem = std::strerror(wrong);
    return result;
  }
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!wait_for(process.get(), stop_.get(), begin + limit_)) {
    result.timed_out = true;
    ::kill(-pid, SIGTERM);
    (void)wait_for(process.get(), -1, std::chrono::steady_clock::now() + kLastWords);
    ::kill(-pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.took = std::chrono::steady_clock::now() - begin;
  return result;
}

}  // namespace ghost::app
