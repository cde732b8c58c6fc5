#include "ardus/chunker.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "base/sha256.h"

namespace ghost::ardus {
namespace {

Bytes noise(std::size_t size, std::uint64_t seed) {
  SeededRandom random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

std::vector<std::size_t> cuts(BytesView data) {
  std::vector<std::size_t> sizes;
  while (!data.empty()) {
    sizes.push_back(first_chunk(data));
    data = data.subspan(sizes.back());
  }
  return sizes;
}

std::set<Digest> hashes(BytesView data) {
  std::set<Digest> all;
  for (const std::size_t size : cuts(data)) {
    all.insert(sha256(data.first(size)));
    data = data.subspan(size);
  }
  return all;
}

TEST(Chunker, CutsWhereTheSpecSays) {
  EXPECT_EQ(gear_table()[0], 0x4274ca7f720e2015u);
  EXPECT_EQ(gear_table()[255], 0xe0449f991cbdd497u);
  // SHA-256 of 0, 1, 2, … as 32-bit little-endian numbers, end to end.
  Bytes data, number(4);
  for (std::uint32_t i = 0; i < 31'250; ++i) {
    number.clear();
    ByteWriter(number).u32(i);
    ByteWriter(data).bytes(sha256(number));
  }
  const std::vector<std::size_t> expected = {68037, 66673, 73373, 75671, 79792, 38573, 68267, 72306, 34819, 58308, 68907, 111800, 75210, 70175, 38089};
  EXPECT_EQ(cuts(data), expected);
}

TEST(Chunker, KeepsItsLimits) {
  const Bytes data = noise(20'000'000, 1);
  const auto sizes = cuts(data);
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    EXPECT_GT(sizes[i], kSmallestChunk);
    EXPECT_LE(sizes[i], kLargestChunk);
  }
  const double mean = 20e6 / static_cast<double>(sizes.size());
  EXPECT_GT(mean, 50'000);
  EXPECT_LT(mean, 100'000);
}

TEST(Chunker, CutsZerosAtTheLargestSize) {
  const Bytes zeros(600'000, 0);
  EXPECT_EQ(cuts(zeros), (std::vector<std::size_t>{kLargestChunk, kLargestChunk, 600'000 - 2 * kLargestChunk}));
}

TEST(Chunker, LeavesSmallFilesWhole) {
  EXPECT_EQ(first_chunk({}), 0u);
  EXPECT_EQ(first_chunk(noise(1, 1)), 1u);
  EXPECT_EQ(first_chunk(noise(kSmallestChunk, 1)), kSmallestChunk);
}

TEST(Chunker, FindsTheOldChunksAfterAnInsertion) {
  const Bytes before = noise(8'000'000, 3);
  Bytes after = before;
  const Bytes added = noise(1000, 4);
  after.insert(after.begin() + 4'000'000, added.begin(), added.end());
  const auto old_ones = hashes(before), new_ones = hashes(after);
  std::size_t kept = 0;
  for (const Digest& hash : new_ones) kept += old_ones.count(hash);
  EXPECT_LE(new_ones.size() - kept, 3u);
}

}  // namespace
}  // namespace ghost::ardus
