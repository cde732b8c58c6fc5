#include "app/succession_service.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <map>

#include "b2/exit_status.h"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgets to say so itself
}

namespace ghost::app {

namespace {

/// Set for a process that takes over: how many sockets it finds from kFirstSocket on.
constexpr const char* kSucceedsVariable = "B2_SUCCEEDS";
constexpr int kChannelFd = 3, kLockFd = 4, kFirstSocket = 5;
constexpr int kMostSockets = 64;
constexpr std::size_t kLongestWord = 16 * 1024;

constexpr Duration kReadyPatience = std::chrono::seconds(30);
/// From "go" to "serving".
constexpr Duration kServingPatience = std::chrono::seconds(5);
constexpr Duration kEndPatience = std::chrono::seconds(5);
constexpr Duration kAskEvery = std::chrono::milliseconds(10);

// The words, one a packet: the legacy, then "ready" or "failed WHY", "go" or "no", "serving"; later "parts", told to end, or "relieved" by one more.
// The end of the channel is the end of the process.
constexpr std::string_view kReady = "ready", kFailed = "failed ", kGo = "go", kNo = "no", kServing = "serving", kParts = "parts", kRelieved = "relieved";

bool say(const UniqueFd& channel, std::string_view word) {
  word = word.substr(0, kLongestWord);
  return channel && ::send(channel.get(), word.data(), word.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(word.size());
}

/// The next word; "" at the end of the channel, nothing when there is none.
std::optional<std::string> hear(const UniqueFd& channel) {
  std::string word(kLongestWord, '\0');
  const ssize_t got = ::recv(channel.get(), word.data(), word.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  word.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return word;
}

std::string text_of(const Legacy& legacy) {
  std::string text = "token " + legacy.token + "\n";
  for (const std::string& child : legacy.children) text += "child " + child + "\n";
  return text;
}

Legacy read_legacy(std::string_view text) {
  Legacy legacy;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with("token ")) legacy.token = line.substr(6);
    if (line.starts_with("child ")) legacy.children.emplace_back(line.substr(6));
    at = end + 1;
  }
  return legacy;
}

/// This process's own, program first.
Result<std::vector<std::string>> own_arguments() {
  const auto text = read_file("/proc/self/cmdline", 1 << 20);
  if (!text) return text.error();
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\0', at), text->size());
    all.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return all;
}

/// Starts the program with these descriptors from kChannelFd on, and nothing else open but the standard ones.
Result<std::int32_t> spawn_with(const std::filesystem::path& program, const std::vector<int>& descriptors) {
  auto arguments = own_arguments();
  if (!arguments) return arguments.error();
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) environment.emplace_back(*one);
  environment.push_back(std::string(kSucceedsVariable) + "=" + std::to_string(descriptors.size() - 2));
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  };
  // Out of the way of the numbers they get.
  std::vector<UniqueFd> high;
  for (const int fd : descriptors) high.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstSocket + kMostSockets));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  int fd = kChannelFd;
  for (const UniqueFd& one : high) ::posix_spawn_file_actions_adddup2(&actions, one.get(), fd++);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, fd);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers(*arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return errno_error(error, "run", program.string());
  return pid;
}

b2::ExitStatus status_of_exit(int status) {
  b2::ExitStatus exit;
  if (WIFEXITED(status)) exit.code = WEXITSTATUS(status);
  else exit.signal = WTERMSIG(status);
  return exit;
}

/// Which of those that took over serves: the one that the lock file names.
std::int32_t serving_process(const std::filesystem::path& lock) {
  const auto text = read_file(lock, 64);
  std::int32_t pid = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), pid);
  return pid;
}

/// As one that is passed on: whoever signals a whole group has told that process, too, and it counts the two apart.
void pass_on(int signal, const std::filesystem::path& lock) {
  const std::int32_t pid = serving_process(lock);
  if (pid > 0 && pid != ::getpid()) ::sigqueue(pid, signal, {});
}

/// Until the last of those that took over has ended: the one that the lock file names. Gives its exit code; 1 where a signal ended it.
int wait_for_successors(const std::filesystem::path& lock, std::int32_t successor) {
  ::malloc_trim(0);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, one);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::map<pid_t, int> ended;
  for (;;) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) ended[pid] = status;
    while (ended.contains(successor)) {
      const std::int32_t next = serving_process(lock);
      status = ended.at(successor);
      if (next == successor) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
      successor = next;
    }
    if (pid < 0) return 1;  // no child is left
    siginfo_t info;
    const int signal = ::sigwaitinfo(&signals, &info);
    if (signal == SIGTERM || signal == SIGINT) pass_on(signal, lock);
  }
}

}  // namespace

// The process that takes over.

