#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>

#include "ardus/publication.h"
#include "ardus/scan_service.h"

namespace ghost::ardus {

struct PublishWish {
  std::filesystem::path folder;         ///< made if it is missing; what a web server hands out
  std::vector<Bytes> certificates;      ///< of the publisher, for Publication
  std::function<void(std::uint64_t)> progress = {};  ///< bytes of chunks looked at
  std::shared_ptr<const std::atomic<bool>> cancelled = {};
};
struct Published {
  std::filesystem::path file;           ///< NAME.ardus, what receivers are told
  std::uint64_t chunks = 0, bytes = 0;  ///< written
  std::uint64_t already = 0;            ///< chunks that were there
};

/// Writes chunks that the folder lacks, then NAME.ardus in place of an older one: at every moment the folder can be fetched from. May
/// be broken off, and goes on from there when called again.
Result<Published> publish(Content& content, const PublishWish& wish);

/// Removes the chunks that no publication of the folder needs; tells how many there were. An unreadable publication is an error, and
/// nothing is removed.
Result<std::uint64_t> prune(const std::filesystem::path& folder);

}  // namespace ghost::ardus
