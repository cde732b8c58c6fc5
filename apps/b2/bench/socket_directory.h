#pragma once
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/result.h"
#include "net/network.h"

namespace ghost::b2::bench {

/// A directory for Unix sockets and keys, removed with what is in it.
class SocketDirectory {
 public:
  SocketDirectory() {
    std::error_code none;
    std::string pattern = (std::filesystem::temp_directory_path(none) / "b2-bench-XXXXXX").string();
    if (none) return;
    if (const char* made = ::mkdtemp(pattern.data())) path_ = made;
  }
  ~SocketDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  /// Whether there is one.
  Status made() const {
    if (!path_.empty()) return {};
    return Error{Errc::io, "bench: no directory for sockets could be made where temporary files go; TMPDIR says where that is, /tmp without it"};
  }
  const std::string& path() const { return path_; }
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  net::Address address(std::string_view name) const { return net::Address::unix_path(path(name)); }

 private:
  std::string path_;
};

}  // namespace ghost::b2::bench
