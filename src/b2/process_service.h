#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "b2/child_spec.h"
#include "b2/exit_status.h"
#include "b2/process_use.h"
#include "net/epoll.h"
#include "net/network.h"

namespace ghost::b2 {

/// Who hears of a child process. Called on the reactor's thread, in later turns than the spawn; the process may be destroyed from
/// any of them.
struct ProcessEvents {
  std::function<void(std::unique_ptr<net::ByteStream>)> connected;  ///< once: our end of its connection
  std::function<void(std::string_view)> output;                     ///< a piece of what it wrote to stdout and stderr
  std::function<void(const ExitStatus&)> exited;                    ///< once, last
};

/// A child process that was started; destroying it kills it.
class Process {
 public:
  virtual ~Process() = default;
  virtual std::int32_t pid() const = 0;
  /// Sends a signal to it and to all that it started.
  virtual void signal(int number) = 0;
  virtual std::optional<ProcessUse> use() const = 0;
};

/// Where children come from: the kernel, or a simulated world.
class Processes {
 public:
  virtual ~Processes() = default;
  /// Errors name the program and why it could not be started.
  virtual Result<std::unique_ptr<Process>> spawn(const ChildSpec& spec, ProcessEvents events) = 0;
};

/// The kernel's. spawn() is to be called on the thread that lives as long as its children should (PR_SET_PDEATHSIG).
class KernelProcesses : public Processes {
 public:
  /// @param network  outlives this and its processes
  explicit KernelProcesses(net::EpollNetwork& network) : network_(network) {}
  Result<std::unique_ptr<Process>> spawn(const ChildSpec& spec, ProcessEvents events) override;

 private:
  net::EpollNetwork& network_;
};

}  // namespace ghost::b2
