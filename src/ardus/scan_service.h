#pragma once
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ardus/manifest.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace ghost::ardus {

/// What is sent: a signed manifest, and where on this machine the bytes of its chunks are. One thread at a time may read.
class Content {
 public:
  /// What a transfer left under `target`, whose copy was verified: as far as it is still there, which a read does not tell.
  static std::unique_ptr<Content> kept(const std::filesystem::path& target, std::shared_ptr<const Manifest> manifest, Bytes encoded);

  /// The same while a Store still takes it: chunks that it has taken may be read, before the commit and after it.
  static std::unique_ptr<Content> coming(const std::filesystem::path& target, std::shared_ptr<const Manifest> manifest, Bytes encoded);

  const Manifest& manifest() const { return *manifest_; }
  const Bytes& encoded() const { return encoded_; }
  /// Things that can't be sent and were left out (devices, sockets), and paths that differ by case alone: for the person.
  const std::vector<std::string>& remarks() const { return remarks_; }

  /// `out.size()` bytes of a chunk, from `offset` on. conflict when its file was changed since it was scanned.
  Status read(std::uint32_t chunk, std::uint32_t offset, std::span<std::uint8_t> out);

 private:
  friend class Scanner;
  /// What tells that a file was changed.
  struct Stamp {
    std::uint64_t device, inode, size;
    std::int64_t seconds, nanoseconds;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp(const struct stat& stat);
  struct Source {
    std::string path;
    Stamp found;
    std::string staged = {};  ///< where it stands before its commit; "" for what never was staged
  };
  struct Place {
    std::uint32_t source;
    std::uint64_t offset;
  };
  struct OpenFile {
    std::uint32_t source;
    UniqueFd fd;
  };
  static std::unique_ptr<Content> received(const std::filesystem::path& target, const std::filesystem::path& staging, std::shared_ptr<const Manifest> manifest, Bytes encoded);
  Result<int> open(std::uint32_t source);

  std::shared_ptr<const Manifest> manifest_;  ///< shared with who received it, if it was received
  bool kept_ = false;
  Bytes encoded_;
  std::vector<std::string> remarks_;
  std::vector<Source> sources_;
  std::vector<Place> places_;   ///< of each chunk
  std::list<OpenFile> opened_;  ///< the one used last in front
};

struct ScanWish {
  std::vector<std::filesystem::path> paths;  ///< absolute; each is sent under its last part
  std::string name;                          ///< "" for the first path's last part
  std::uint64_t now_ms = 0;                  ///< UTC, for the manifest
  bool owners = ::geteuid() == 0;            ///< whose the files are is told
  std::function<void(std::uint64_t bytes)> progress = {};  ///< bytes read so far; from the scanning thread
  std::shared_ptr<const std::atomic<bool>> cancelled = {};
};

/// Reads, cuts and hashes everything under the paths. Blocks for as long as the disk takes. Links below a path are sent as links; a path
/// that is one itself is followed. Errors name the file.
Result<std::unique_ptr<Content>> scan(const ScanWish& wish, const KeyPair& publisher);

}  // namespace ghost::ardus
