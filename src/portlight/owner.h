#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ghost::portlight {

/// What is known of who holds a socket.
enum class OwnerStatus : std::uint8_t {
  package_verified,    ///< its program is a package's and its bytes are the package's
  package_modified,    ///< a package's, with other bytes
  package_unverified,  ///< a package's that brings no checksum of it
  unpackaged,
  deleted,             ///< its program's file is gone or replaced
  memory,              ///< it runs from memory (memfd) and never had a file
  container,           ///< in a container: its files are not this system's
  kernel,
  no_descriptor,       ///< no process has it open: in flight, or held by io_uring
  not_visible          ///< not to us: another user's
};
/// "package_verified", …; "deleted" for memory too, as portlight.v1 has it.
std::string_view name(OwnerStatus status);

struct Owner {
  OwnerStatus status = OwnerStatus::not_visible;
  int pid = 0;
  std::string process, user, unit, container, package, executable, command;

  /// "redis-server (pid 812)", "the kernel", "a process of user www-data".
  std::string text() const;
};

/// Where systemd or a container engine put a process, from its cgroup v2 path: "/system.slice/ssh.service".
struct CgroupOwner {
  std::string unit, container;
};
CgroupOwner owner_of_cgroup(std::string_view path);

/// What /proc/PID/status tells.
struct ProcessStatus {
  std::string name;
  int parent = 0;
  std::uint32_t user = 0;
};
std::optional<ProcessStatus> parse_process_status(std::string_view text);

/// The number in a link of /proc: "socket:[4711]" with kind "socket".
std::optional<std::uint64_t> link_inode(std::string_view link, std::string_view kind);

/// The words of /proc/PID/cmdline as one line for people, at most 200 bytes.
std::string command_text(std::string_view cmdline);

}  // namespace ghost::portlight
