#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "b2/certificate.h"
#include "b2/invitations.h"
#include "b2/membership.h"
#include "b2/one_time_code.h"
#include "base/ed25519.h"
#include "base/result.h"

namespace ghost::b2 {

/// A node the house gave a certificate to.
struct Member {
  NodeId node;
  std::string name;
  Roles roles;
  WallTime joined, expires;
  std::optional<WallTime> revoked = {};  ///< since when it is out
};

/// What a node gets that joined: the fields of b2.v1.JoinResponse.
struct Welcome {
  std::vector<Bytes> certificates;  ///< DER, the node's first, then the house's
  std::string house;
  Roles roles;
};

/// A code as it is given out, once.
struct NewInvitation {
  OneTimeCode code;
  std::string house;
  Roles roles;
  WallTime expires;

  /// What to tell the person: the command, the code and until when. `address`: where the house answers, "archive.local:2203".
  std::string text(std::string_view address) const;
};

/// The keeper of a house: its key, who was invited and who is a member, in `STATE/house` (0700). One machine has it. Several
/// processes may use it at once: each change is made under a lock and put on disk before it is told.
class House {
 public:
  static constexpr std::chrono::hours kHouseValidity{24 * 365 * 20};
  static constexpr std::chrono::hours kMemberValidity{24 * 365 * 2};

  /// Makes the house's key and certificate and takes `node`, where it is kept, in as its first member, with all roles.
  /// exists when there is one already; conflict when the node is in another.
  static Result<House> create(NodeState& node, std::string_view name, WallTime now);
  /// not_found when this machine keeps no house; the message says how to make one.
  static Result<House> open(const std::filesystem::path& state_directory);

  const HouseTrust& trust() const { return trust_; }

  /// A certificate, noted in the list of members.
  Result<Bytes> issue(const PublicKey& member, std::string_view node_name, Roles roles, WallTime now) const;
  Result<Identity> verify_member(std::span<const Bytes> chain, WallTime now, std::string_view address) const {
    return trust_.verify_member(chain, now, address);
  }

  /// A code that brings `roles`, once, to whoever shows it to the node of `server_key` within `valid_for` (1 minute to 30 days).
  Result<NewInvitation> invite(const PublicKey& server_key, Roles roles, Duration valid_for, WallTime now) const;
  /// Answers a joiner; the errors are those of Invitations::redeem(), malformed for a name that is none, and refused for a key that is
  /// revoked.
  Result<Welcome> redeem(const Redemption& redemption, WallTime now) const;

  /// A certificate for the same key that holds longer, with the roles the list of members tells; a member the list has lost keeps
  /// those of `shown`, the certificate's. refused for a node that is revoked.
  Result<Welcome> renew(const PublicKey& member, std::string_view node_name, Roles shown, WallTime now) const;

  /// Takes a node out of the house, or back in: makes the next list of revoked nodes, and puts it where this machine's programs
  /// find it. `node` is a member's name, its words, or its id in hex. not_found; conflict for a name that several have, and when
  /// nothing is to be done; refused for the keeper itself.
  Result<Member> revoke(NodeState& keeper, std::string_view node, WallTime now) const;
  Result<Member> restore(NodeState& keeper, std::string_view node, WallTime now) const;

  Result<std::vector<Member>> members() const;
  /// Codes that can still be used.
  Result<std::vector<Invitation>> open_invitations(WallTime now) const;

 private:
  House(std::filesystem::path directory, KeyPair key, HouseTrust trust)
      : directory_(std::move(directory)), key_(std::move(key)), trust_(std::move(trust)) {}
  Status take_in_keeper(NodeState& node, WallTime now) const;
  Result<Bytes> issue_locked(const PublicKey& member, std::string_view node_name, Roles roles, WallTime now) const;
  Result<Invitations> load_invitations() const;
  Status save_invitations(const Invitations& invitations) const;
  Status note_member(const Member& member) const;
  Result<std::optional<RevocationList>> revocations() const;
  Result<Member> find_member(std::string_view node) const;
  Status publish(NodeState& keeper, std::vector<Revoked> nodes, WallTime now) const;
  Result<std::optional<Revoked>> revoked(const NodeId& node) const;

  std::filesystem::path directory_;
  KeyPair key_;
  HouseTrust trust_;
};

}  // namespace ghost::b2
