#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "b2/certificate.h"
#include "b2/identity.h"
#include "base/ed25519.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2 {

/// What one side of TLS shows: certificates in DER, leaf first, and the key in PKCS#8. The fields of net::TlsConfig.
struct TlsMaterial {
  std::vector<Bytes> certificates;
  Bytes private_key;
};

/// What every member knows of its house: enough to judge the others.
class HouseTrust {
 public:
  /// malformed when it is no house's certificate, or not signed by itself.
  static Result<HouseTrust> from_certificate(BytesView der);

  const std::string& name() const { return info_.name; }
  NodeId id() const { return info_.node; }  ///< SHA-256 of the house's public key
  const PublicKey& public_key() const { return info_.public_key; }
  const Bytes& certificate() const { return der_; }
  Validity validity() const { return info_.validity; }

  /// Judges the certificates a peer showed, of which TLS proved that it holds the first one's key. unauthenticated tells what is
  /// wrong with them and the way out; `address` is where we can be reached, for that message.
  /// Only the first is looked at: one signature from the house's key, at the time `now`.
  Result<Identity> verify_member(std::span<const Bytes> chain, WallTime now, std::string_view address) const;

 private:
  HouseTrust(Bytes der, CertificateInfo info) : der_(std::move(der)), info_(std::move(info)) {}
  Bytes der_;
  CertificateInfo info_;
};

/// A node's place in a house: its own certificate and the house's.
class Membership {
 public:
  /// Checks what a house gave (leaf, then house): that the leaf is signed by the house, holds now, and names our own key.
  static Result<Membership> from_certificates(std::vector<Bytes> certificates, const PublicKey& own_key, WallTime now);

  const HouseTrust& house() const { return house_; }
  const CertificateInfo& own() const { return own_; }
  const std::vector<Bytes>& certificates() const { return certificates_; }

 private:
  Membership(HouseTrust house, CertificateInfo own, std::vector<Bytes> certificates)
      : house_(std::move(house)), own_(std::move(own)), certificates_(std::move(certificates)) {}
  HouseTrust house_;
  CertificateInfo own_;
  std::vector<Bytes> certificates_;
};

/// A node's key and membership, kept in its state directory (0700): node.key, node.name and, once it has joined, membership.pem.
class NodeState {
 public:
  /// Makes what is missing. A name given replaces the one kept; without either the machine's is taken. refused when the
  /// directory or the key is open to other users.
  static Result<NodeState> open_or_create(const std::filesystem::path& directory, std::string_view node_name, WallTime now);

  const std::filesystem::path& directory() const { return directory_; }
  const KeyPair& key() const { return key_; }
  NodeId id() const { return NodeId::of_public_key(key_.public_key()); }
  const std::string& name() const { return name_; }
  /// Nothing before the node has joined a house, and once its certificate has expired (then membership_problem() says so).
  const std::optional<Membership>& membership() const { return membership_; }
  /// Why a membership that is there can't be used; "" when all is well.
  const std::string& membership_problem() const { return problem_; }

  /// Keeps what join() got. conflict when the node is in another house already, unless `leave` allows it.
  enum class LeaveOther { yes, no };
  Status join(Membership membership, LeaveOther leave = LeaveOther::no);

  /// For TLS: the member's chain, or, outside any house, a certificate the node signed itself.
  Result<TlsMaterial> tls_material(WallTime now) const;

 private:
  NodeState(std::filesystem::path directory, KeyPair key, std::string name)
      : directory_(std::move(directory)), key_(std::move(key)), name_(std::move(name)) {}
  Status load_membership(WallTime now);

  std::filesystem::path directory_;
  KeyPair key_;
  std::string name_;
  std::optional<Membership> membership_;
  std::string problem_;
};

}  // namespace ghost::b2
