#pragma once
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct evp_pkey_st;

namespace ghost {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// An Ed25519 key (RFC 8032) that can sign. Its const functions may be called from several threads.
class KeyPair {
 public:
  static KeyPair generate();
  /// PKCS#8 in DER, as TLS takes it; malformed when it is none or another kind of key.
  static Result<KeyPair> from_der(BytesView pkcs8);
  static Result<KeyPair> from_pem(std::string_view pem);
  /// A PEM file; refused when others than its owner may read it.
  static Result<KeyPair> load(const std::filesystem::path& path);

  /// The private key in the clear: callers keep it as short as they can.
  Bytes to_der() const;
  std::string to_pem() const;
  /// Writes the PEM file, mode 0600; `exists` when there is one already: keys are never overwritten.
  Status save(const std::filesystem::path& path) const;

  const PublicKey& public_key() const { return public_key_; }

  /// Signs `message` for one use only: a signature made for one `domain` ("ardus receipt") is not valid in another. The bytes
  /// signed are the domain's length (1 byte), the domain (at most 255 bytes) and the message.
  Signature sign(std::string_view domain, BytesView message) const;

  evp_pkey_st* handle() const { return key_.get(); }  ///< for the files that build certificates

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  explicit KeyPair(evp_pkey_st* owned);
  static Result<KeyPair> own(evp_pkey_st* key, std::string_view source);

  std::unique_ptr<evp_pkey_st, Free> key_;
  PublicKey public_key_{};
};

/// Whether `signature` is the key's over this domain and message. A key or signature of a wrong length is simply not valid.
bool verify_signature(BytesView public_key, std::string_view domain, BytesView message, BytesView signature);

}  // namespace ghost
