#pragma once
#include <linux/openat2.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "ardus/metadata_service.h"
#include "base/bytes.h"
#include "base/result.h"

namespace ghost::ardus {

/// Every way in which a Folder, and a Store, change what is on a disk, one system call each: −1 and errno when it fails. One that fails,
/// or stops, after any of them is put in its place to see what is left then.
class Disk {
 public:
  virtual ~Disk() = default;

  /// openat2(2); files are made and emptied by it.
  virtual int open(int folder, const char* path, const open_how& how);
  virtual ssize_t write(int fd, BytesView bytes, std::uint64_t offset);
  virtual int truncate(int fd, std::uint64_t size);
  virtual int allocate(int fd, std::uint64_t offset, std::uint64_t size);
  /// A file's bytes, or a folder's names, are on the disk afterwards.
  virtual int sync(int fd);
  /// So is everything on the file system.
  virtual int sync_all(int fd);
  virtual int rename(int from, const char* name, int to, const char* path);
  virtual int make_folder(int in, const char* name, mode_t mode);
  virtual int link(int from, const char* file, int in, const char* name);
  virtual int symlink(const char* says, int in, const char* name);
  virtual int remove(int in, const char* name, int flags);
  virtual Status set_metadata(int fd, const Entry& entry, Owners owners, const std::string& name, LeftOut& left_out);
};

/// What a disk answered to a change, for the person: with what to do about it where that is known.
Error disk_error(int error_number, const std::string& what, const std::string& subject);
Error disk_error(const std::string& what, const std::string& subject);

Status write_exactly(Disk& disk, int fd, std::uint64_t offset, BytesView bytes, const std::string& name);

}  // namespace ghost::ardus
