#include "ardus/chunk_assembly.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace ghost::ardus {
namespace {

/// Chunks of random sizes and bytes, all in one stream.
struct Stream {
  explicit Stream(std::uint64_t seed) {
    SeededRandom random(seed);
    for (int i = 0; i < 60; ++i) {
      Bytes bytes(1 + random.below(262'144));
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
      manifest.chunks.push_back({static_cast<std::uint32_t>(bytes.size()), sha256(bytes)});
      chunks.push_back(std::move(bytes));
    }
    map.append(ChunkSet(60, true));
  }
  Bytes block(std::uint64_t number) const {
    Bytes bytes(kBlockBytes);
    for (const auto& piece : map.pieces(number)) std::copy_n(chunks[piece.chunk].begin() + piece.in_chunk, piece.size, bytes.begin() + piece.in_block);
    return bytes;
  }
  Manifest manifest;
  StreamMap map{manifest};
  std::vector<Bytes> chunks;
};

TEST(ChunkAssembly, MakesEveryChunkFromBlocksInAnyOrder) {
  const Stream stream(1);
  SeededRandom random(2);
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < stream.map.blocks(); ++i) order.insert(order.end(), {i, i});  // each comes twice
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  ChunkAssembly assembly(stream.manifest, stream.map, ChunkSet(60, true));
  std::size_t made = 0;
  for (const std::uint64_t block : order) {
    assembly.on_block(block, stream.block(block), [&](std::uint32_t chunk, BytesView bytes) {
      EXPECT_TRUE(std::ranges::equal(bytes, stream.chunks[chunk]));
      ++made;
    });
  }
  EXPECT_EQ(made, 60u);
  EXPECT_TRUE(assembly.wanted().empty());
  EXPECT_EQ(assembly.held_bytes(), 0u);
}

TEST(ChunkAssembly, MakesOnlyWhatIsWantedAndWhatWasWrongAgain) {
  const Stream stream(3);
  ChunkSet wanted(60);
  wanted.insert(7);
  ChunkAssembly assembly(stream.manifest, stream.map, wanted);
  std::vector<std::uint32_t> made;
  const auto all = [&] {
    for (std::uint64_t block = 0; block < stream.map.blocks(); ++block) {
      assembly.on_block(block, stream.block(block), [&](std::uint32_t chunk, BytesView) { made.push_back(chunk); });
    }
  };
  all();
  all();
  EXPECT_EQ(made, (std::vector<std::uint32_t>{7}));
  assembly.again(7);
  all();
  EXPECT_EQ(made, (std::vector<std::uint32_t>{7, 7}));
}

}  // namespace
}  // namespace ghost::ardus
