#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "portlight/owner.h"

namespace ghost::portlight {

/// Which Debian package brought a file, and whether its bytes are still the package's. Keeps what it found, by device, inode, times
/// and length of the file, in a file of its own when it is given one. One thread.
class PackageService {
 public:
  struct Found {
    OwnerStatus status = OwnerStatus::unpackaged;  ///< package_verified, _modified, _unverified or unpackaged
    std::string package;                           ///< "openssh-server"
  };

  /// @param database  /var/lib/dpkg/info
  /// @param cache     "" for none; one that can't be read or written costs time only
  explicit PackageService(std::filesystem::path database = "/var/lib/dpkg/info", std::filesystem::path cache = {});

  /// Looks up absolute paths of executables, all at once: reading the database is what takes time.
  std::map<std::string, Found> look_up(const std::vector<std::string>& files);

 private:
  struct Known {
    std::string stamp;
    Found found;
  };
  void load();
  void save() const;

  std::filesystem::path database_, cache_;
  std::map<std::string, Known> known_;  ///< by path
};

}  // namespace ghost::portlight
