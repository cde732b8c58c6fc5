#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/daemon_service.h"
#include "base/file.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "net/epoll.h"

namespace ghost::app {

/// What one process of a daemon tells the one that takes over from it, beside the sockets.
struct Legacy {
  std::string token;                  ///< what opens the console
  std::vector<std::string> children;  ///< those that are ready
};

/// In the process that takes over: the one before it, which serves until this one can (docs/spec/b2.md §11). On the reactor's thread only.
class Predecessor {
 public:
  /// As B2_SUCCEEDS tells; null where this process takes over from nobody. The variable is taken away. Errors: malformed, timed_out.
  static Result<std::unique_ptr<Predecessor>> from_environment();
  ~Predecessor();

  const Legacy& legacy() const { return legacy_; }
  std::vector<UniqueFd> take_sockets() { return std::move(sockets_); }
  /// The state's lock, which both hold. To be called once.
  FileLock take_lock() { return FileLock::share(std::move(lock_)); }
  /// Whether it still runs, and with it its children.
  bool lives() const { return static_cast<bool>(channel_); }
  bool is_relieved() const { return serving_; }

  struct Events {
    std::function<Result<bool>()> ready;  ///< asked now and then until it says yes, or why it never will
    std::function<void()> serve;          ///< this process serves from here on
    std::function<void(Error)> give_up;   ///< the one before goes on
  };
  void follow(net::EpollNetwork& network, Events events);
  /// Tells why this process can't take over.
  void say_failed(std::string_view why);
  /// One more takes over from this process: the one before may finish what it has, also when this one ends first.
  void relieved();
  /// This process is told to end: the one before needs no more time for what it has.
  void part();
  /// The network that it follows on goes.
  void leave_network();

 private:
  Predecessor() = default;
  void ask();
  void on_word();
  void give_up(const Error& why);
  void serve();

  UniqueFd channel_, lock_;
  std::vector<UniqueFd> sockets_;
  Legacy legacy_;
  net::EpollNetwork* network_ = nullptr;
  Events events_;
  bool serving_ = false, failed_ = false;
  net::Timer timer_;
  std::unique_ptr<net::EpollNetwork::Watch> watch_;
};

/// In the process that runs: another of the same program, started to take over from it. On the reactor's thread only; destroying it
/// before it serves ends it.
class Successor {
 public:
  struct Events {
    std::function<bool()> may_serve;         ///< asked when it is ready
    std::function<void()> serves;            ///< it has the sockets
    std::function<void(Error)> failed;       ///< it has ended, and this process goes on
    std::function<void()> parts;             ///< after serves: it was told to end, or has ended and nobody took over from it
  };
  /// Starts the program at `program`, with this process's arguments.
  static Result<std::unique_ptr<Successor>> start(net::EpollNetwork& network, const std::filesystem::path& program, const FileLock& lock, const Legacy& legacy,
                                                  const Logger& log, Events events);
  ~Successor();
  std::int32_t pid() const { return pid_; }
  bool serves() const { return serves_; }
  /// The network it was started on goes.
  void leave_network();

 private:
  Successor(net::EpollNetwork& network, const Logger& log, Events events) : network_(network), log_(log), events_(std::move(events)) {}
  void on_word();
  void on_exit();
  void part();
  void fail(std::string why);
  void arm(Duration patience, std::string why);

  net::EpollNetwork& network_;
  Logger log_;
  Events events_;
  std::int32_t pid_ = 0;
  UniqueFd channel_, process_;
  bool serves_ = false, failing_ = false, relieved_ = false;
  std::string why_;
  net::Timer timer_;
  std::unique_ptr<net::EpollNetwork::Watch> watch_, exit_watch_;
};

/// All that lets a daemon of ours be relieved by another process of its program without a lost call, and take over from one: its lock, whom it
/// takes over from, who takes over from it. Made before the daemon runs, and outlives it.
class Succession {
 public:
  /// Takes the lock, or shares that of the process to take over from. Errors name who has it.
  static Result<std::unique_ptr<Succession>> open(const std::filesystem::path& lock);

  /// Tells the daemon of it: DaemonSpec::before, serves, running.
  void join(DaemonSpec& spec);
  /// null where this process takes over from nobody.
  const Predecessor* before() const { return before_.get(); }

  /// Starts another process of this program, with the same arguments, to take over. `done` tells its pid once it serves, after `relieved` was called,
  /// or why this one goes on: busy while another does so or this one ends.
  void upgrade(net::EpollNetwork& network, const Legacy& legacy, const Logger& log, std::function<void()> relieved, std::function<void(Result<std::int32_t>)> done);
  /// Whether it was to take over, and has not.
  bool before_goes_on() const { return before_ && !before_->is_relieved(); }
  bool is_relieved() const { return successor_ && successor_->serves(); }
  /// The daemon has ended, with that exit code. Where another process took over, and somebody else than a predecessor started this one (a terminal, a
  /// service manager, a container), stays for them, holding nothing, until the last that took over has ended, and tells its exit code; SIGTERM
  /// and SIGINT are passed on to it.
  int end(int code);

 private:
  Succession(std::filesystem::path path, std::unique_ptr<Predecessor> before, FileLock lock, std::filesystem::path program)
      : path_(std::move(path)), program_(std::move(program)), before_(std::move(before)), lock_(std::move(lock)), first_(before_ == nullptr) {}

  std::filesystem::path path_, program_;
  std::unique_ptr<Predecessor> before_;
  std::optional<FileLock> lock_;
  bool first_;
  Running* running_ = nullptr;
  std::unique_ptr<Successor> successor_;
};

}  // namespace ghost::app
