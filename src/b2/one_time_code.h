#pragma once
#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ed25519.h"
#include "base/result.h"
#include "base/sha256.h"

namespace ghost::b2 {

using InvitationId = std::array<std::uint8_t, 8>;

/// What the side that made a code keeps to know it again: nothing here lets anyone use the code against another.
struct CodeVerifier {
  InvitationId id{};     ///< told in the clear by who uses the code
  Digest proof_key{};    ///< HMAC key; a secret, though the code can't be had back from it

  /// Whether `proof` was made with the code, on this very TLS connection, by the holder of `public_key`.
  bool accepts(BytesView proof, std::string_view purpose, BytesView exporter, BytesView public_key) const;
};

/// A secret told from person to person that lets one machine trust another once (docs/spec/house.md §3): the hash of the key
/// that will answer, which TLS pins, and 128 bits that prove the bearer was meant.
class OneTimeCode {
 public:
  static constexpr std::size_t kSecretSize = 16, kKeyHashSize = 16;
  static constexpr std::size_t kWords = (kKeyHashSize + kSecretSize) / 2 + 1;  ///< with the check word
  static constexpr std::size_t kMaxText = 1024;
  /// What is asked of the TLS exporter (RFC 8446 §7.5), without context.
  static constexpr std::string_view kExporterLabel = "EXPORTER-ghostlight-one-time-code";
  static constexpr std::size_t kExporterSize = 32;

  /// Draws a secret for the holder of `server_key`.
  static OneTimeCode make(const PublicKey& server_key);
  /// Reads text(), however it was typed: capitals, spaces, line breaks and dashes do not matter. malformed tells which word can't
  /// be one, or that the check word does not fit the others.
  static Result<OneTimeCode> parse(std::string_view text);

  /// 17 words of five letters, joined by dashes in fours; the last is the check word.
  std::string text() const;
  /// The same on five lines, four words each, for a terminal.
  std::string text_in_lines() const;

  /// Whether the key that answered is the one the code was made for: the caller ends the connection when not.
  bool is_for(BytesView server_key) const;

  InvitationId id() const;
  CodeVerifier verifier() const;

  /// HMAC-SHA-256 under a key derived from the secret, over `purpose` ("house join"), the exporter's bytes and the prover's public
  /// key.
  Digest proof(std::string_view purpose, BytesView exporter, BytesView public_key) const;

  ~OneTimeCode() { wipe(secret_); }
  OneTimeCode(const OneTimeCode&) = default;
  OneTimeCode& operator=(const OneTimeCode&) = default;
  friend bool operator==(const OneTimeCode&, const OneTimeCode&) = default;

 private:
  OneTimeCode() = default;
  std::string joined(char between_groups) const;

  std::array<std::uint8_t, kKeyHashSize> key_hash_{};
  std::array<std::uint8_t, kSecretSize> secret_{};
};

}  // namespace ghost::b2
