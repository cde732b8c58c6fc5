#include "ardus/stream_map.h"

#include <gtest/gtest.h>

namespace ghost::ardus {
namespace {

/// Chunks of these sizes, each a file's.
Manifest of_sizes(std::initializer_list<std::uint32_t> sizes) {
  Manifest manifest;
  for (const std::uint32_t size : sizes) manifest.chunks.push_back({size, {}});
  return manifest;
}

ChunkSet set(std::size_t size, std::initializer_list<std::uint32_t> chunks) {
  ChunkSet made(size);
  for (const std::uint32_t chunk : chunks) made.insert(chunk);
  return made;
}

constexpr std::uint32_t kBlock = kBlockBytes;

TEST(StreamMap, LaysTheNeededChunksEndToEnd) {
  const Manifest manifest = of_sizes({100, 200'000, 50, 100'000});
  StreamMap map(manifest);
  map.append(set(4, {0, 1, 3}));
  EXPECT_EQ(map.bytes(), 300'100u);
  EXPECT_EQ(map.blocks(), 2u);
  const auto first = map.pieces(0), second = map.pieces(1);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].chunk, 0u);
  EXPECT_EQ(first[1].chunk, 1u);
  EXPECT_EQ(first[1].in_block, 100u);
  EXPECT_EQ(first[1].size, kBlock - 100);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].chunk, 1u);
  EXPECT_EQ(second[0].in_chunk, kBlock - 100);
  EXPECT_EQ(second[0].size, 200'000 - (kBlock - 100));
  EXPECT_EQ(second[1].chunk, 3u);
  EXPECT_TRUE(map.has(3));
  EXPECT_FALSE(map.has(2));
}

TEST(StreamMap, AppendsLateNeedsAtABlockOfTheirOwn) {
  const Manifest manifest = of_sizes({100, 100, 100});
  StreamMap map(manifest);
  map.append(set(3, {1}));
  map.append(set(3, {0, 1, 2}));
  EXPECT_EQ(map.blocks(), 2u);
  ASSERT_EQ(map.pieces(0).size(), 1u);
  ASSERT_EQ(map.pieces(1).size(), 2u);
  EXPECT_EQ(map.pieces(1)[0].chunk, 0u);
  EXPECT_EQ(map.pieces(1)[0].in_block, 0u);
  EXPECT_EQ(map.pieces(1)[1].chunk, 2u);
  EXPECT_TRUE(map.pieces(2).empty());
}

TEST(StreamMap, TellsWhichBlocksAReceiverWants) {
  const Manifest manifest = of_sizes({kBlock, 10, kBlock, 10});
  StreamMap map(manifest);
  map.append(ChunkSet(4, true));
  EXPECT_EQ(map.blocks(), 3u);
  EXPECT_EQ(map.blocks_with(set(4, {0})), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(map.blocks_with(set(4, {2})), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(map.blocks_with(set(4, {1, 3})), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(map.blocks_with(ChunkSet(4)), (std::vector<bool>{false, false, false}));
}

TEST(StreamMap, OfTheJumboLayoutHasLargerBlocks) {
  const Manifest manifest = of_sizes({1'000'000, 200'000, 100});
  StreamMap map(manifest, Layout::jumbo);
  map.append(ChunkSet(3, true));
  EXPECT_EQ(map.blocks(), 2u);
  EXPECT_EQ(map.shape(), (StreamShape{1'200'100, Layout::jumbo}));
  ASSERT_EQ(map.pieces(0).size(), 2u);
  EXPECT_EQ(map.pieces(0)[1].size, 1'130'496u - 1'000'000);
  EXPECT_EQ(map.pieces(1)[0].in_chunk, 130'496u);
  EXPECT_EQ(map.blocks_of(1), (std::pair<std::uint64_t, std::uint64_t>{0, 2}));
}

TEST(ChunkSet, GoesToRangesAndBack) {
  const ChunkSet made = set(10, {0, 1, 5, 9});
  const auto ranges = made.ranges();
  EXPECT_EQ(ranges, (std::vector<ChunkRange>{{0, 2}, {5, 1}, {9, 1}}));
  EXPECT_EQ(ChunkSet::from_ranges(ranges, 10)->ranges(), ranges);
  EXPECT_EQ(made.count(), 4u);
}

TEST(ChunkSet, RefusesRangesThatAreNone) {
  for (const std::vector<ChunkRange>& ranges : {std::vector<ChunkRange>{{0, 0}}, {{9, 2}}, {{3, 2}, {4, 1}}, {{0xffffffff, 0xffffffff}}}) {
    EXPECT_FALSE(ChunkSet::from_ranges(ranges, 10));
  }
}

TEST(MapSegment, ComesBackAndTellsForgeries) {
  const KeyPair sender = KeyPair::generate(), other = KeyPair::generate();
  const MapSegment segment{9, sha256(as_bytes("x")), 2, {{0, 3}, {7, 1}}};
  const Bytes bytes = encode_segment(segment, sender);
  const auto read = parse_segment(bytes, sender.public_key());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->session, 9u);
  EXPECT_EQ(read->content, segment.content);
  EXPECT_EQ(read->number, 2u);
  EXPECT_EQ(read->chunks, segment.chunks);
  EXPECT_EQ(parse_segment(bytes, other.public_key()).error().code, Errc::unauthenticated);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_segment(BytesView(bytes).first(size), sender.public_key()));
}

TEST(MapSegment, SaysHowLargeSymbolsAreAndOneOfAnUnknownSizeIsRefused) {
  const KeyPair sender = KeyPair::generate();
  const MapSegment segment{9, sha256(as_bytes("x")), 0, {{0, 3}}, Layout::jumbo};
  const Bytes bytes = encode_segment(segment, sender);
  const auto read = parse_segment(bytes, sender.public_key());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->layout, Layout::jumbo);
  EXPECT_EQ(read->chunks, segment.chunks);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_segment(BytesView(bytes).first(size), sender.public_key()));
  for (const std::uint32_t size : {0u, 1u, 1408u, 8831u, 0xffffffffu}) {
    Bytes other(bytes.begin(), bytes.end() - 64);
    for (std::size_t i = 0; i < 4; ++i) other[52 + i] = static_cast<std::uint8_t>(size >> 8 * i);
    const Signature signature = sender.sign("ardus stream map", other);
    other.insert(other.end(), signature.begin(), signature.end());
    const auto refused = parse_segment(other, sender.public_key());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported) << size;
    EXPECT_NE(refused.error().message.find(std::to_string(size) + " bytes"), std::string::npos);
  }
}

}  // namespace
}  // namespace ghost::ardus
