#include "audiojuggler/formats/output_file_service.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"

namespace ghost::audiojuggler {

Error write_error(int error_number, const std::filesystem::path& path) {
  Error error = errno_error(error_number, "write", path.string());
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) {
    error.code = Errc::exhausted;
    error.message += "; make room, then run the same again: what is finished is kept";
  } else if (error_number == EROFS || error_number == EACCES) {
    error.message += "; choose a folder that can be written";
  }
  return error;
}

Status make_target_folder(const std::filesystem::path& path) {
  Status made = make_directories(path);
  if (!made) made.error().message += "; choose a folder that can be made and written";
  return made;
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& path, Overwrite overwrite) {
  struct stat there {};
  if (overwrite == Overwrite::no && ::lstat(path.c_str(), &there) == 0) {
    return Error{Errc::exists, path.string() + " is there already and is not overwritten; move it away or choose another folder"};
  }
  const std::filesystem::path part = path.parent_path() / ("." + path.filename().string() + ".part");
  UniqueFd fd(::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return write_error(errno, path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Error{Errc::busy, path.string() + " is being written by another process"};
  if (::ftruncate(fd.get(), 0) != 0) return write_error(errno, path);
  return OutputFile(path, part, std::move(fd), overwrite);
}

OutputFile::~OutputFile() {
  if (fd_) ::unlink(part_.c_str());
}

Status OutputFile::write(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(place_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return write_error(errno, path_);
    place_ += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Status OutputFile::finish() {
  if (::fdatasync(fd_.get()) != 0) return write_error(errno, path_);
  if (overwrite_ == Overwrite::yes) {
    if (::rename(part_.c_str(), path_.c_str()) != 0) return write_error(errno, path_);
  } else if (const Status named = rename_without_replacing(part_, path_); !named) {
    return named;
  }
  fd_.reset();
  return {};
}

Status rename_without_replacing(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  int failed = errno;
  if (failed == EINVAL || failed == ENOSYS) {  // a file system that cannot: a second name, then one less
    if (::link(from.c_str(), to.c_str()) == 0) {
      ::unlink(from.c_str());
      return {};
    }
    failed = errno;
  }
  if (failed == EEXIST) return Error{Errc::exists, to.string() + " is there already and is not overwritten; move it away or choose another folder"};
  return write_error(failed, to);
}

}  // namespace ghost::audiojuggler
