#include "console/assets.h"

#include <algorithm>

#include "console/embedded_files.h"

namespace ghost::console {

std::optional<Asset> find_asset(std::string_view path) {
  if (path == "/") path = "/index.html";
  const auto files = embedded_files();
  const auto file = std::lower_bound(files.begin(), files.end(), path, [](const EmbeddedFile& each, std::string_view wanted) { return each.path < wanted; });
  if (file == files.end() || file->path != path) return std::nullopt;
  return file->asset;
}

}  // namespace ghost::console
