#pragma once
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "ariascribe/knowledge_service.h"
#include "ariascribe/mapped_works_service.h"
#include "base/guarded.h"

namespace ghost::ariascribe {

/// The knowledge a daemon answers from, which may be replaced while it is read: who reads takes what stands and keeps it until the answer is made.
/// Copies share it. From any thread.
class LiveKnowledge {
 public:
  /// One that is never replaced, and outlives this.
  LiveKnowledge(const Knowledge& fixed) : LiveKnowledge(std::shared_ptr<const Knowledge>(std::shared_ptr<void>(), &fixed)) {}
  explicit LiveKnowledge(std::shared_ptr<const Knowledge> first) : held_(std::make_shared<Held>(std::move(first))) {}

  std::shared_ptr<const Knowledge> now() const {
    return held_->with([](const auto& knowledge) { return knowledge; });
  }
  void replace(std::shared_ptr<const Knowledge> knowledge) {
    held_->with([&](auto& held) { held.swap(knowledge); });  // the old one goes after the lock, where nobody reads it
  }

 private:
  using Held = Guarded<std::shared_ptr<const Knowledge>>;
  std::shared_ptr<Held> held_;  ///< lives as long as any copy
};

/// Reads the index of a directory anew whenever it was replaced, by whichever process, and has everybody answer from it (docs/spec/ariascribe.md
/// §12). What is read from the index before stays mapped until the last of its readers is done.
class IndexFollower {
 public:
  /// How many works there are after a reading, or why it could not be; what was known before goes on then.
  using Told = std::function<void(const Result<std::size_t>& works)>;
  /// @param shipped  the repertoire without composers of imported works
  /// @param told     after each reading, on the thread that looked; may be empty
  IndexFollower(LiveKnowledge knowledge, std::filesystem::path directory, std::function<Result<Repertoire>()> shipped, Told told = {})
      : knowledge_(std::move(knowledge)), directory_(std::move(directory)), shipped_(std::move(shipped)), told_(std::move(told)) {}
  ~IndexFollower();

  /// Looks once: two calls of stat(2) where nothing has changed. Gives whether something else is known after it. From any thread.
  bool look();
  /// Looks on a thread of its own, every second and when told to.
  void follow();
  /// Looks soon: somebody knows that there is something.
  void nudge();

 private:
  struct FileState {
    std::uint64_t inode = 0, size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const FileState&) const = default;
  };
  static FileState state_of(const std::filesystem::path& path);
  Result<bool> read_anew();
  void loop(const std::stop_token& stop);

  LiveKnowledge knowledge_;
  const std::filesystem::path directory_;
  const std::function<Result<Repertoire>()> shipped_;
  const Told told_;
  std::mutex looking_;  ///< one looks at a time
  FileState works_, changes_;
  std::mutex mutex_;    ///< of nudged_
  std::condition_variable_any wake_;
  bool nudged_ = false;
  std::jthread thread_;  ///< last, so that it ends first
};

}  // namespace ghost::ariascribe
