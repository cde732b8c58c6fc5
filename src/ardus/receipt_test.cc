#include "ardus/receipt.h"

#include <gtest/gtest.h>

namespace ghost::ardus {
namespace {

Receipt example() {
  Receipt receipt;
  receipt.content = sha256(as_bytes("content"));
  receipt.session = 7;
  receipt.nonce = {1, 2, 3};
  receipt.time_ms = 1'700'000'000'000;
  receipt.bytes = 12345;
  receipt.how = Verified::on_arrival | Verified::read_back;
  return receipt;
}

TEST(Receipt, ComesBackAsItWasSigned) {
  const KeyPair node = KeyPair::generate();
  Receipt receipt = example();
  const Bytes bytes = encode_receipt(receipt, node);
  EXPECT_EQ(bytes.size(), kReceiptBytes);
  EXPECT_EQ(parse_receipt(bytes).value(), receipt);
  EXPECT_TRUE(check_receipt(receipt, receipt.content, 7, receipt.nonce, node.public_key()));
}

TEST(Receipt, HoldsForNothingElse) {
  const KeyPair node = KeyPair::generate();
  Receipt receipt = example();
  encode_receipt(receipt, node);
  EXPECT_FALSE(check_receipt(receipt, sha256({}), 7, receipt.nonce, node.public_key()));
  EXPECT_FALSE(check_receipt(receipt, receipt.content, 8, receipt.nonce, node.public_key()));
  EXPECT_FALSE(check_receipt(receipt, receipt.content, 7, {9}, node.public_key()));
  EXPECT_FALSE(check_receipt(receipt, receipt.content, 7, receipt.nonce, KeyPair::generate().public_key()));
}

TEST(Receipt, TellsEveryChangedByte) {
  Receipt receipt = example();
  const Bytes bytes = encode_receipt(receipt, KeyPair::generate());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= 1;
    EXPECT_FALSE(parse_receipt(changed)) << at;
  }
  EXPECT_FALSE(parse_receipt(BytesView(bytes).first(20)));
}

}  // namespace
}  // namespace ghost::ardus
