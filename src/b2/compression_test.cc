#include "b2/compression.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "base/random.h"

namespace ghost::b2 {

namespace {

constexpr std::size_t kMost = 4 * 1024 * 1024;

/// Words in a random order: like text, which halves and more.
Bytes words_of(std::size_t size) {
  constexpr std::string_view kWords[] = {"allegro ", "andante ", "largo ", "presto ", "{\"work\": ", "BWV 1007", ", ", "cello "};
  SeededRandom random(7);
  std::string text;
  while (text.size() < size) text += kWords[random.below(std::size(kWords))];
  text.resize(size);
  return to_bytes(as_bytes(text));
}

Bytes noise(std::size_t size) {
  SeededRandom random(8);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

/// By zstd alone, whatever pays.
Bytes squeezed(BytesView plain, bool tells_length = true) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, tells_length ? 1 : 0);
  Bytes out(ZSTD_compressBound(plain.size()));
  out.resize(ZSTD_compress2(context.get(), out.data(), out.size(), plain.data(), plain.size()));
  return out;
}

}  // namespace

TEST(Compression, GivesBackWhatWasCompressed) {
  Compression both;
  for (const std::size_t size : {Compression::kShortest, std::size_t{5000}, Compression::kLongest}) {
    const Bytes plain = words_of(size);
    const auto small = both.compress(plain);
    ASSERT_TRUE(small);
    EXPECT_LT(small->size(), size / 2);
    const auto back = both.decompress(*small, kMost);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, plain);
  }
}

TEST(Compression, LeavesAloneWhatDoesNotPay) {
  Compression both;
  EXPECT_FALSE(both.compress(words_of(Compression::kShortest - 1)));
  EXPECT_FALSE(both.compress(words_of(Compression::kLongest + 1)));
  EXPECT_FALSE(both.compress(noise(10'000)));
  EXPECT_FALSE(both.compress(Bytes(200'000))) << "zeros, of which a byte would stand for more than any may";
}

TEST(Compression, ABombIsRefusedByWhatItTellsBeforeAnythingIsMade) {
  Compression both;
  const Bytes bomb = squeezed(Bytes(kMost));
  ASSERT_LT(bomb.size(), 1000u);
  const auto refused = both.decompress(bomb, kMost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exhausted);
  const Bytes text = squeezed(words_of(100'000));
  EXPECT_EQ(both.decompress(text, 99'999).error().code, Errc::exhausted);
  EXPECT_TRUE(both.decompress(text, 100'000));
}

TEST(Compression, RefusesWhatIsNotOneWholeFrame) {
  Compression both;
  const Bytes good = squeezed(words_of(3000));
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto cut = both.decompress(BytesView(good).first(length), kMost);
    ASSERT_FALSE(cut) << length;
    EXPECT_EQ(cut.error().code, Errc::malformed);
  }
  Bytes twice = good;
  twice.insert(twice.end(), good.begin(), good.end());
  const Bytes skippable = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
  for (const Bytes& wrong : {twice, skippable, squeezed(words_of(3000), false), noise(500), words_of(2000)}) {
    const auto refused = both.decompress(wrong, kMost);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::malformed);
  }
  EXPECT_TRUE(both.decompress(good, kMost)) << "none of that has done it harm";
}

TEST(Compression, DamageIsToldOrChangesTheMessageOnly) {
  Compression both;
  const Bytes good = squeezed(words_of(3000));
  int told = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x55);
    const auto out = both.decompress(bad, kMost);
    told += !out;
    EXPECT_TRUE(!out || out->size() <= kMost);
  }
  EXPECT_GT(told, 0);
}

}  // namespace ghost::b2
