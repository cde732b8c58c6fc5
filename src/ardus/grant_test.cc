#include "ardus/grant.h"

#include <gtest/gtest.h>

namespace ghost::ardus {

TEST(Grant, ComesBackAsItWasSignedAndHoldsForItsSignerOnly) {
  const KeyPair sender = KeyPair::generate(), other = KeyPair::generate();
  const Grant grant{GrantKind::relay, {1, 2}, 77, {3}, other.public_key()};
  const Bytes bytes = encode_grant(grant, sender);
  ASSERT_EQ(bytes.size(), kGrantBytes);
  const auto read = parse_grant(bytes, sender.public_key());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, grant);
  EXPECT_EQ(parse_grant(bytes, other.public_key()).error().code, Errc::unauthenticated);
}

TEST(Grant, NoByteOfItCanBeChangedOrLeftOut) {
  const KeyPair sender = KeyPair::generate();
  const Bytes bytes = encode_grant({}, sender);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= 0x40;
    EXPECT_FALSE(parse_grant(changed, sender.public_key())) << at;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_grant(BytesView(bytes).first(size), sender.public_key())) << size;
}

}  // namespace ghost::ardus
