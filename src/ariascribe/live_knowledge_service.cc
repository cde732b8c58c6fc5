#include "ariascribe/live_knowledge_service.h"

#include <sys/stat.h>

#include <chrono>

namespace ghost::ariascribe {

namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

}  // namespace

IndexFollower::~IndexFollower() {
  thread_.request_stop();
  wake_.notify_all();
}

IndexFollower::FileState IndexFollower::state_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
}

bool IndexFollower::look() {
  const std::lock_guard lock(looking_);
  const IndexPaths paths(directory_);
  // What comes between this and the reading differs from what is kept here, and is read the next time.
  const FileState works = state_of(paths.works), changes = state_of(paths.changes);
  if (works == works_ && changes == changes_) return false;
  works_ = works;
  changes_ = changes;
  if (works == FileState{}) return false;
  const auto done = read_anew();
  if (done && !*done) return false;
  if (!done && (done.error().code == Errc::io || done.error().code == Errc::exhausted)) works_ = {};  // tried again: no memory, or no file to be had
  if (told_) told_(done ? Result<std::size_t>(knowledge_.now()->matcher.stored()->size()) : Result<std::size_t>(done.error()));
  return done.has_value();
}

Result<bool> IndexFollower::read_anew() {
  const auto builds = index_builds(directory_);
  if (!builds) return builds.error();
  const StoredWorks* standing = knowledge_.now()->matcher.stored();
  if (standing && standing->builds() == *builds) return false;
  auto repertoire = shipped_();
  if (!repertoire) return repertoire.error();
  auto stored = map_works(directory_, *repertoire);
  if (!stored) return stored.error();
  knowledge_.replace(std::make_shared<const Knowledge>(std::move(*repertoire), std::move(*stored)));
  return true;
}

void IndexFollower::follow() {
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

void IndexFollower::nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_all();
}

void IndexFollower::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    look();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kLookEvery, [this] { return nudged_; });
    nudged_ = false;
  }
}

}  // namespace ghost::ariascribe
