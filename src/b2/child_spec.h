#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace ghost::b2 {

/// What the kernel holds a child to (setrlimit(2)); empty: the same as its host.
struct ResourceLimits {
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> memory;    ///< bytes of data, anonymous mappings included (RLIMIT_DATA)
  std::optional<std::uint64_t> core = 0;  ///< bytes of a core dump
};

/// A program that a host runs as its child.
struct ChildSpec {
  std::string name;                  ///< for people and for Restart: "ariascribe"
  std::vector<std::string> command;  ///< the program's path, and its arguments
  std::vector<std::pair<std::string, std::string>> environment;  ///< besides the host's own
  ResourceLimits limits;
  /// Whether the host's callers may call its services through the host; one of several alike is called at its own address.
  bool offers_services = true;
  /// Above zero: it is ended when none of its calls was open for so long, and started by the next. It runs once at the host's start, which
  /// learns what it serves from it.
  Duration idle_stop = Duration::zero();
};

}  // namespace ghost::b2
