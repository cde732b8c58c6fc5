#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "b2/identity.h"
#include "base/bytes.h"
#include "base/ed25519.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2 {

/// From when until when a certificate holds.
struct Validity {
  WallTime from, until;
  /// From a day before `now`, for machines whose clock is behind.
  static Validity starting(WallTime now, std::chrono::hours length) { return {now - std::chrono::hours(24), now + length}; }
};

/// What one of our X.509 certificates says (docs/spec/house.md §2). Ed25519 only. In the subject: CN is the node's name, O the
/// house's, OU the roles as "listen,send" (absent for none), serialNumber the node id in hex.
struct CertificateInfo {
  PublicKey public_key{};
  NodeId node;           ///< hash of public_key; equal to what the subject says
  std::string name;      ///< of the node, or of the house in its own certificate
  std::string house;     ///< "" for a node in none
  Roles roles;
  bool is_house = false; ///< may sign others
  Validity validity;
};

/// A name people give a node or a house: 1 to 64 bytes of UTF-8 without control characters, and no space at either end.
Status check_name(std::string_view what, std::string_view name);

/// All three give DER. `name`s are those check_name() accepts.
Result<Bytes> make_house_certificate(const KeyPair& house, std::string_view name, Validity validity);
Result<Bytes> make_member_certificate(const KeyPair& house, std::string_view house_name, const PublicKey& member,
                                      std::string_view node_name, Roles roles, Validity validity);
/// Signed by the node itself: shows its key in TLS while it is in no house.
Result<Bytes> make_lone_certificate(const KeyPair& node, std::string_view node_name, Validity validity);

/// Reads a stranger's DER; malformed when it is longer than 8 KiB, no certificate, or none of ours. The signature is not looked at.
Result<CertificateInfo> read_certificate(BytesView der);

/// Whether the certificate was signed with the key that belongs to `signer`.
bool is_signed_by(BytesView der, const PublicKey& signer);

/// PEM blocks of certificates, and back: at most 8, of at most 8 KiB each.
Result<std::string> to_pem(const std::vector<Bytes>& certificates);
Result<std::vector<Bytes>> certificates_from_pem(std::string_view pem);

}  // namespace ghost::b2
