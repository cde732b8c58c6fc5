#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/random.h"

namespace ghost {

namespace fs = std::filesystem;

namespace {

Result<UniqueFd> open_at(const fs::path& path, int flags, mode_t mode, std::string_view what) {
  for (;;) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (fd) return fd;
    if (errno != EINTR) return errno_error(what, path.string());
  }
}

Result<std::string> read_open_file(int fd, const fs::path& path, std::size_t max_bytes) {
  std::string text;
  std::array<char, 64 * 1024> piece;
  for (;;) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", path.string());
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > max_bytes)
      return Error{Errc::exhausted, "read " + path.string() + ": longer than the " + std::to_string(max_bytes) + " bytes allowed"};
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

Status write_all(int fd, BytesView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error("write", path.string());
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

fs::path directory_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

Status sync_directory(const fs::path& directory) {
  auto fd = open_at(directory, O_RDONLY | O_DIRECTORY, 0, "open");
  if (!fd) return fd.error();
  // Some file systems (FUSE, a few network ones) can't sync a directory and say so: there is no more to be had from them.
  if (::fsync(fd->get()) != 0 && errno != EINVAL && errno != ENOTSUP) return errno_error("sync", directory.string());
  return {};
}

fs::path temporary_beside(const fs::path& path) {
  std::array<std::uint8_t, 8> salt{};
  random_bytes(salt);
  return directory_of(path) / ("." + path.filename().string() + "." + to_hex(salt) + ".tmp");
}

enum class Replace { yes, no };

Status move_into_place(const fs::path& temporary, const fs::path& path, Replace replace) {
  if (replace == Replace::yes) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("write", path.string());
    return {};
  }
  if (::link(temporary.c_str(), path.c_str()) != 0) return errno_error("create", path.string());
  ::unlink(temporary.c_str());
  return {};
}

Status fill(const fs::path& temporary, const fs::path& path, BytesView contents, mode_t mode) {
  auto fd = open_at(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600, "write");
  if (!fd) return errno_error("write", path.string());
  if (auto written = write_all(fd->get(), contents, path); !written) return written;
  if (::fchmod(fd->get(), mode) != 0 || ::fsync(fd->get()) != 0) return errno_error("write", path.string());
  return {};
}

Status write_beside_and_move(const fs::path& path, BytesView contents, mode_t mode, Replace replace) {
  const fs::path temporary = temporary_beside(path);
  Status done = fill(temporary, path, contents, mode);
  if (done) done = move_into_place(temporary, path, replace);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return sync_directory(directory_of(path));
}

Status check_private(const struct stat& info, const fs::path& path, std::string_view mode) {
  if ((info.st_mode & 077) == 0) return {};
  return Error{Errc::refused, path.string() + " is open to other users; close it to them with: chmod " + std::string(mode) + " " +
                                  path.string()};
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::size_t max_bytes) {
  auto fd = open_at(path, O_RDONLY, 0, "open");
  if (!fd) return fd.error();
  return read_open_file(fd->get(), path, max_bytes);
}

Result<std::string> read_private_file(const fs::path& path, std::size_t max_bytes) {
  auto fd = open_at(path, O_RDONLY, 0, "open");
  if (!fd) return fd.error();
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return errno_error("open", path.string());
  if (auto closed = check_private(info, path, "600"); !closed) return closed.error();
  return read_open_file(fd->get(), path, max_bytes);
}

Status write_file_atomically(const fs::path& path, BytesView contents, mode_t mode) {
  return write_beside_and_move(path, contents, mode, Replace::yes);
}

Status create_file(const fs::path& path, BytesView contents, mode_t mode) {
  return write_beside_and_move(path, contents, mode, Replace::no);
}

Status make_directories(const fs::path& path, mode_t mode) {
  if (path.empty()) return {};
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return Error{Errc::exists, "create directory " + path.string() + ": something else has that name"};
  }
  if (path.has_parent_path() && path.parent_path() != path) {
    if (auto parent = make_directories(path.parent_path(), mode); !parent) return parent;
  }
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return errno_error("create directory", path.string());
  return {};
}

Status make_private_directory(const fs::path& path) {
  if (auto made = make_directories(path, 0700); !made) return made;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_error("open directory", path.string());
  return check_private(info, path, "700");
}

Result<FileLock> FileLock::acquire(const fs::path& path, std::chrono::milliseconds patience) {
  auto fd = open_at(path, O_RDWR | O_CREAT, 0600, "lock");
  if (!fd) return fd.error();
  constexpr std::chrono::milliseconds kStep{10};
  while (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return errno_error("lock", path.string());
    if (patience <= std::chrono::milliseconds::zero()) {
      const auto holder = read_file(path, 64);
      const std::string pid = holder && !holder->empty() ? "process " + holder->substr(0, holder->find('\n')) : "another process";
      return Error{Errc::busy, "lock " + path.string() + ": " + pid + " has it"};
    }
    std::this_thread::sleep_for(kStep);
    patience -= kStep;
  }
  FileLock lock(std::move(*fd));
  if (const Status signed_by_us = lock.sign(); !signed_by_us) return signed_by_us.error().in("lock " + path.string());
  return lock;
}

Status FileLock::sign() {
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_.get(), 0) != 0) return errno_error("write to", "a lock file");
  if (::pwrite(fd_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) return errno_error("write to", "a lock file");
  return {};
}

}  // namespace ghost
