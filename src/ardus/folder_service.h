#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ardus/disk_service.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace ghost::ardus {

/// A folder nothing leads out of: every path given to it is opened with openat2(2) and RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
/// RESOLVE_NO_MAGICLINKS, so that neither "..", nor a symbolic link that stands somewhere on the way, takes it elsewhere.
class Folder {
 public:
  /// Opens it; its own path may go through links, since a person gave it. `disk` is shared with the folders that are opened beneath it.
  static Result<Folder> open(const std::filesystem::path& path, std::shared_ptr<Disk> disk = std::make_shared<Disk>());

  /// open(2) beneath it. Errors name the whole path; a symbolic link on the way is told as what it is.
  Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0) const;
  /// A folder beneath it.
  Result<Folder> folder(const std::string& path) const;
  /// Makes a folder whose parent is there; one that is there already will do, anything else there is a conflict.
  Status make_folder(const std::string& path, mode_t mode) const;
  /// What stands at the path itself, a link not followed; nothing when there is nothing. Errors when the way there is none.
  Result<std::optional<struct stat>> look(const std::string& path) const;
  /// What a symbolic link says.
  Result<std::string> read_link(const std::string& path) const;
  /// Moves `name` of `from` to `path` here, in place of a file or link that may be there.
  Status take(const Folder& from, const std::string& name, const std::string& path) const;
  Status make_link(const std::string& says, const std::string& path) const;
  Status remove_file(const std::string& path) const;
  /// Removes it with the files and links in it; what does not go stays.
  void remove_folder(const std::string& path) const;
  /// Puts a file in place of what may be there, synced before and after.
  Status put_file(const std::string& path, BytesView contents, mode_t mode) const;

  Disk& disk() const { return *disk_; }
  int fd() const { return fd_.get(); }
  const std::filesystem::path& path() const { return path_; }
  /// A hard link at `path` to a file of this folder; exists when something stands there.
  Status make_hard_link(const std::string& file, const Folder& in, const std::string& name) const;
  /// The folder that was looked into last is opened anew when it is needed again: others may have moved it.
  void forget() const { last_ = {}; }

 private:
  Folder(UniqueFd fd, std::filesystem::path path, std::shared_ptr<Disk> disk) : fd_(std::move(fd)), path_(std::move(path)), disk_(std::move(disk)) {}
  /// The folder that a path is in, and the path's last part.
  struct Parent {
    int folder;
    std::string name;
  };
  Result<Parent> parent(const std::string& path) const;
  std::string whole(const std::string& path) const { return (path_ / path).string(); }

  /// Paths come in the order of a tree, so the folder of the last one is mostly that of the next.
  struct Last {
    std::string path;
    UniqueFd fd;
    bool missing = false;
  };
  UniqueFd fd_;
  std::filesystem::path path_;
  std::shared_ptr<Disk> disk_;
  mutable Last last_;
};

/// Calls `each` for every regular file beneath a folder, in no order; links are not followed, what can't be read is left out. `each`
/// answers false to end the walk.
void walk_files(const Folder& folder, const std::string& below, const std::function<bool(const std::string& path, const struct stat&)>& each);

/// Reads exactly this many bytes from there; data_loss at the end of the file.
Status read_exactly(int fd, std::uint64_t offset, std::span<std::uint8_t> out, const std::string& name);

}  // namespace ghost::ardus
