#include "ardus/folder_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <vector>

namespace ghost::ardus {

namespace {

int open_beneath(Disk& disk, int folder, const char* path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const int fd = disk.open(folder, path, how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return fd;
  }
}

Error open_error(int why, const std::string& path) {
  if (why == ELOOP) {
    return {Errc::refused, "open " + path + ": a symbolic link stands on the way, and receivers follow none; move it away if the file should go there"};
  }
  if (why == EXDEV) return {Errc::refused, "open " + path + ": this leads out of the target folder"};
  if (why == ENOTDIR) return {Errc::conflict, "open " + path + ": something that is no folder stands on the way"};
  if (why == ENOSYS) return {Errc::unsupported, "open " + path + ": the kernel has no openat2; Linux 5.6 or later is needed"};
  return disk_error(why, "open", path);
}

}  // namespace

Result<Folder> Folder::open(const std::filesystem::path& path, std::shared_ptr<Disk> disk) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open the folder", path.string());
  return Folder(std::move(fd), path, std::move(disk));
}

Result<UniqueFd> Folder::open_file(const std::string& path, int flags, mode_t mode) const {
  const auto in = parent(path);
  if (!in) return in.error();
  UniqueFd fd(open_beneath(*disk_, in->folder, in->name.c_str(), flags, mode));
  if (!fd) return open_error(errno, whole(path));
  return fd;
}

Result<Folder> Folder::folder(const std::string& path) const {
  auto fd = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  return Folder(std::move(*fd), path_ / path, disk_);
}

Result<Folder::Parent> Folder::parent(const std::string& path) const {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return Parent{fd_.get(), path};
  const std::string_view folder = std::string_view(path).substr(0, slash);
  if (last_.path != folder) {
    last_ = {};
    UniqueFd fd(open_beneath(*disk_, fd_.get(), std::string(folder).c_str(), O_PATH | O_DIRECTORY, 0));
    const int why = errno;
    if (!fd && why != ENOENT) return open_error(why, whole(std::string(folder)));
    last_.missing = !fd;
    last_.fd = std::move(fd);
    last_.path = folder;
  }
  if (last_.missing) return Error{Errc::not_found, "open " + whole(std::string(folder)) + ": no such file or directory"};
  return Parent{last_.fd.get(), path.substr(slash + 1)};
}

Status Folder::make_folder(const std::string& path, mode_t mode) const {
  const auto in = parent(path);
  if (!in) return in.error();
  const int made = disk_->make_folder(in->folder, in->name.c_str(), mode), why = errno;
  if (last_.missing || made == 0) forget();
  if (made == 0) return {};
  if (why != EEXIST) return disk_error(why, "make the folder", whole(path));
  const auto there = look(path);
  if (!there) return there.error();
  if (*there && S_ISDIR((*there)->st_mode)) return {};
  const bool link = *there && S_ISLNK((*there)->st_mode);
  return Error{Errc::conflict, "make the folder " + whole(path) + ": a " + (link ? "symbolic link" : "file") + " stands there; move it away first"};
}

Result<std::optional<struct stat>> Folder::look(const std::string& path) const {
  const auto in = parent(path);
  if (!in && in.error().code == Errc::not_found) return std::optional<struct stat>();
  if (!in) return in.error();
  struct stat found {};
  if (::fstatat(in->folder, in->name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) return std::optional(found);
  if (errno == ENOENT) return std::optional<struct stat>();
  return errno_error("look at", whole(path));
}

Result<std::string> Folder::read_link(const std::string& path) const {
  const auto in = parent(path);
  if (!in) return in.error();
  char text[PATH_MAX];
  const ssize_t size = ::readlinkat(in->folder, in->name.c_str(), text, sizeof text);
  if (size < 0) return errno_error("read the link", whole(path));
  return std::string(text, static_cast<std::size_t>(size));
}

Status Folder::take(const Folder& from, const std::string& name, const std::string& path) const {
  const auto in = parent(path);
  if (!in) return in.error();
  if (disk_->rename(from.fd(), name.c_str(), in->folder, in->name.c_str()) == 0) return {};
  if (errno == EISDIR) return Error{Errc::conflict, "put " + whole(path) + " in place: a folder stands there; move it away first"};
  return disk_error("put in place", whole(path));
}

Status Folder::make_link(const std::string& says, const std::string& path) const {
  const auto in = parent(path);
  if (!in) return in.error();
  if (disk_->symlink(says.c_str(), in->folder, in->name.c_str()) != 0) return disk_error("make the symbolic link", whole(path));
  return {};
}

Status Folder::make_hard_link(const std::string& file, const Folder& in, const std::string& name) const {
  const auto from = parent(file);
  if (!from) return from.error();
  if (disk_->link(from->folder, from->name.c_str(), in.fd(), name.c_str()) != 0) return disk_error("make a hard link to", whole(file));
  return {};
}

Status Folder::remove_file(const std::string& path) const {
  const auto in = parent(path);
  if (!in) return in.error();
  if (disk_->remove(in->folder, in->name.c_str(), 0) != 0 && errno != ENOENT) return disk_error("remove", whole(path));
  return {};
}

void Folder::remove_folder(const std::string& path) const {
  const auto in = parent(path);
  const auto gone = folder(path);
  if (!in || !gone) return;
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(gone->path(), failed), end; !failed && at != end; at.increment(failed)) names.push_back(at->path().filename());
  for (const std::string& name : names) (void)gone->remove_file(name);
  (void)disk_->remove(in->folder, in->name.c_str(), AT_REMOVEDIR);
}

Status Folder::put_file(const std::string& path, BytesView contents, mode_t mode) const {
  const std::string unfinished = path + ".part";
  {
    const auto fd = open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!fd) return fd.error();
    if (Status written = write_exactly(*disk_, fd->get(), 0, contents, whole(path)); !written) return written;
    if (disk_->sync(fd->get()) != 0) return disk_error("sync", whole(path));
  }
  if (Status taken = take(*this, unfinished, path); !taken) return taken;
  const std::size_t slash = path.rfind('/');
  const auto in = open_file(slash == std::string::npos ? "." : path.substr(0, slash), O_RDONLY | O_DIRECTORY);
  if (!in) return in.error();
  if (disk_->sync(in->get()) != 0) return disk_error("sync", whole(path));
  return {};
}

void walk_files(const Folder& folder, const std::string& below, const std::function<bool(const std::string&, const struct stat&)>& each) {
  std::vector<std::string> waiting = {below};
  while (!waiting.empty()) {
    const std::string path = std::move(waiting.back());
    waiting.pop_back();
    auto opened = path.empty() ? folder.open_file(".", O_RDONLY | O_DIRECTORY) : folder.open_file(path, O_RDONLY | O_DIRECTORY);
    if (!opened) continue;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(opened->get()), ::closedir);
    if (!entries) continue;
    opened->release();
    while (const dirent* one = ::readdir(entries.get())) {
      const std::string_view name = one->d_name;
      if (name == "." || name == ".." || name == ".ardus") continue;
      struct stat found {};
      if (::fstatat(::dirfd(entries.get()), one->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
      std::string whole = path.empty() ? std::string(name) : path + "/" + std::string(name);
      if (S_ISDIR(found.st_mode)) waiting.push_back(std::move(whole));
      else if (S_ISREG(found.st_mode) && !each(whole, found)) return;
    }
  }
}

Status read_exactly(int fd, std::uint64_t offset, std::span<std::uint8_t> out, const std::string& name) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", name);
    if (got == 0) return Error{Errc::data_loss, "read " + name + ": it ends before it should"};
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace ghost::ardus
