#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "b2/identity.h"
#include "b2/one_time_code.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2 {

/// A code that was given out, as the house keeps it.
struct Invitation {
  CodeVerifier verifier;
  Roles roles;
  WallTime expires;
  unsigned wrong_proofs = 0;
  NodeId used_by;  ///< none while it is unused
};

/// What a joiner shows (docs/spec/house.md §4), with what its connection proved.
struct Redemption {
  Bytes invitation;      ///< its public id
  Bytes proof;
  Bytes exporter;        ///< OneTimeCode::kExporterSize bytes of this connection
  PublicKey public_key{};  ///< of the joiner's TLS certificate
  std::string node_name;
};

/// The codes a house has given out. Pure: time comes in; whoever calls it keeps the whole in a file.
class Invitations {
 public:
  static constexpr unsigned kMaxWrongProofs = 5;  ///< then the code is void, however many tries were to come
  static constexpr std::size_t kMost = 1000;      ///< kept at once
  static constexpr std::chrono::hours kRemembered{24 * 7};  ///< after it expired, so that its bearer learns why it fails
  static constexpr std::string_view kPurpose = "house join";

  /// exhausted when as many as can be kept are waiting.
  Status add(const Invitation& invitation, WallTime now);

  /// Checks a proof and uses the code up; gives the roles it brings. The same node may redeem it again while it lasts, so an answer
  /// that got lost on the way costs nothing. The state has changed, and has to be kept, after success and after unauthenticated.
  /// not_found: no such code; timed_out: expired; conflict: used by another; exhausted: void after wrong proofs;
  /// unauthenticated: this proof is wrong.
  Result<Roles> redeem(const Redemption& redemption, WallTime now);

  const std::vector<Invitation>& all() const { return all_; }

  std::string to_json() const;
  static Result<Invitations> from_json(std::string_view json);

 private:
  std::vector<Invitation> all_;
};

}  // namespace ghost::b2
