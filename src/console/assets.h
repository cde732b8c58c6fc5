#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace ghost::console {

/// A file of the console (web/dist), as the build put it into the program.
struct Asset {
  std::string_view content_type;  ///< "text/html; charset=utf-8"
  BytesView gzip;                 ///< RFC 1952; to be sent with content-encoding: gzip
  std::size_t size;               ///< bytes when unpacked
  std::string_view etag;          ///< with its quotes; changes with the content
  bool immutable;                 ///< its name has a hash of its content, so it may be cached for ever
};

/// The asset at a URL's path, "/" being the page itself; nothing when there is none. The views live as long as the program.
std::optional<Asset> find_asset(std::string_view path);

}  // namespace ghost::console
