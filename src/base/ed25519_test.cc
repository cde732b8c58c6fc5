#include "base/ed25519.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/test_directory.h"

namespace ghost {

// RFC 8032 §7.1, test 1, wrapped as PKCS#8 (RFC 8410 §7).
static KeyPair rfc_key() {
  return KeyPair::from_der(from_hex("302e020100300506032b657004220420"
                                    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").value()).value();
}

TEST(KeyPair, HasThePublicKeyOfRfc8032) {
  EXPECT_EQ(to_hex(rfc_key().public_key()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

TEST(KeyPair, SurvivesDerPemAndAFile) {
  const TestDirectory dir;
  const KeyPair key = KeyPair::generate();
  EXPECT_EQ(KeyPair::from_der(key.to_der()).value().public_key(), key.public_key());
  EXPECT_EQ(KeyPair::from_pem(key.to_pem()).value().public_key(), key.public_key());
  ASSERT_TRUE(key.save(dir / "node.key"));
  EXPECT_EQ(KeyPair::load(dir / "node.key").value().public_key(), key.public_key());
  EXPECT_EQ(KeyPair::generate().save(dir / "node.key").error().code, Errc::exists);
}

TEST(KeyPair, RefusesWhatIsNoEd25519Key) {
  const TestDirectory dir;
  Bytes der = rfc_key().to_der();
  der.pop_back();
  EXPECT_EQ(KeyPair::from_der(der).error().code, Errc::malformed);
  EXPECT_FALSE(KeyPair::from_der({}));
  EXPECT_FALSE(KeyPair::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
  // An X25519 key: PKCS#8 all right, but it cannot sign.
  EXPECT_FALSE(KeyPair::from_der(from_hex("302e020100300506032b656e04220420" + std::string(64, '7')).value()));
  ASSERT_TRUE(write_file_atomically(dir / "k", as_bytes("nonsense"), 0600));
  EXPECT_EQ(KeyPair::load(dir / "k").error().message, (dir / "k").string() + " holds no Ed25519 private key (PKCS#8, not encrypted)");
}

TEST(Signature, HoldsForItsKeyDomainAndMessageOnly) {
  const KeyPair key = rfc_key();
  const Signature signature = key.sign("ardus receipt", as_bytes("hello"));
  EXPECT_EQ(signature, key.sign("ardus receipt", as_bytes("hello")));
  EXPECT_TRUE(verify_signature(key.public_key(), "ardus receipt", as_bytes("hello"), signature));

  EXPECT_FALSE(verify_signature(key.public_key(), "ardus receip", as_bytes("thello"), signature));
  EXPECT_FALSE(verify_signature(key.public_key(), "ardus receipt", as_bytes("hullo"), signature));
  EXPECT_FALSE(verify_signature(KeyPair::generate().public_key(), "ardus receipt", as_bytes("hello"), signature));
  Signature bent = signature;
  bent[63] ^= 1;
  EXPECT_FALSE(verify_signature(key.public_key(), "ardus receipt", as_bytes("hello"), bent));
}

TEST(Signature, OfAWrongLengthIsNotValid) {
  const KeyPair key = rfc_key();
  const Signature signature = key.sign("d", {});
  EXPECT_TRUE(verify_signature(key.public_key(), "d", {}, signature));
  EXPECT_FALSE(verify_signature(key.public_key(), "d", {}, BytesView(signature).first(63)));
  EXPECT_FALSE(verify_signature(BytesView(key.public_key()).first(31), "d", {}, signature));
  EXPECT_FALSE(verify_signature({}, "d", {}, {}));
}

}  // namespace ghost
