#include "b2/datagram_seal.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>

#include "base/sha256.h"

namespace ghost::b2 {

namespace {

// OpenSSL's cipher calls fail on a wrong tag, and else only when memory is short.
void cipher_must(bool done) {
  if (!done) throw std::bad_alloc();
}

using PacketNonce = std::array<std::uint8_t, 12>;

/// The direction's constant with the packet number, little-endian, added bit by bit to its last eight bytes.
PacketNonce packet_nonce(const PacketNonce& iv, std::uint64_t number) {
  PacketNonce nonce = iv;
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<std::uint8_t>(number >> (8 * i));
  return nonce;
}

DatagramKey derived_key(BytesView exported, BytesView salt, std::string_view info) {
  DatagramKey key;
  Bytes bytes = hkdf_sha256(exported, salt, info, key.key.size() + key.iv.size());
  std::copy_n(bytes.begin(), key.key.size(), key.key.begin());
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(key.key.size()), key.iv.size(), key.iv.begin());
  wipe(bytes);
  return key;
}

}  // namespace

DatagramKeys derive_datagram_keys(BytesView exported, std::uint64_t session) {
  Bytes salt;
  ByteWriter(salt).u64(session);
  return {derived_key(exported, salt, "b2u1 to server"), derived_key(exported, salt, "b2u1 to caller")};
}

bool PacketWindow::fresh(std::uint64_t number) const {
  if (number >= end_) return true;
  if (end_ - number > kSpan) return false;
  return (bits_[number % kSpan / 64] >> (number % 64) & 1) == 0;
}

void PacketWindow::take(std::uint64_t number) {
  if (number >= end_) {
    const std::uint64_t steps = std::min(number - end_ + 1, kSpan);
    for (std::uint64_t i = 1; i <= steps; ++i) {
      const std::uint64_t cleared = number + i - steps;
      bits_[cleared % kSpan / 64] &= ~(std::uint64_t{1} << (cleared % 64));
    }
    end_ = number + 1;
  }
  bits_[number % kSpan / 64] |= std::uint64_t{1} << (number % 64);
}

void DatagramSeal::Free::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

DatagramSeal::DatagramSeal(const DatagramKey& sending, const DatagramKey& receiving)
    : sealing_(EVP_CIPHER_CTX_new()), opening_(EVP_CIPHER_CTX_new()), send_iv_(sending.iv), receive_iv_(receiving.iv) {
  cipher_must(sealing_ && EVP_EncryptInit_ex(sealing_.get(), EVP_chacha20_poly1305(), nullptr, sending.key.data(), nullptr) == 1);
  cipher_must(opening_ && EVP_DecryptInit_ex(opening_.get(), EVP_chacha20_poly1305(), nullptr, receiving.key.data(), nullptr) == 1);
}

DatagramSeal::~DatagramSeal() = default;

void DatagramSeal::seal(Bytes& datagram, std::uint64_t number) {
  const PacketNonce nonce = packet_nonce(send_iv_, number);
  const auto inside = static_cast<int>(datagram.size() - kDatagramHead);
  datagram.resize(datagram.size() + kSealTag);
  std::uint8_t* const at = datagram.data() + kDatagramHead;
  int length = 0;
  cipher_must(EVP_EncryptInit_ex(sealing_.get(), nullptr, nullptr, nullptr, nonce.data()) == 1);
  cipher_must(EVP_EncryptUpdate(sealing_.get(), nullptr, &length, datagram.data(), static_cast<int>(kDatagramHead)) == 1);
  cipher_must(EVP_EncryptUpdate(sealing_.get(), at, &length, at, inside) == 1);
  cipher_must(EVP_EncryptFinal_ex(sealing_.get(), at + length, &length) == 1);
  cipher_must(EVP_CIPHER_CTX_ctrl(sealing_.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kSealTag), at + inside) == 1);
}

std::optional<BytesView> DatagramSeal::open(BytesView datagram, std::uint64_t number) {
  if (datagram.size() < kDatagramHead + kSealTag || datagram.size() > kMaxDatagram || !seen_.fresh(number)) return std::nullopt;
  const PacketNonce nonce = packet_nonce(receive_iv_, number);
  const std::size_t inside = datagram.size() - kDatagramHead - kSealTag;
  std::array<std::uint8_t, kSealTag> tag;
  std::copy_n(datagram.data() + kDatagramHead + inside, kSealTag, tag.begin());
  int length = 0;
  cipher_must(EVP_DecryptInit_ex(opening_.get(), nullptr, nullptr, nullptr, nonce.data()) == 1);
  cipher_must(EVP_CIPHER_CTX_ctrl(opening_.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kSealTag), tag.data()) == 1);
  cipher_must(EVP_DecryptUpdate(opening_.get(), nullptr, &length, datagram.data(), static_cast<int>(kDatagramHead)) == 1);
  cipher_must(EVP_DecryptUpdate(opening_.get(), opened_.data(), &length, datagram.data() + kDatagramHead, static_cast<int>(inside)) == 1);
  if (EVP_DecryptFinal_ex(opening_.get(), opened_.data() + length, &length) != 1) return std::nullopt;
  seen_.take(number);
  return BytesView(opened_).first(inside);
}

}  // namespace ghost::b2
