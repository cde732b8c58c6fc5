#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/command_line.h"
#include "base/result.h"

namespace ghost::app {

/// Where a program's files and sockets are, by --state or by the system's custom.
struct Places {
  std::filesystem::path state;    ///< of the node: its key, its house, and a folder for each program
  std::filesystem::path sockets;  ///< Unix sockets: the runtime directory, or `state` when that was named

  /// "unix:/run/ghostlight/b2.sock"
  std::string socket(std::string_view name) const { return "unix:" + (sockets / (std::string(name) + ".sock")).string(); }
};

Result<Places> places(const Arguments& arguments);

/// Prints "PROGRAM: message" to stderr; gives the exit code that fits.
int complain(std::string_view program, const Error& error);

}  // namespace ghost::app
