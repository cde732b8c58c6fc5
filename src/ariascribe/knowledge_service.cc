#include "ariascribe/knowledge_service.h"

namespace ghost::ariascribe {

Result<std::unique_ptr<Knowledge>> Knowledge::load() {
  auto repertoire = Repertoire::embedded();
  if (!repertoire) return repertoire.error();
  return std::make_unique<Knowledge>(std::move(*repertoire));
}

}  // namespace ghost::ariascribe
