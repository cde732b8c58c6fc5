#pragma once
#include <string>
#include <vector>

#include "ardus/manifest.h"

namespace ghost::ardus {

/// What a web server hands out for a transfer, beside its chunks: the manifest, and what shows whose it is (docs/spec/ardus.md,
/// "Publication").
struct Publication {
  std::vector<Bytes> certificates;  ///< of the publisher in its house, DER, its own first; none outside a house
  Bytes manifest;                   ///< encoded
};

constexpr std::string_view kPublicationSuffix = ".ardus";

Bytes encode_publication(const Publication& publication);
/// Reads a stranger's; the manifest in it is still to be parsed and its publisher to be judged.
Result<Publication> parse_publication(BytesView bytes);

/// Where a chunk stands, beside the publication: "chunks/ab/ab12…".
std::string chunk_path(const Digest& hash);

}  // namespace ghost::ardus