Result<std::unique_ptr<Predecessor>> Predecessor::from_environment() {
  const char* told = std::getenv(kSucceedsVariable);
  if (told == nullptr) return std::unique_ptr<Predecessor>();
  const std::string text = told;
  ::unsetenv(kSucceedsVariable);
  int count = -1;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (wrong != std::errc() || end != text.data() + text.size() || count < 0 || count > kMostSockets || ::fcntl(kChannelFd, F_GETFD) < 0) {
    return Error{Errc::malformed, std::string(kSucceedsVariable) + "=" + text + " is for processes that take over from another, and set by that one"};
  }
  std::unique_ptr<Predecessor> before(new Predecessor());
  before->channel_ = UniqueFd(kChannelFd);
  before->lock_ = UniqueFd(kLockFd);
  for (int i = 0; i < count; ++i) before->sockets_.emplace_back(kFirstSocket + i);
  for (int fd = kChannelFd; fd < kFirstSocket + count; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  struct pollfd first {kChannelFd, POLLIN, 0};
  ::poll(&first, 1, 5000);
  const auto word = hear(before->channel_);
  if (!word || word->empty()) return Error{Errc::timed_out, "the process to take over from says nothing"};
  before->legacy_ = read_legacy(*word);
  return before;
}

Predecessor::~Predecessor() = default;

void Predecessor::follow(net::EpollNetwork& network, Events events) {
  network_ = &network;
  events_ = std::move(events);
  watch_ = network.watch(channel_.get(), POLLIN, [this](short) { on_word(); });
  ask();
}

void Predecessor::ask() {
  const auto ready = events_.ready();
  if (!ready) return give_up(ready.error());
  if (*ready) return void(say(channel_, kReady));
  timer_ = network_->wake_at(network_->now() + kAskEvery, [this](TimePoint) { ask(); });
}

void Predecessor::on_word() {
  const auto word = hear(channel_);
  if (!word) return;
  if (word->empty()) {
    watch_.reset();
    channel_.reset();
    timer_.reset();
    if (!serving_) serve();  // it was killed: nobody else has its sockets
    return;
  }
  if (*word == kGo) {
    serve();
    say(channel_, kServing);
  } else if (*word == kNo) {
    give_up({Errc::conflict, "the process before goes on"});
  }
}

void Predecessor::give_up(const Error& why) {
  say_failed(why.message);
  timer_.reset();
  watch_.reset();
  events_.give_up(why);
}

void Predecessor::serve() {
  serving_ = true;
  events_.serve();
}

void Predecessor::say_failed(std::string_view why) {
  if (!std::exchange(failed_, true)) say(channel_, std::string(kFailed) + std::string(why));
}

void Predecessor::relieved() { say(channel_, kRelieved); }

void Predecessor::part() {
  if (!serving_) return;
  say(channel_, kParts);
  watch_.reset();
  channel_.reset();
}

void Predecessor::leave_network() {
  watch_.reset();
  timer_.reset();
}

// The process that is taken over from.

Result<std::unique_ptr<Successor>> Successor::start(net::EpollNetwork& network, const std::filesystem::path& program, const FileLock& lock, const Legacy& legacy,
                                                    const Logger& log, Events events) {
  std::unique_ptr<Successor> successor(new Successor(network, log, std::move(events)));
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno_error("make", "a socket pair");
  successor->channel_ = UniqueFd(pair[0]);
  const UniqueFd theirs(pair[1]);
  std::vector<int> descriptors = {theirs.get(), lock.descriptor()};
  for (const int fd : network.sockets_to_hand_on()) descriptors.push_back(fd);
  if (descriptors.size() > kMostSockets + 2) return Error{Errc::exhausted, "at most " + std::to_string(kMostSockets) + " sockets can be handed on"};
  if (!say(successor->channel_, text_of(legacy))) return errno_error("write to", "a socket pair");
  const auto pid = spawn_with(program, descriptors);
  if (!pid) return pid.error();
  successor->pid_ = *pid;
  successor->process_ = UniqueFd(::pidfd_open(*pid, 0));
  if (!successor->process_) {
    ::kill(*pid, SIGKILL);
    return errno_error("watch", "the process that is to take over");
  }
  Successor* const raw = successor.get();
  successor->watch_ = network.watch(raw->channel_.get(), POLLIN, [raw](short) { raw->on_word(); });
  successor->exit_watch_ = network.watch(raw->process_.get(), POLLIN, [raw](short) { raw->on_exit(); });
  successor->arm(kReadyPatience, "it was not ready within 30 s");
  log.info("host: another process is to take over", {{"pid", *pid}});
  return successor;
}

Successor::~Successor() {
  if (serves_) return;
  say(channel_, kNo);
  if (process_) ::pidfd_send_signal(process_.get(), SIGTERM, nullptr, 0);
}

void Successor::leave_network() {
  watch_.reset();
  exit_watch_.reset();
  timer_.reset();
}

void Successor::arm(Duration patience, std::string why) {
  timer_ = network_.wake_at(network_.now() + patience, [this, why = std::move(why)](TimePoint) { fail(why); });
}

void Successor::on_word() {
  const auto word = hear(channel_);
  if (!word) return;
  if (word->empty()) {
    watch_.reset();
    if (!serves_) return fail("it gave no reason");
    return relieved_ ? void() : part();
  }
  if (*word == kParts) return part();
  if (*word == kRelieved) relieved_ = true;
  if (word->starts_with(kFailed)) {
    why_ = word->substr(kFailed.size());
    return fail(why_);
  }
  if (*word == kReady && !failing_) {
    if (!events_.may_serve() || !say(channel_, kGo)) return fail("this process is ending");
    return arm(kServingPatience, "it did not begin to serve");
  }
  if (*word == kServing && !failing_) {
    serves_ = true;
    timer_.reset();
    exit_watch_.reset();  // its end is for the process that waits
    log_.info("host: another process has taken over", {{"pid", pid_}});
    const auto serves = events_.serves;
    serves();
  }
}

void Successor::part() {
  const auto parts = events_.parts;
  parts();
}

/// It is told to end, in the end by force; then this process goes on.
void Successor::fail(std::string why) {
  if (why_.empty()) why_ = std::move(why);
  if (std::exchange(failing_, true)) return;
  say(channel_, kNo);
  ::pidfd_send_signal(process_.get(), SIGTERM, nullptr, 0);
  timer_ = network_.wake_at(network_.now() + kEndPatience, [this](TimePoint) { ::pidfd_send_signal(process_.get(), SIGKILL, nullptr, 0); });
}

void Successor::on_exit() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return;
  exit_watch_.reset();
  process_.reset();
  // Its last word may have come in the same turn.
  for (auto word = hear(channel_); word && !word->empty(); word = hear(channel_)) {
    if (word->starts_with(kFailed)) why_ = word->substr(kFailed.size());
  }
  timer_.reset();
  watch_.reset();
  const std::string why = "the process that was to take over " + status_of_exit(status).text() + (why_.empty() ? "" : ": " + why_) + "; the one before goes on";
  log_.warning("host: no other process took over", {{"why", why}});
  const auto failed = events_.failed;
  failed({Errc::conflict, why});
}

