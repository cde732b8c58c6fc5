#pragma once
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ardus/disk_service.h"
#include "base/file.h"
#include "base/random.h"

namespace ghost::ardus {

/// For tests: a disk that fails, or whose process or power ends, at the n-th change; and what is on it then. Changes are done in a folder
/// that is there, and remembered in their order.
class FailingDisk : public Disk {
 public:
  enum class Fault : std::uint8_t {
    none,
    killed,  ///< the process ends there, a write half done; nothing is changed any more
    error,   ///< EIO, once
    dead,    ///< EIO, from there on
    full,    ///< ENOSPC for whatever takes room, from there on; half of the first write finds some
    torn,    ///< a write does a part of what it was asked for, which is no failure
  };
  /// @param root  beneath which all of it happens
  /// @param at    the change that fails, from 1
  FailingDisk(std::filesystem::path root, Fault fault, std::size_t at) : root_(std::move(root)), fault_(fault), at_(at) {
    for (const auto& one : std::filesystem::recursive_directory_iterator(root_)) {
      const std::string name = std::filesystem::relative(one.path(), root_).string();
      if (one.is_directory()) folders_.insert(name);
      else if (one.is_regular_file()) names_[name] = number_of(one.path()), contents_[names_[name]] = read_file(one.path(), 100'000'000).value();
    }
  }

  std::size_t changes() const { return changes_; }
  bool struck() const { return changes_ >= at_; }
  const std::string& what() const { return what_; }  ///< that failed

  int open(int folder, const char* path, const open_how& how) override {
    if ((how.flags & (O_CREAT | O_TRUNC)) == 0) return Disk::open(folder, path, how);
    struct stat there {};
    const bool makes = ::fstatat(folder, path, &there, AT_SYMLINK_NOFOLLOW) != 0;
    if (!makes && (how.flags & O_TRUNC) == 0) return Disk::open(folder, path, how);
    if (!goes(makes ? "make" : "empty", makes)) return -1;
    const int fd = Disk::open(folder, path, how);
    if (fd < 0) return fd;
    if (makes) log({Kind::make, renumbered(fd), name(folder, path)});
    else log({Kind::truncate, number(fd)});
    return fd;
  }
  ssize_t write(int fd, BytesView bytes, std::uint64_t offset) override {
    const bool was_struck = struck();
    const bool whole = goes("write", true);
    if (!whole && (was_struck || (fault_ != Fault::killed && fault_ != Fault::full))) return -1;
    const bool half = !whole || (fault_ == Fault::torn && !was_struck && struck());
    const BytesView part = half ? bytes.first((bytes.size() + 1) / 2) : bytes;
    const ssize_t done = Disk::write(fd, part, offset);
    if (done > 0) log({Kind::write, number(fd), {}, {}, offset, std::string(as_text(part.first(static_cast<std::size_t>(done))))});
    if (whole || fault_ == Fault::full) return done;
    errno = EIO;
    return -1;
  }
  int truncate(int fd, std::uint64_t size) override {
    if (!goes("truncate", false)) return -1;
    log({Kind::truncate, number(fd), {}, {}, size});
    return Disk::truncate(fd, size);
  }
  int allocate(int fd, std::uint64_t offset, std::uint64_t size) override {
    if (!goes("allocate", true)) return -1;
    log({Kind::allocate, number(fd), {}, {}, offset + size});
    return Disk::allocate(fd, offset, size);
  }
  int sync(int fd) override {
    if (!goes("sync", false)) return -1;
    struct stat there {};
    ::fstat(fd, &there);
    const bool folder = S_ISDIR(there.st_mode);
    const std::string path = folder ? folder_of(name(fd, "x")) : std::string{};
    for (Change& change : log_) change.lasts = change.lasts || (folder ? change.is_of_names() && change.folder() == path : !change.is_of_names() && change.file == number(fd));
    return 0;  // the disk beneath is not what is tested
  }
  int sync_all(int) override {
    if (!goes("sync all", false)) return -1;
    for (Change& change : log_) change.lasts = true;
    return 0;
  }
  int rename(int from, const char* old, int to, const char* path) override {
    if (!goes("rename", true)) return -1;
    log({Kind::rename, 0, name(from, old), name(to, path)});
    return Disk::rename(from, old, to, path);
  }
  int make_folder(int in, const char* path, mode_t mode) override {
    struct stat there {};
    if (::fstatat(in, path, &there, AT_SYMLINK_NOFOLLOW) == 0) return errno = EEXIST, -1;
    if (!goes("make folder", true)) return -1;
    log({Kind::folder, 0, name(in, path)});
    return Disk::make_folder(in, path, mode);
  }
  int link(int from, const char* file, int in, const char* path) override {
    if (!goes("link", true)) return -1;
    log({Kind::link, 0, name(from, file), name(in, path)});
    return Disk::link(from, file, in, path);
  }
  int symlink(const char* says, int in, const char* path) override {
    if (!goes("symlink", true)) return -1;
    log({Kind::symlink, 0, says, name(in, path)});
    return Disk::symlink(says, in, path);
  }
  int remove(int in, const char* path, int flags) override {
    if (!goes("remove", false)) return -1;
    log({Kind::remove, 0, name(in, path)});
    return Disk::remove(in, path, flags);
  }
  Status set_metadata(int fd, const Entry& entry, Owners owners, const std::string& path, LeftOut& left_out) override {
    if (!goes("set metadata", false)) return disk_error("set the metadata of", path);
    return Disk::set_metadata(fd, entry, owners, path, left_out);
  }

