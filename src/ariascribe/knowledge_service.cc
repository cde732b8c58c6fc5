#include "ariascribe/knowledge_service.h"

#include "ariascribe/mapped_works_service.h"

namespace ghost::ariascribe {

Result<std::unique_ptr<Knowledge>> Knowledge::load() {
  auto repertoire = Repertoire::embedded();
  if (!repertoire) return repertoire.error();
  return std::make_unique<Knowledge>(std::move(*repertoire));
}

Result<std::unique_ptr<Knowledge>> Knowledge::load_with(const std::filesystem::path& index_directory) {
  auto repertoire = Repertoire::embedded();
  if (!repertoire) return repertoire.error();
  auto stored = map_works(index_directory, *repertoire);
  if (!stored) return stored.error();
  return std::make_unique<Knowledge>(std::move(*repertoire), std::move(*stored));
}

}  // namespace ghost::ariascribe
