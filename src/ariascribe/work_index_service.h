#pragma once
#include <filesystem>
#include <functional>

#include "ariascribe/mapped_works_service.h"
#include "ariascribe/store_service.h"

namespace ghost::ariascribe {

struct IndexUpdate {
  enum class Did : std::uint8_t { nothing, changes, all } did = Did::nothing;
  std::size_t works = 0;  ///< written
  std::int64_t rev = 0;   ///< of the catalogue, which the index has now
};

/// Brings an index up to the catalogue's revision: of few changes a small file over the large one, else all anew. Readers see the old files or the new
/// ones. Works the repertoire has too (composer and number, or composer, words and key) are left to it.
/// @param repertoire  as it was shipped, without composers of imported works
/// Errors: the store's; io; busy where another process is at it.
Result<IndexUpdate> update_index(Store& store, const Repertoire& repertoire, const std::filesystem::path& directory);

}  // namespace ghost::ariascribe
