#include "net/socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "net/sockaddr.h"

namespace ghost::net {

namespace {

constexpr mode_t kSocketMode = 0660;

/// Two processes that start at once must not both find the same stale file and remove each other's fresh one. The lock
/// is on the directory, so that no lock file is left; whoever else holds it only delays us a little.
UniqueFd lock_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int attempt = 0; fd && attempt < 50 && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return fd;
}

UniqueFd unix_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// Makes room for a bind() that found `path` taken.
Status remove_stale(const Address& address, bool replace) {
  struct stat file;
  const char* path = address.path().c_str();
  if (::lstat(path, &file) != 0) return {};
  if (!S_ISSOCK(file.st_mode)) {
    return Error{Errc::exists,
                 address.text() + ": a file that is no socket is in the way; move it or choose another path"};
  }
  const UniqueFd probe = unix_socket();
  const SocketAddress at(address);
  if (replace) {
    if (::unlink(path) != 0 && errno != ENOENT) return errno_error("replace the socket", address.text());
    return {};
  }
  if (::connect(probe.get(), &at.base, at.size) == 0 || errno == EAGAIN) {
    return Error{Errc::busy, address.text() + ": another process is listening"};
  }
  if (errno != ECONNREFUSED && errno != ENOENT) return errno_error("listen on", address.text());
  if (::unlink(path) != 0 && errno != ENOENT) return errno_error("remove the stale socket", address.text());
  return {};
}

}  // namespace

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat file;
  if (::lstat(path_.c_str(), &file) != 0) {
    path_.clear();
    return;
  }
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile::~SocketFile() {
  struct stat file;
  if (path_.empty() || ::lstat(path_.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == inode_) ::unlink(path_.c_str());
}

Result<UnixListener> listen_unix(const std::string& path, bool replace) {
  const Address address = Address::unix_path(path);
  if (auto usable = check_usable(address); !usable) return usable.error();
  const UniqueFd lock = lock_directory_of(path);
  UniqueFd fd = unix_socket();
  if (!fd) return errno_error("listen on", address.text());
  ::fchmod(fd.get(), kSocketMode);  // bind() gives the file no more than this, so that it is never open to others
  const SocketAddress at(address);
  if (::bind(fd.get(), &at.base, at.size) != 0) {
    if (errno != EADDRINUSE) return errno_error("listen on", address.text());
    if (auto removed = remove_stale(address, replace); !removed) return removed.error();
    if (::bind(fd.get(), &at.base, at.size) != 0) return errno_error("listen on", address.text());
  }
  SocketFile file(path);
  ::chmod(path.c_str(), kSocketMode);  // the umask may have taken the group's right
  if (::listen(fd.get(), SOMAXCONN) != 0) return errno_error("listen on", address.text());
  return UnixListener{std::move(fd), std::move(file)};
}

}  // namespace ghost::net
