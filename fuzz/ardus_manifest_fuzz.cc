#include <cstdlib>

#include "ardus/grant.h"
#include "ardus/manifest.h"
#include "ardus/publication.h"
#include "ardus/receipt.h"
#include "ardus/stream_map.h"

using namespace ghost;

// Nobody has signed the input: it must be refused, whatever it says; but paths and ranges are read before or without that.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  if (const auto manifest = ardus::parse_manifest(bytes)) {
    for (const ardus::Entry& entry : manifest->entries) {
      if (!ardus::check_path(entry.path)) std::abort();
    }
    for (const auto layout : {ardus::Layout::standard, ardus::Layout::jumbo}) {
      ardus::StreamMap map(*manifest, layout);
      map.append(ardus::ChunkSet(manifest->chunks.size(), true));
      std::uint64_t bytes_in_blocks = 0;
      for (std::uint64_t block = 0; block < map.blocks(); ++block) {
        for (const auto& piece : map.pieces(block)) bytes_in_blocks += piece.size;
      }
      if (bytes_in_blocks != map.bytes()) std::abort();
    }
  }
  (void)ardus::parse_receipt(bytes);
  if (const auto publication = ardus::parse_publication(bytes)) {
    if (ardus::encode_publication(*publication) != to_bytes(bytes)) std::abort();
  }
  PublicKey key{};
  (void)ardus::parse_segment(bytes, key);
  (void)ardus::parse_grant(bytes, key);
  ByteReader in(bytes);
  std::vector<ardus::ChunkRange> ranges;
  while (in.remaining() >= 4) {
    const std::uint32_t first = in.u16();
    ranges.push_back({first, in.u16()});
  }
  if (const auto set = ardus::ChunkSet::from_ranges(ranges, 1000)) {
    std::size_t count = 0;
    for (const auto& range : set->ranges()) count += range.count;
    if (count != set->count()) std::abort();
  }
  (void)ardus::case_collisions(std::vector<std::string_view>{as_text(bytes), "x"});
  ardus::TreeOrder tree;
  (void)tree.add(ardus::EntryKind::file, as_text(bytes));
  return 0;
}
