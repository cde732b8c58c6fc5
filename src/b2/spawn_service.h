#pragma once
#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"
#include "b2/child_spec.h"

namespace ghost::b2 {

/// The descriptor at which a child finds its end of the connection to its host, told in B2_HOST_FD (docs/spec/b2.md §1).
inline constexpr int kHostFd = 3;
inline constexpr const char* kHostFdVariable = "B2_HOST_FD";
/// Set for a process that takes over from one that runs: it listens beside it.
inline constexpr const char* kRelievesVariable = "B2_RELIEVES";

struct Spawned {
  std::int32_t pid = 0;
  UniqueFd process;  ///< pidfd: readable once it has ended (pidfd_open(2))
  UniqueFd link;     ///< our end of the connection
  UniqueFd output;   ///< what it writes to stdout and stderr; does not block
};

/// Starts a program as a child of this thread: in a process group of its own, with an end of a socketpair as kHostFd, stdin empty,
/// stdout and stderr in one pipe, nothing else open, all signals at their defaults, and SIGTERM to come when this thread ends.
/// Loggers in the child take the pipe for the journal, so their lines begin with their level (sd-daemon(3)).
/// Errors name the program and what the kernel said of it.
Result<Spawned> spawn_process(const ChildSpec& spec);

}  // namespace ghost::b2
