#pragma once
#include "ariascribe/collection_service.h"
#include "ariascribe/import_service.h"
#include "base/sha256.h"
#include "base/unique_fd.h"

namespace ghost::ariascribe {

/// A file that is on its way in. The stream belongs to the loop; the rest to it until the last byte has come, then to the thread that imports.
struct CollectionService::Upload {
  explicit Upload(b2::BidiStream<v1::ImportPiece, v1::ImportEvent> from) : stream(std::move(from)) {}
  ~Upload() { remove_file(); }
  /// What was imported, or never will be, is of no use; a run that was stopped is known by the bytes that come again.
  void remove_file();

  b2::BidiStream<v1::ImportPiece, v1::ImportEvent> stream;
  bool started = false, ended = false;
  ImportJob job;
  UniqueFd file;
  std::uint64_t received = 0, told_at = 0;
  Sha256 hash;
  std::atomic<bool> cancelled = false;
  bool full = false;            ///< the stream is: progress is left out until it is not
  std::uint64_t problems = 0;   ///< told
};

}  // namespace ghost::ariascribe
