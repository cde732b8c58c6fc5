#include "portlight/claim.h"

#include <gtest/gtest.h>

#include "base/ed25519.h"
#include "base/sha256.h"

namespace ghost::portlight {
namespace {

v1::Claim made(const KeyPair& key, BytesView nonce) {
  v1::Claim claim;
  claim.public_key = Bytes(key.public_key().begin(), key.public_key().end());
  const Digest node = sha256(claim.public_key);
  claim.node = Bytes(node.begin(), node.end());
  claim.time_ms = 1'795'000'000'000;
  claim.sockets = {{"udp", "0.0.0.0:1835", "data (receive-only)"}};
  const Signature signature = key.sign(kClaimDomain, signed_bytes(claim, nonce));
  claim.signature = Bytes(signature.begin(), signature.end());
  return claim;
}

TEST(Claim, IsBelievedForItsNonceKeyAndSocketsOnly) {
  const KeyPair key = KeyPair::generate();
  const Bytes nonce(32, 7), other(32, 8);
  const v1::Claim claim = made(key, nonce);
  EXPECT_TRUE(check_claim(claim, nonce));
  EXPECT_FALSE(check_claim(claim, other));

  v1::Claim more = claim;
  more.sockets.push_back({"udp", "0.0.0.0:53", "dns"});
  EXPECT_FALSE(check_claim(more, nonce));
  v1::Claim later = claim;
  ++later.time_ms;
  EXPECT_FALSE(check_claim(later, nonce));
  v1::Claim foreign = claim;
  const KeyPair stranger = KeyPair::generate();
  foreign.public_key = Bytes(stranger.public_key().begin(), stranger.public_key().end());
  EXPECT_FALSE(check_claim(foreign, nonce));
  EXPECT_FALSE(check_claim(v1::Claim{}, nonce));
}

TEST(Claim, SignsTheBytesTheSpecificationLists) {
  v1::Claim claim;
  claim.node = {0xaa, 0xbb};
  claim.time_ms = 0x0102;
  claim.sockets = {{"udp", "0.0.0.0:1835", "data"}};
  EXPECT_EQ(to_hex(signed_bytes(claim, Bytes{1, 2, 3})), "0300010203" "aabb" "0201000000000000" "0100" "0300756470" "0c00302e302e302e303a31383335" "040064617461");
}

}  // namespace
}  // namespace ghost::portlight
