#include "ardus/chunk_assembly.h"

#include <algorithm>

namespace ghost::ardus {

void ChunkAssembly::on_block(std::uint64_t block, BytesView bytes, const std::function<void(std::uint32_t, Bytes)>& whole) {
  for (const StreamMap::Piece& piece : map_.pieces(block)) {
    if (!wanted_.has(piece.chunk) || piece.in_block + piece.size > bytes.size()) continue;
    const BytesView part = bytes.subspan(piece.in_block, piece.size);
    const std::uint32_t size = manifest_.chunks[piece.chunk].size;
    if (piece.size == size) {
      wanted_.erase(piece.chunk);
      whole(piece.chunk, Bytes(part.begin(), part.end()));
      continue;
    }
    Partial& partial = partial_[piece.chunk];
    if (partial.pieces.empty()) {
      partial.bytes.reserve(size);
      held_ += size;
    }
    if (!partial.pieces.emplace(piece.in_chunk, piece.size).second) continue;
    if (partial.bytes.size() == piece.in_chunk) {  // mostly they come in their order
      partial.bytes.insert(partial.bytes.end(), part.begin(), part.end());
    } else {
      partial.bytes.resize(std::max(partial.bytes.size(), piece.in_chunk + part.size()));
      std::copy(part.begin(), part.end(), partial.bytes.begin() + piece.in_chunk);
    }
    partial.filled += piece.size;
    if (partial.filled < size) continue;
    Bytes chunk = std::move(partial.bytes);
    partial_.erase(piece.chunk);
    held_ -= size;
    wanted_.erase(piece.chunk);
    whole(piece.chunk, std::move(chunk));
  }
}

void ChunkAssembly::drop(std::uint32_t chunk) {
  wanted_.erase(chunk);
  if (partial_.erase(chunk) > 0) held_ -= manifest_.chunks[chunk].size;
}

}  // namespace ghost::ardus
