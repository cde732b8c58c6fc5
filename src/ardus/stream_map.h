#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ardus/manifest.h"
#include "ardus/payload.h"
#include "base/ed25519.h"
#include "base/result.h"

namespace ghost::ardus {

/// Chunks `first` … `first + count - 1` of a manifest.
struct ChunkRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const ChunkRange&, const ChunkRange&) = default;
};

/// One yes or no for each chunk of a manifest.
class ChunkSet {
 public:
  explicit ChunkSet(std::size_t size = 0, bool all = false) : bits_(size, all), count_(all ? size : 0) {}
  /// malformed when the ranges are not ascending, overlap, are empty, or reach past `size`.
  static Result<ChunkSet> from_ranges(std::span<const ChunkRange> ranges, std::size_t size);

  bool has(std::size_t chunk) const { return bits_[chunk]; }
  void insert(std::size_t chunk) {
    count_ += bits_[chunk] ? 0 : 1;
    bits_[chunk] = true;
  }
  void erase(std::size_t chunk) {
    count_ -= bits_[chunk] ? 1 : 0;
    bits_[chunk] = false;
  }
  ChunkSet& operator|=(const ChunkSet& other);
  std::size_t size() const { return bits_.size(); }  ///< of the manifest
  std::size_t count() const { return count_; }       ///< how many are in it
  bool empty() const { return count_ == 0; }
  std::vector<ChunkRange> ranges() const;

 private:
  std::vector<bool> bits_;
  std::size_t count_;
};

/// Which chunks make up the virtual stream that is sent, and where they stand in it (docs/spec/ardus.md, "Stream map"). It grows by
/// segments, each beginning with a block of its own; what is there never changes.
class StreamMap {
 public:
  /// @param manifest  outlives the map
  explicit StreamMap(const Manifest& manifest, Layout layout = Layout::standard) : manifest_(&manifest), layout_(layout), block_bytes_(ardus::block_bytes(layout)) {}

  /// Adds a segment: these chunks, ascending. Chunks that are in the stream already are skipped.
  void append(const ChunkSet& chunks);

  Layout layout() const { return layout_; }
  /// The stream as it is cut up.
  StreamShape shape() const { return {end_, layout_}; }
  std::uint64_t blocks() const { return blocks_; }
  std::uint64_t bytes() const { return bytes_; }  ///< of chunks, without padding
  std::uint64_t stream_bytes() const { return end_; }  ///< up to the last chunk's end
  bool has(std::uint32_t chunk) const;

  /// A part of a chunk within a block.
  struct Piece {
    std::uint32_t chunk;
    std::uint32_t in_chunk;  ///< offset, bytes
    std::uint32_t in_block;  ///< offset, bytes
    std::uint32_t size;
  };
  /// What a block holds, in order; the rest of it is zeros.
  std::vector<Piece> pieces(std::uint64_t block) const;

  /// The blocks that hold a chunk: first and one past the last; the same where it is not in the stream.
  std::pair<std::uint64_t, std::uint64_t> blocks_of(std::uint32_t chunk) const;

  /// For each block, whether it holds some of the chunks `needed`.
  std::vector<bool> blocks_with(const ChunkSet& needed) const;

 private:
  struct Place {
    std::uint32_t chunk;
    std::uint64_t at;  ///< offset in the stream, bytes
  };
  const Manifest* manifest_;
  Layout layout_;
  std::size_t block_bytes_;
  std::vector<Place> places_;  ///< by offset
  static constexpr std::uint32_t kNowhere = 0xffff'ffff;
  std::vector<std::uint32_t> place_of_;  ///< by chunk: index in places_, or kNowhere
  std::uint64_t blocks_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t end_ = 0;
};

/// What steers everybody is signed by the sender: one segment of its stream map.
struct MapSegment {
  std::uint64_t session = 0;
  ContentId content{};
  std::uint32_t number = 0;  ///< 0, 1, …: in the order of appending
  std::vector<ChunkRange> chunks;
  Layout layout = Layout::standard;
};
Bytes encode_segment(const MapSegment& segment, const KeyPair& sender);
/// Reads a segment; unauthenticated when `sender` did not sign it, unsupported where its symbols are of a size that no layout has. Its ranges are still to be checked against a manifest
/// (ChunkSet::from_ranges).
Result<MapSegment> parse_segment(BytesView bytes, const PublicKey& sender);

}  // namespace ghost::ardus
