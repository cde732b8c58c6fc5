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

/// Where the file of a process that was relieved goes on being found, by that process and by the one that relieves it.
std::string set_aside(const std::string& path) { return path + ".relieved"; }

/// 0 when somebody listens on a Unix socket, or what connect(2) says.
int probe(const std::string& path) {
  const UniqueFd fd = unix_socket();
  const SocketAddress at(Address::unix_path(path));
  return ::connect(fd.get(), &at.base, at.size) == 0 || errno == EAGAIN ? 0 : errno;
}

/// Makes room for a bind() that found `path` taken.
Status make_room(const Address& address, bool relieving) {
  struct stat file;
  const char* path = address.path().c_str();
  if (::lstat(path, &file) != 0) return {};
  if (!S_ISSOCK(file.st_mode)) {
    return Error{Errc::exists,
                 address.text() + ": a file that is no socket is in the way; move it or choose another path"};
  }
  if (relieving) {
    ::unlink(set_aside(address.path()).c_str());
    if (::link(path, set_aside(address.path()).c_str()) != 0 && errno != ENOENT) return errno_error("set aside the socket", address.text());
  } else {
    const int error = probe(address.path());
    if (error == 0) return Error{Errc::busy, address.text() + ": another process is listening"};
    if (error != ECONNREFUSED && error != ENOENT) return errno_error(error, "listen on", address.text());
  }
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
  if (path_.empty()) return;
  const std::string aside = set_aside(path_);
  if (is_ours(aside)) ::unlink(aside.c_str());
  if (!is_ours(path_)) return;
  // Who was to be relieved may live on: the file is its own again.
  if (probe(aside) != 0 || ::rename(aside.c_str(), path_.c_str()) != 0) ::unlink(path_.c_str());
}

bool SocketFile::is_ours(const std::string& path) const {
  struct stat file;
  return ::lstat(path.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
}

Result<UnixListener> listen_unix(const std::string& path, bool relieving) {
  const Address address = Address::unix_path(path);
  if (auto usable = check_usable(address); !usable) return usable.error();
  const UniqueFd lock = lock_directory_of(path);
  UniqueFd fd = unix_socket();
  if (!fd) return errno_error("listen on", address.text());
  ::fchmod(fd.get(), kSocketMode);  // bind() gives the file no more than this, so that it is never open to others
  const SocketAddress at(address);
  if (::bind(fd.get(), &at.base, at.size) != 0) {
    if (errno != EADDRINUSE) return errno_error("listen on", address.text());
    if (auto removed = make_room(address, relieving); !removed) return removed.error();
    if (::bind(fd.get(), &at.base, at.size) != 0) return errno_error("listen on", address.text());
  }
  SocketFile file(path);
  ::chmod(path.c_str(), kSocketMode);  // the umask may have taken the group's right
  if (::listen(fd.get(), SOMAXCONN) != 0) return errno_error("listen on", address.text());
  return UnixListener{std::move(fd), std::move(file)};
}

}  // namespace ghost::net
