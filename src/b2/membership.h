#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "b2/certificate.h"
#include "b2/identity.h"
#include "b2/revocation_list.h"
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

  /// The nodes the house has taken out, as far as it is known here; null before any list was heard of.
  const RevocationList* revocations() const { return revocations_.get(); }
  std::shared_ptr<const RevocationList> shared_revocations() const { return revocations_; }
  void set_revocations(std::shared_ptr<const RevocationList> list) { revocations_ = std::move(list); }

  /// Judges the certificates a peer showed, of which TLS proved that it holds the first one's key. unauthenticated tells what is
  /// wrong with them and the way out; `address` is where we can be reached, for that message.
  /// Only the first is looked at: one signature from the house's key, at the time `now`, of a node that is not revoked.
  Result<Identity> verify_member(std::span<const Bytes> chain, WallTime now, std::string_view address) const;

 private:
  HouseTrust(Bytes der, CertificateInfo info) : der_(std::move(der)), info_(std::move(info)) {}
  Bytes der_;
  CertificateInfo info_;
  std::shared_ptr<const RevocationList> revocations_;  ///< shared by copies: a list does not change
};

/// From when on a node asks for a new certificate: when a third of the time that the one it has holds is left.
WallTime renewal_due(Validity validity);
/// How much longer than its certificate says a member is taken for one, for machines whose clocks differ.
inline constexpr std::chrono::hours kClockTolerance{1};

/// A node's place in a house: its own certificate and the house's.
class Membership {
 public:
  /// Checks what a house gave (leaf, then house): that the leaf is signed by the house, holds now, and names our own key.
  /// @param revocations  the house's list, where one is known
  static Result<Membership> from_certificates(std::vector<Bytes> certificates, const PublicKey& own_key, WallTime now,
                                              std::shared_ptr<const RevocationList> revocations = nullptr);

  const HouseTrust& house() const { return house_; }
  HouseTrust& house() { return house_; }
  const CertificateInfo& own() const { return own_; }
  const std::vector<Bytes>& certificates() const { return certificates_; }

 private:
  Membership(HouseTrust house, CertificateInfo own, std::vector<Bytes> certificates)
      : house_(std::move(house)), own_(std::move(own)), certificates_(std::move(certificates)) {}
  HouseTrust house_;
  CertificateInfo own_;
  std::vector<Bytes> certificates_;
};

/// A node's key and membership, kept in its state directory (0700): node.key, node.name and, once it has joined, membership.pem,
/// `revocations` (the house's list) and `keeper` (where the house answers).
class NodeState {
 public:
  /// Makes what is missing. A name given replaces the one kept; without either the machine's is taken. refused when the
  /// directory or the key is open to other users.
  static Result<NodeState> open_or_create(const std::filesystem::path& directory, std::string_view node_name, WallTime now);

  const std::filesystem::path& directory() const { return directory_; }
  const KeyPair& key() const { return key_; }
  NodeId id() const { return NodeId::of_public_key(key_.public_key()); }
  const std::string& name() const { return name_; }
  /// Nothing before the node has joined a house, and when its certificate does not hold now or the house has taken it out (then
  /// membership_problem() says so).
  const std::optional<Membership>& membership() const { return membership_; }
  /// Why a membership that is there can't be used; "" when all is well.
  const std::string& membership_problem() const { return problem_; }

  /// Keeps what join() got. conflict when the node is in another house already, unless `leave` allows it.
  enum class LeaveOther { yes, no };
  Status join(Membership membership, LeaveOther leave = LeaveOther::no);

  /// The house on record, also where the membership can't be used; null for none.
  const HouseTrust* house() const { return house_ ? &*house_ : nullptr; }
  /// What a house said of itself last; null for none.
  const RevocationList* revocations() const { return house_ ? house_->revocations() : nullptr; }
  /// Takes a list that is later than the one known: keeps it and judges the own membership by it. refused when it is older than what
  /// this node knows; what RevocationList::read() says; conflict for a node in no house.
  Status take_revocations(BytesView list, WallTime now);

  /// Where the keeper of the house answers, "archive.local:2203", as join() was told; "" when it is not known.
  std::string keeper_address() const;
  Status keep_keeper_address(std::string_view address) const;

  /// Reads membership and revocations anew, after another program of this node wrote them or the clock was set.
  Status reload(WallTime now) { return load_membership(now); }

  /// Keeps a certificate that renews the one this node has. unauthenticated when it does not hold now; conflict when it is another
  /// house's, or does not hold longer.
  Status renew(std::vector<Bytes> certificates, WallTime now);

  /// For TLS: the member's chain, or, outside any house, a certificate the node signed itself.
  Result<TlsMaterial> tls_material(WallTime now) const;

 private:
  NodeState(std::filesystem::path directory, KeyPair key, std::string name)
      : directory_(std::move(directory)), key_(std::move(key)), name_(std::move(name)) {}
  Status load_membership(WallTime now);
  Status load_revocations(HouseTrust& house) const;

  std::filesystem::path directory_;
  KeyPair key_;
  std::string name_;
  std::optional<HouseTrust> house_;
  std::optional<Membership> membership_;
  std::string problem_;
};

}  // namespace ghost::b2
