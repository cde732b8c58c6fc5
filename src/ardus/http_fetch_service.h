#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ardus/manifest.h"
#include "ardus/stream_map.h"
#include "base/time.h"

namespace ghost::ardus {

/// Fetches a publication and its chunks from web servers (libcurl: HTTP/1.1, HTTP/2, TLS, proxies by their usual environment variables).
/// Nothing that comes is believed here; whoever takes a chunk checks it. Blocks; on one thread.
class HttpFetch {
 public:
  struct Wish {
    std::vector<std::string> urls;           ///< of the same publication, http or https; the first is asked first
    std::string ca_file;                     ///< PEM of who may sign the servers' certificates; "" for the system's
    std::size_t at_once = 16;                ///< requests under way
    int tries = 6;                           ///< of one chunk, over all servers
    Duration pause = std::chrono::milliseconds(500);   ///< before the second try; doubled each time
    Duration silence = std::chrono::seconds(30);       ///< without a byte: the request is given up
    std::shared_ptr<const std::atomic<bool>> cancelled = {};
  };
  /// Says what became of a chunk's bytes: data_loss lets it be fetched once more, anything else ends the fetching.
  using Take = std::function<Status(std::uint32_t chunk, BytesView bytes)>;

  explicit HttpFetch(Wish wish);
  ~HttpFetch();

  /// The publication's bytes, at most `most`. Errors name the server and what it said.
  Result<Bytes> publication(std::size_t most);
  /// Fetches these chunks, in order, some at a time; ends with the first that can't be had. What no server has is told when the others
  /// have come.
  Status chunks(const Manifest& manifest, const ChunkSet& wanted, const Take& take);

  std::uint64_t received() const;  ///< bytes of bodies, wrong ones too

 private:
  class Loop;
  Wish wish_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace ghost::ardus
