// SHA256_Init and its like are deprecated for EVP, which allocates for each digest, and for the first reads OpenSSL's configuration and
// fetches a provider: 2 MB of pages in a server that encrypts nothing. They run the same code for the blocks.
#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cassert>
#include <new>
#include <type_traits>

namespace ghost {

static SHA256_CTX* context_of(std::byte* state) { return std::launder(reinterpret_cast<SHA256_CTX*>(state)); }

Sha256::Sha256() {
  static_assert(sizeof(SHA256_CTX) == sizeof state_ && alignof(SHA256_CTX) <= 8 && std::is_trivially_copyable_v<SHA256_CTX>);
  SHA256_Init(new (state_) SHA256_CTX);
}

Sha256& Sha256::update(BytesView bytes) {
  SHA256_Update(context_of(state_), bytes.data(), bytes.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  SHA256_Final(digest.data(), context_of(state_));
  SHA256_Init(context_of(state_));
  return digest;
}

// HMAC fails only when memory is short or SHA-256 was configured away: neither is a state to go on in.
static void must(bool done) {
  if (!done) throw std::bad_alloc();
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
