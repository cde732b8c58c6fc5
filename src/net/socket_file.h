#pragma once
#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ghost::net {

/// The file of a listening Unix socket; removed at the end, unless another has taken its place.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) = delete;
  ~SocketFile();

 private:
  std::string path_;  ///< empty when there is none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct UnixListener {
  UniqueFd fd;  ///< listening, nonblocking
  SocketFile file;
};

/// Listens on a Unix socket at `path`, mode 0660. A socket file that nobody answers on is replaced.
/// Errors: busy when another process listens there, exists when the file is no socket; refused without the right.
/// @param replace  the file goes to this one also when another process listens there: it takes over from that
Result<UnixListener> listen_unix(const std::string& path, bool replace = false);

}  // namespace ghost::net
