#pragma once
#include <span>
#include <string_view>

#include "console/assets.h"

namespace ghost::console {

struct EmbeddedFile {
  std::string_view path;  ///< "/assets/index-CcZfyEy_.js"
  Asset asset;
};

/// All files of web/dist in the order of their paths. Written by tools/embed_assets at build time.
std::span<const EmbeddedFile> embedded_files();

}  // namespace ghost::console
