#include "base/byte_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace ghost {

TEST(ByteQueue, GivesBackTheSameBytesHoweverTheyWereAddedAndTaken) {
  std::mt19937 random(7);
  ByteQueue queue;
  Bytes expected, got;
  for (int round = 0; round < 2000; ++round) {
    Bytes piece(random() % (round % 50 == 0 ? 70'000 : 300));
    for (auto& b : piece) b = static_cast<std::uint8_t>(random());
    expected.insert(expected.end(), piece.begin(), piece.end());
    if (random() % 2 != 0) {
      queue.append(BytesView(piece));
    } else {
      queue.append(std::move(piece));
    }
    BytesView runs[4];
    const std::size_t count = queue.runs(runs, 4);
    std::size_t take = queue.empty() ? 0 : random() % (queue.size() + 1);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count && taken < take; ++i) {
      ASSERT_FALSE(runs[i].empty());
      const std::size_t part = std::min(take - taken, runs[i].size());
      got.insert(got.end(), runs[i].begin(), runs[i].begin() + static_cast<std::ptrdiff_t>(part));
      taken += part;
    }
    queue.consume(taken);
    ASSERT_EQ(queue.size(), expected.size() - got.size());
  }
  const Bytes rest = queue.take();
  got.insert(got.end(), rest.begin(), rest.end());
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(queue.empty());
}

TEST(ByteQueue, RingsOnceEachTimeItStopsBeingEmpty) {
  int rang = 0;
  ByteQueue queue;
  queue.on_first_byte([&] { ++rang; });
  queue.append(as_bytes("a"));
  queue.append(as_bytes("b"));
  EXPECT_EQ(rang, 1);
  queue.consume(2);
  queue.append(Bytes(10'000));
  EXPECT_EQ(rang, 2);
}

TEST(ByteQueue, LinksALargePieceWithoutCopyingIt) {
  Bytes large(100'000, 7);
  const std::uint8_t* where = large.data();
  ByteQueue queue;
  queue.append(std::move(large));
  BytesView run;
  ASSERT_EQ(queue.runs(&run, 1), 1u);
  EXPECT_EQ(run.data(), where);
}

}  // namespace ghost
