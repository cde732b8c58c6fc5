#include "b2/invitations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/units.h"

namespace ghost::b2 {

using nlohmann::json;

namespace {

std::int64_t to_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

constexpr std::string_view kAskAgain = ": ask for another, made by: ghostlight house invite";

Status check_usable(const Invitation& invitation, const NodeId& joiner, WallTime now) {
  if (invitation.wrong_proofs >= Invitations::kMaxWrongProofs)
    return Error{Errc::exhausted, "this code is void: it was tried " + std::to_string(Invitations::kMaxWrongProofs) +
                                      " times with a wrong secret" + std::string(kAskAgain)};
  if (now > invitation.expires)
    return Error{Errc::timed_out, "this code expired on " + format_time(invitation.expires) + std::string(kAskAgain)};
  if (!invitation.used_by.is_none() && invitation.used_by != joiner)
    return Error{Errc::conflict, "this code was used already, by node " + invitation.used_by.words() + std::string(kAskAgain)};
  return {};
}

// Exactly `out.size()` bytes of hex.
bool read_hex(const json& object, const char* key, std::span<std::uint8_t> out) {
  const auto bytes = from_hex(object.value(key, std::string()));
  if (!bytes || bytes->size() != out.size()) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

std::optional<Invitation> read_invitation(const json& object) {
  Invitation out;
  const auto roles = Roles::parse(object.value("roles", std::string()));
  if (!roles || !read_hex(object, "id", out.verifier.id) || !read_hex(object, "proof_key", out.verifier.proof_key)) return std::nullopt;
  if (object.contains("used_by") && !read_hex(object, "used_by", out.used_by.bytes)) return std::nullopt;
  out.roles = *roles;
  out.expires = WallTime(std::chrono::seconds(object.value("expires", std::int64_t{0})));
  out.wrong_proofs = object.value("wrong_proofs", 0u);
  return out;
}

}  // namespace

Status Invitations::add(const Invitation& invitation, WallTime now) {
  std::erase_if(all_, [&](const Invitation& old) { return now > old.expires + kRemembered; });
  if (all_.size() >= kMost)
    return Error{Errc::exhausted, "there are " + std::to_string(kMost) + " codes of the last days already: wait for some to expire"};
  all_.push_back(invitation);
  return {};
}

Result<Roles> Invitations::redeem(const Redemption& redemption, WallTime now) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Invitation& one) {
    return equal_in_constant_time(one.verifier.id, redemption.invitation);
  });
  if (found == all_.end())
    return Error{Errc::not_found, "this house gave out no such code, or long ago" + std::string(kAskAgain)};
  const NodeId joiner = NodeId::of_public_key(redemption.public_key);
  if (auto usable = check_usable(*found, joiner, now); !usable) return usable.error();
  if (!found->verifier.accepts(redemption.proof, kPurpose, redemption.exporter, redemption.public_key)) {
    ++found->wrong_proofs;
    return Error{Errc::unauthenticated, "the proof does not fit the code; it may be tried " +
                                            std::to_string(kMaxWrongProofs - found->wrong_proofs) + " times more"};
  }
  found->used_by = joiner;
  return found->roles;
}

std::string Invitations::to_json() const {
  json list = json::array();
  for (const Invitation& one : all_) {
    json object = {{"id", to_hex(one.verifier.id)}, {"proof_key", to_hex(one.verifier.proof_key)}, {"roles", one.roles.text()},
                   {"expires", to_seconds(one.expires)}, {"wrong_proofs", one.wrong_proofs}};
    if (!one.used_by.is_none()) object["used_by"] = one.used_by.hex();
    list.push_back(std::move(object));
  }
  return list.dump(1) + "\n";
}

Result<Invitations> Invitations::from_json(std::string_view text) {
  const Error damaged{Errc::data_loss, "the list of invitations is damaged; delete the file, and codes given out are void"};
  const json list = json::parse(text, nullptr, false);
  if (!list.is_array() || list.size() > kMost) return damaged;
  Invitations out;
  // value() throws when a field has another type than is asked for: that is damage as well.
  try {
    for (const json& object : list) {
      const auto one = object.is_object() ? read_invitation(object) : std::nullopt;
      if (!one) return damaged;
      out.all_.push_back(*one);
    }
  } catch (const json::exception&) {
    return damaged;
  }
  return out;
}

}  // namespace ghost::b2
