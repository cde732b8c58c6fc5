#include "ardus/disk_service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace ghost::ardus {

int Disk::open(int folder, const char* path, const open_how& how) { return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how)); }

ssize_t Disk::write(int fd, BytesView bytes, std::uint64_t offset) { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); }

int Disk::truncate(int fd, std::uint64_t size) { return ::ftruncate(fd, static_cast<off_t>(size)); }

int Disk::allocate(int fd, std::uint64_t offset, std::uint64_t size) { return ::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(size)); }

int Disk::sync(int fd) { return ::fdatasync(fd); }

int Disk::sync_all(int fd) { return ::syncfs(fd); }

int Disk::rename(int from, const char* name, int to, const char* path) { return ::renameat2(from, name, to, path, 0); }

int Disk::make_folder(int in, const char* name, mode_t mode) { return ::mkdirat(in, name, mode); }

int Disk::link(int from, const char* file, int in, const char* name) { return ::linkat(from, file, in, name, 0); }

int Disk::symlink(const char* says, int in, const char* name) { return ::symlinkat(says, in, name); }

int Disk::remove(int in, const char* name, int flags) { return ::unlinkat(in, name, flags); }

Status Disk::set_metadata(int fd, const Entry& entry, Owners owners, const std::string& name, LeftOut& left_out) {
  return ardus::set_metadata(fd, entry, owners, name, left_out);
}

Error disk_error(int why, const std::string& what, const std::string& subject) {
  Error error = errno_error(why, what, subject);
  if (why == ENOSPC || why == EDQUOT) {
    error.code = Errc::exhausted;
    error.message += "; make room: what came is kept, and the next transfer of the same content goes on from there";
  } else if (why == EIO) {
    error.message += "; the disk, or the way to it, fails ('dmesg' has the kernel's word): receive onto another one, or again once it is mended";
  } else if (why == EROFS) {
    error.message += "; the file system is mounted read-only, as the kernel does with one that fails ('dmesg' tells)";
  } else if (why == EFBIG) {
    error = {Errc::exhausted, what + " " + subject + ": longer than this process, or the file system, allows (ulimit -f)"};
  }
  return error;
}

Error disk_error(const std::string& what, const std::string& subject) { return disk_error(errno, what, subject); }

Status write_exactly(Disk& disk, int fd, std::uint64_t offset, BytesView bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t put = disk.write(fd, bytes, offset);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return disk_error("write", name);
    if (put == 0) return disk_error(EIO, "write", name);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

}  // namespace ghost::ardus
