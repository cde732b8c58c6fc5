#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cassert>
#include <new>

namespace ghost {

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

// OpenSSL's digest calls fail only when memory is short or SHA-256 was configured away: neither is a state to go on in.
static void must(bool done) {
  if (!done) throw std::bad_alloc();
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  must(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

Sha256& Sha256::update(BytesView bytes) {
  must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  must(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  must(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  return digest;
}

Digest sha256(BytesView bytes) { return Sha256().update(bytes).finish(); }

Digest hmac_sha256(BytesView key, BytesView message) {
  Digest digest;
  unsigned length = 0;
  static constexpr std::uint8_t kNone = 0;  // OpenSSL takes a null key for "the key of the last call"
  const void* key_bytes = key.empty() ? &kNone : key.data();
  must(HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()), message.data(), message.size(), digest.data(), &length) != nullptr);
  return digest;
}

Bytes hkdf_sha256(BytesView secret, BytesView salt, std::string_view info, std::size_t length) {
  assert(length <= 255 * sizeof(Digest));
  Digest key = hmac_sha256(salt.empty() ? BytesView(Digest{}) : salt, secret);
  Bytes out, block;
  for (std::uint8_t counter = 1; out.size() < length; ++counter) {
    const BytesView tag = as_bytes(info);
    block.insert(block.end(), tag.begin(), tag.end());
    block.push_back(counter);
    const Digest next = hmac_sha256(key, block);
    block.assign(next.begin(), next.end());
    out.insert(out.end(), next.begin(), next.begin() + static_cast<std::ptrdiff_t>(std::min(next.size(), length - out.size())));
  }
  wipe(key);
  wipe(block);
  return out;
}

bool equal_in_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::span<std::uint8_t> secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace ghost
