#include "base/sha256.h"
#include "base/sha256_many.h"

#include <gtest/gtest.h>

namespace ghost {

static Bytes hex(std::string_view text) { return from_hex(text).value(); }

TEST(Sha256, GivesTheDigestsOfFips180) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, IsTheSameInPiecesAndStartsAnewAfterFinish) {
  Sha256 hash;
  hash.update(as_bytes("a")).update({}).update(as_bytes("bc"));
  EXPECT_EQ(hash.finish(), sha256(as_bytes("abc")));
  EXPECT_EQ(hash.finish(), sha256({}));
}

TEST(Hmac, GivesTheResultsOfRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnEmptyKeyForAnEmptyKeyWhateverWasUsedBefore) {
  const Digest before = hmac_sha256({}, as_bytes("x"));
  hmac_sha256(as_bytes("another"), as_bytes("x"));
  EXPECT_EQ(hmac_sha256({}, as_bytes("x")), before);
}

TEST(Hkdf, GivesTheResultsOfRfc5869) {
  const Bytes info = hex("f0f1f2f3f4f5f6f7f8f9");
  EXPECT_EQ(to_hex(hkdf_sha256(Bytes(22, 0x0b), hex("000102030405060708090a0b0c"), as_text(info), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(to_hex(hkdf_sha256(Bytes(22, 0x0b), {}, "", 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(ConstantTime, ComparesLengthsToo) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

TEST(Sha256, ManyTextsOfAnyLengthsAreHashedAsEachByItself) {
  std::vector<Bytes> texts;
  for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 1000u, 16384u, 100'000u, 64u, 3u, 4096u, 4096u, 70'001u}) {
    Bytes text(size);
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::uint8_t>(i * 7 + size + i / 251);
    texts.push_back(std::move(text));
  }
  for (std::size_t count = 0; count <= texts.size(); ++count) {
    const std::vector<BytesView> views(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<Digest> digests(count);
    sha256_many(views, digests);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(digests[i], sha256(texts[i])) << i << " of " << count;
  }
}

}  // namespace ghost
