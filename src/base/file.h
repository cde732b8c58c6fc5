#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace ghost {

/// The whole file; exhausted when it is longer than `max_bytes`. Use as_bytes() where it is no text.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);
/// The same for a secret: refused when group or others have any right to the file, with the chmod that mends it.
Result<std::string> read_private_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Puts a file with these contents and mode in place of what may be there: readers, and a machine that loses power, see the old
/// file or the new one, never half of one.
Status write_file_atomically(const std::filesystem::path& path, BytesView contents, mode_t mode = 0644);
/// The same, but `exists` when there is something at `path` already, also if it appeared a moment ago.
Status create_file(const std::filesystem::path& path, BytesView contents, mode_t mode = 0644);

/// The directory and its missing parents, each made with `mode`; those that are there stay as they are.
Status make_directories(const std::filesystem::path& path, mode_t mode = 0755);
/// A directory for secrets: made 0700; one that is there and open to others is refused with the chmod that mends it.
Status make_private_directory(const std::filesystem::path& path);

/// Where a program of ours keeps its things when nothing else is said.
struct StandardDirectories {
  std::filesystem::path state;    ///< /var/lib/ghostlight, $STATE_DIRECTORY or $XDG_STATE_HOME/ghostlight
  std::filesystem::path config;   ///< /etc/ghostlight or $XDG_CONFIG_HOME/ghostlight
  std::filesystem::path runtime;  ///< sockets: /run/ghostlight, $RUNTIME_DIRECTORY or $XDG_RUNTIME_DIR/ghostlight
};

/// The value of an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> process_environment(const std::string& name);

/// Root and units of systemd get the system's directories, everyone else those of the XDG base directory specification. Nothing is
/// created. not_found when neither HOME nor XDG tells where a user's files are.
Result<StandardDirectories> standard_directories(uid_t user, const Environment& environment);

/// Holds a file locked against other processes (and other FileLocks of this one) while it lives; the file keeps the holder's pid
/// for messages and is not deleted.
class FileLock {
 public:
  /// busy, naming the holder's pid, when another has it for longer than `patience`.
  static Result<FileLock> acquire(const std::filesystem::path& path, std::chrono::milliseconds patience = {});
  /// A lock that another process has, by a descriptor it passed on: held until both have ended.
  static FileLock share(UniqueFd fd) { return FileLock(std::move(fd)); }

  int descriptor() const { return fd_.get(); }
  /// Writes this process's pid into the file.
  Status sign();

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace ghost
