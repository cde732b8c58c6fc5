#include "ardus/packet_cipher.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ardus/message.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

Bytes random_content(SeededRandom& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.unit() * 256);
  return bytes;
}

}  // namespace

TEST(PacketCipher, BothWaysOfDoingItSealTheSameAndOpenEachOthers) {
  SeededRandom random(5);
  AeadKey key;
  std::ranges::copy(random_content(random, key.size()), key.begin());
  PacketCipher fast(key), plain(key, PacketCipher::By::openssl);
  std::uint64_t number = 0xfffffffe;  // a nonce beyond 32 bits is among them
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 30u, 255u, 256u, 257u, 1200u, 1407u, 1408u, 8832u}) {
    const Bytes header = random_content(random, size % 2 == 0 ? kDataHeader : kReportHeader), text = random_content(random, size);
    Bytes one(size + kTagSize), other(size + kTagSize), opened(size), opened_too(size);
    fast.seal(number, header, text, one.data());
    plain.seal(number, header, text, other.data());
    EXPECT_EQ(one, other) << size;
    EXPECT_TRUE(fast.open(number, header, other, opened.data())) << size;
    EXPECT_TRUE(plain.open(number, header, one, opened_too.data())) << size;
    EXPECT_EQ(opened, text) << size;
    EXPECT_EQ(opened_too, text) << size;
    EXPECT_FALSE(fast.open(number + 1, header, other, opened.data())) << size;
    ++number;
  }
}

TEST(PacketCipher, AChangedBitAnywhereIsFoundByBoth) {
  SeededRandom random(6);
  for (const auto by : {PacketCipher::By::fastest, PacketCipher::By::openssl}) {
    PacketCipher cipher(AeadKey{9}, by);
    const Bytes header = random_content(random, kDataHeader), text = random_content(random, 300);
    Bytes sealed(text.size() + kTagSize), opened(text.size());
    cipher.seal(3, header, text, sealed.data());
    for (std::size_t at = 0; at < sealed.size(); at += at < 290 ? 29 : 1) {
      sealed[at] ^= 0x04;
      EXPECT_FALSE(cipher.open(3, header, sealed, opened.data())) << at;
      sealed[at] ^= 0x04;
    }
    Bytes other = header;
    other[5] ^= 0x80;
    EXPECT_FALSE(cipher.open(3, other, sealed, opened.data()));
    EXPECT_FALSE(cipher.open(3, header, BytesView(sealed).first(kTagSize - 1), opened.data()));
    EXPECT_TRUE(cipher.open(3, header, sealed, opened.data()));
  }
}

}  // namespace ghost::ardus
