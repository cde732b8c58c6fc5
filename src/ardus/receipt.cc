#include "ardus/receipt.h"

#include <algorithm>

namespace ghost::ardus {

namespace {

constexpr std::string_view kReceiptMagic = "ARDUSRC1";
constexpr std::string_view kReceiptDomain = "ardus receipt";
constexpr std::size_t kReceiptSignature = 64;

}  // namespace

Bytes encode_receipt(Receipt& receipt, const KeyPair& node) {
  receipt.node = node.public_key();
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(kReceiptMagic)).bytes(receipt.content).u64(receipt.session).bytes(receipt.nonce).bytes(receipt.node);
  out.u64(receipt.time_ms).u64(receipt.bytes).u8(receipt.how);
  const Signature signature = node.sign(kReceiptDomain, bytes);
  out.bytes(signature);
  return bytes;
}

Result<Receipt> parse_receipt(BytesView bytes) {
  if (bytes.size() != kReceiptBytes || as_text(bytes.first(kReceiptMagic.size())) != kReceiptMagic) return Error{Errc::malformed, "receipt: it is cut off, or none"};
  ByteReader in(bytes.subspan(kReceiptMagic.size()));
  Receipt receipt;
  in.fill(receipt.content);
  receipt.session = in.u64();
  in.fill(receipt.nonce);
  in.fill(receipt.node);
  receipt.time_ms = in.u64();
  receipt.bytes = in.u64();
  receipt.how = in.u8();
  if (!verify_signature(receipt.node, kReceiptDomain, bytes.first(bytes.size() - kReceiptSignature), bytes.last(kReceiptSignature))) {
    return Error{Errc::unauthenticated, "receipt: the signature of the node it names does not hold"};
  }
  return receipt;
}

Status check_receipt(const Receipt& receipt, const ContentId& content, std::uint64_t session, const ReceiptNonce& nonce, BytesView node_key) {
  const auto refuse = [](std::string_view what) { return Error{Errc::conflict, "receipt: it is for " + std::string(what)}; };
  if (receipt.content != content) return refuse("another content");
  if (receipt.session != session) return refuse("another session");
  if (receipt.nonce != nonce) return refuse("another nonce: it was made before, or elsewhere");
  if (!std::ranges::equal(receipt.node, node_key)) return refuse("another node than the one that sent it");
  return {};
}

}  // namespace ghost::ardus
