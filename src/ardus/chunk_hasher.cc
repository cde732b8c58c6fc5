#include "ardus/chunk_hasher.h"

#include "base/sha256_many.h"

namespace ghost::ardus {

void hash_batch(ChunkBatch& batch) {
  batch.hashes.resize(batch.chunks.size());  // no more when a ChunkHasher has done so: its thread can tell nobody that there is no memory
  sha256_many(batch.chunks, batch.hashes);
}

ChunkHasher::~ChunkHasher() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  came_.notify_one();
  thread_.join();
}

void ChunkHasher::begin(ChunkBatch& batch) {
  batch.hashes.resize(batch.chunks.size());
  {
    const std::lock_guard lock(mutex_);
    to_do_.push_back(&batch);
  }
  came_.notify_one();
}

void ChunkHasher::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return ready_ > 0; });
  --ready_;
}

/// What was begun is hashed even when it ends: the buffers stay until the destructor comes back, and nobody is left waiting.
void ChunkHasher::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    came_.wait(lock, [this] { return ending_ || !to_do_.empty(); });
    if (to_do_.empty()) return;
    ChunkBatch& batch = *to_do_.front();
    to_do_.pop_front();
    lock.unlock();
    hash_batch(batch);
    lock.lock();
    ++ready_;
    done_.notify_one();
  }
}

}  // namespace ghost::ardus
