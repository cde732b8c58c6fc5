#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/sha256.h"

namespace ghost::ardus {

/// Chunks that were read and cut together.
struct ChunkBatch {
  Bytes buffer;
  std::uint64_t offset = 0;        ///< in the file, of the first of them
  std::vector<BytesView> chunks;   ///< of the buffer
  std::vector<Digest> hashes;      ///< SHA-256 of those, once they are hashed
};

/// Hashes batches on a thread of its own, in the order they come, while whoever made them reads and cuts the next.
class ChunkHasher {
 public:
  /// @throws std::system_error  where no thread is to be had
  ChunkHasher() : thread_([this] { loop(); }) {}
  /// Waits for what is under way.
  ~ChunkHasher();
  ChunkHasher(const ChunkHasher&) = delete;
  ChunkHasher& operator=(const ChunkHasher&) = delete;

  /// The batch is read, and its hashes are written, until wait() has come back for it.
  void begin(ChunkBatch& batch);
  /// Until the first batch is hashed that was not waited for yet.
  void wait();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable came_, done_;
  std::deque<ChunkBatch*> to_do_;
  std::size_t ready_ = 0;  ///< hashed, and not waited for
  bool ending_ = false;
  std::thread thread_;     ///< the last: it uses the others
};

/// The hashes of a batch, in this thread.
void hash_batch(ChunkBatch& batch);

}  // namespace ghost::ardus
