#pragma once
#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ghost::net {

/// The file of a listening Unix socket; removed at the end, unless another has taken its place. Where this one has taken another's, that
/// one's comes back if it is still listened on.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) = delete;
  ~SocketFile();

  /// The file is another process's from here on.
  void leave() { path_.clear(); }

 private:
  bool is_ours(const std::string& path) const;

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
/// @param relieving  the file goes to this one also when another process listens there: it takes over from that
Result<UnixListener> listen_unix(const std::string& path, bool relieving = false);

}  // namespace ghost::net