  /// What a machine whose power went finds: everything that was synced; of all else some is there, some torn, some lost. Names
  /// are lost from some moment on, as file systems with a journal have it: after the last one in a folder that was synced since.
  void leave_in(const std::filesystem::path& folder, std::uint64_t seed) const {
    SeededRandom random(seed);
    std::map<std::string, std::size_t> names = names_;
    std::map<std::size_t, std::string> contents = contents_;
    std::map<std::string, std::string> links;
    std::set<std::string> folders = folders_;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < log_.size(); ++i) kept = log_[i].lasts && log_[i].is_of_names() ? i + 1 : kept;
    kept += random.below(log_.size() - kept + 1);
    for (std::size_t i = 0; i < log_.size(); ++i) {
      const Change& change = log_[i];
      if (change.is_of_names()) {
        if (i < kept) apply_to_names(change, names, links, folders);
        continue;
      }
      const std::uint64_t fate = change.lasts ? 0 : random.below(3);
      if (fate == 2) continue;
      std::string& text = contents[change.file];
      if (change.kind == Kind::truncate) text.resize(change.offset);
      if (change.kind == Kind::allocate) text.resize(std::max<std::size_t>(text.size(), change.offset));
      if (change.kind != Kind::write) continue;
      const std::string part = change.text.substr(0, fate == 0 ? std::string::npos : random.below(change.text.size() + 1));
      text.resize(std::max<std::size_t>(text.size(), change.offset + part.size()));
      text.replace(change.offset, part.size(), part);
    }
    std::filesystem::create_directories(folder);
    for (const std::string& path : folders) std::filesystem::create_directories(folder / path);
    std::map<std::size_t, std::filesystem::path> written;
    for (const auto& [path, file] : names) {
      const auto [first, fresh] = written.try_emplace(file, folder / path);
      if (fresh) std::ofstream(folder / path, std::ios::binary) << contents[file];
      else std::filesystem::create_hard_link(first->second, folder / path);
    }
    for (const auto& [path, says] : links) std::filesystem::create_symlink(says, folder / path);
  }

 private:
  enum class Kind : std::uint8_t { make, write, truncate, allocate, rename, folder, link, symlink, remove };
  struct Change {
    Kind kind;
    std::size_t file = 0;
    std::string name = {}, to = {};
    std::uint64_t offset = 0;
    std::string text = {};
    bool lasts = false;  ///< it was synced
    /// That has the name it gives, or takes.
    std::string folder() const { return folder_of(to.empty() ? name : to); }
    bool is_of_names() const { return kind != Kind::write && kind != Kind::truncate && kind != Kind::allocate; }
  };

  static std::string folder_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }
  /// Counts a change; false when it is not to be done, with errno.
  bool goes(const char* what, bool takes_room) {
    const bool before = struck();
    ++changes_;
    if (!struck() || fault_ == Fault::none || fault_ == Fault::torn) return true;
    if (fault_ == Fault::error && before) return true;
    if (fault_ == Fault::full && !takes_room) return true;
    if (what_.empty()) what_ = what;
    errno = fault_ == Fault::full ? ENOSPC : EIO;
    return false;
  }
  void log(Change change) { log_.push_back(std::move(change)); }

  static void apply_to_names(const Change& change, std::map<std::string, std::size_t>& names, std::map<std::string, std::string>& links, std::set<std::string>& folders) {
    switch (change.kind) {
      case Kind::make: names[change.name] = change.file; break;
      case Kind::folder: folders.insert(change.name); break;
      case Kind::link: names[change.to] = names.at(change.name); break;
      case Kind::symlink: links[change.to] = change.name; break;
      case Kind::remove: names.erase(change.name), links.erase(change.name), folders.erase(change.name); break;
      default: {
        if (const auto file = names.extract(change.name); !file.empty()) names[change.to] = file.mapped(), links.erase(change.to);
        else if (const auto link = links.extract(change.name); !link.empty()) links[change.to] = link.mapped(), names.erase(change.to);
      }
    }
  }

  /// Files are told by numbers of ours: a file system gives those of its own to others again.
  static ino_t inode(int fd) {
    struct stat there {};
    ::fstat(fd, &there);
    return there.st_ino;
  }
  std::size_t number(int fd) { return numbers_.try_emplace(inode(fd), numbers_given_++).first->second; }
  std::size_t renumbered(int fd) { return numbers_[inode(fd)] = numbers_given_++; }
  std::size_t number_of(const std::filesystem::path& path) {
    struct stat there {};
    ::stat(path.c_str(), &there);
    return numbers_.try_emplace(there.st_ino, numbers_given_++).first->second;
  }
  std::string name(int folder, const std::string& path) const {
    const std::filesystem::path full = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(folder)) / path;
    return full.lexically_normal().lexically_relative(std::filesystem::canonical(root_)).string();
  }

  std::filesystem::path root_;
  Fault fault_;
  std::size_t at_, changes_ = 0, numbers_given_ = 1;
  std::string what_;
  std::vector<Change> log_;
  std::map<ino_t, std::size_t> numbers_;
  std::map<std::string, std::size_t> names_;          ///< of the files that were there at the beginning
  std::map<std::size_t, std::string> contents_;       ///< of those
  std::set<std::string> folders_;
};

}  // namespace ghost::ardus