// Both, of one process.

Result<std::unique_ptr<Succession>> Succession::open(const std::filesystem::path& path) {
  auto before = Predecessor::from_environment();
  if (!before) return before.error();
  std::error_code failed;
  auto program = std::filesystem::read_symlink("/proc/self/exe", failed);  // as it is called at the start: a new version takes its name
  if (failed) return Error{Errc::io, "/proc/self/exe: " + failed.message()};
  auto lock = *before ? Result<FileLock>((*before)->take_lock()) : FileLock::acquire(path);
  if (!lock) return lock.error();
  return std::unique_ptr<Succession>(new Succession(path, std::move(*before), std::move(*lock), std::move(program)));
}

void Succession::join(DaemonSpec& spec) {
  spec.before = before_.get();
  spec.serves = [this, then = std::move(spec.serves)] {
    (void)lock_->sign();
    if (then) then();
  };
  spec.running = [this](Running* running) {
    running_ = running;
    if (running != nullptr) return;
    if (before_) before_->leave_network();
    if (successor_) successor_->leave_network();
  };
  spec.told_to_end = [this](int signal) {
    if (is_relieved() && first_) pass_on(signal, path_);
  };
}

void Succession::upgrade(net::EpollNetwork& network, const Legacy& legacy, const Logger& log, std::function<void()> relieved,
                         std::function<void(Result<std::int32_t>)> done) {
  if (running_ == nullptr || running_->is_ending()) return done(Error{Errc::busy, "this process is starting or ending"});
  if (successor_) return done(Error{Errc::busy, "another process is about to take over already"});
  const auto answer = std::make_shared<std::function<void(Result<std::int32_t>)>>(std::move(done));
  Successor::Events events;
  events.may_serve = [this] { return !running_->is_ending(); };
  events.serves = [this, relieved = std::move(relieved), answer, &network] {
    network.on_handed_on();
    if (first_) ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the successor starts to take over from itself comes to this process when it ends
    relieved();
    (*answer)(successor_->pid());
    if (before_) before_->relieved();
    running_->hand_over();
  };
  events.failed = [this, answer](const Error& why) {
    successor_.reset();
    (void)lock_->sign();
    (*answer)(why);
  };
  events.parts = [this] {
    running_->hurry();
    if (before_) before_->part();
  };
  auto started = Successor::start(network, program_, *lock_, legacy, log, std::move(events));
  if (!started) return (*answer)(started.error());
  successor_ = std::move(*started);
}

int Succession::end(int code) {
  if (!is_relieved() || !first_) return code;
  const std::int32_t pid = successor_->pid();
  lock_.reset();
  successor_.reset();
  return wait_for_successors(path_, pid);
}

}  // namespace ghost::app
