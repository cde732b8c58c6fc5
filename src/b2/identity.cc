#include "b2/identity.h"

#include <algorithm>
#include <functional>

#include "b2/words.h"
#include "base/sha256.h"
#include "base/text.h"

namespace ghost::b2 {

static constexpr std::array kAllRoles = {Role::listen, Role::send, Role::describe, Role::grab, Role::admin};

NodeId NodeId::of_public_key(BytesView public_key) { return {sha256(public_key)}; }

Result<NodeId> NodeId::from_bytes(BytesView bytes) {
  NodeId id;
  if (bytes.size() != id.bytes.size())
    return Error{Errc::malformed, "a node id has 32 bytes, this one " + std::to_string(bytes.size())};
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

std::string NodeId::words() const { return words_of(BytesView(bytes).first(8)); }

std::string_view name(Role role) {
  switch (role) {
    case Role::listen: return "listen";
    case Role::send: return "send";
    case Role::describe: return "describe";
    case Role::grab: return "grab";
    case Role::admin: return "admin";
  }
  return "none";
}

static const Role* role_named(std::string_view text) {
  const auto found = std::find_if(kAllRoles.begin(), kAllRoles.end(), [&](Role role) { return name(role) == text; });
  return found == kAllRoles.end() ? nullptr : &*found;
}

Result<Roles> Roles::parse(std::string_view comma_separated) {
  Roles roles;
  while (!comma_separated.empty()) {
    const std::size_t comma = comma_separated.find(',');
    const std::string_view word = comma_separated.substr(0, comma);
    const Role* role = role_named(word);
    if (role == nullptr)
      return Error{Errc::malformed, "'" + printable(word) + "' is no role: listen, send, describe, grab or admin"};
    roles.bits_ |= static_cast<std::uint8_t>(*role);
    comma_separated = comma == std::string_view::npos ? "" : comma_separated.substr(comma + 1);
  }
  return roles;
}

std::vector<std::string> Roles::names() const {
  std::vector<std::string> all;
  for (Role role : kAllRoles)
    if (has(role)) all.emplace_back(name(role));
  return all;
}

std::string Roles::text() const {
  std::string text;
  for (const std::string& role : names()) text += (text.empty() ? "" : ",") + role;
  return text;
}

static Error refuse_stranger(const Identity& who, std::string_view needs, std::string_view method) {
  std::string message = std::string(method) + " needs a member of the house";
  if (role_named(needs) != nullptr) message += " with the role '" + std::string(needs) + "'";
  return {Errc::unauthenticated, message + "; " + (who.why_stranger.empty() ? "this connection proved nothing" : who.why_stranger)};
}

static Error refuse_member(const Identity& who, std::string_view needs, std::string_view method) {
  const std::string has = who.roles.empty() ? "no role" : who.roles.text();
  std::string wanted = who.roles.text();
  wanted += (wanted.empty() ? "" : ",") + std::string(needs);
  return {Errc::refused, std::string(method) + " needs the role '" + std::string(needs) + "'; node '" + printable(who.name) + "' (" +
                             who.node.words() + ") has " + has + ": join it again with a code made by: ghostlight house invite --roles " +
                             wanted};
}

Status check_node_reference(std::string_view text) {
  const auto hex = text.size() == 64 ? from_hex(text) : Result<Bytes>(Error{Errc::malformed, ""});
  bool words = text.size() == 23;
  for (std::size_t at = 0; words && at < text.size(); at += 6) words = value_of_word(text.substr(at, 5)) && (at == 18 || text[at + 5] == '-');
  if (hex || words) return {};
  return Error{Errc::malformed, "'" + printable(text.substr(0, 80)) + "' names no node: write its four words, as 'ghostlight house list' tells them, or 64 hex digits"};
}

/// One need, without & and |.
static bool meets_one(const Identity& who, std::string_view need) {
  constexpr std::string_view node = "node:";
  if (need.starts_with(node)) return !who.node.is_none() && (need.substr(node.size()) == who.node.words() || need.substr(node.size()) == who.node.hex());
  if (need.empty() || need == "member") return true;
  const Role* role = role_named(need);
  return role != nullptr && who.roles.has(*role);
}

/// Calls `each` with the parts of `text` between separators, until it answers false.
static bool all_parts(std::string_view text, std::string_view separator, const std::function<bool(std::string_view)>& each) {
  for (;;) {
    const std::size_t end = text.find(separator);
    if (!each(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + separator.size());
  }
}

/// Of a member: every term, in which one of the alternatives is enough.
static bool meets_all(const Identity& who, std::string_view needs) {
  return all_parts(needs, " & ", [&](std::string_view term) {
    if (term.starts_with('(') && term.ends_with(')')) term = term.substr(1, term.size() - 2);
    return !all_parts(term, " | ", [&](std::string_view need) { return !meets_one(who, need); });
  });
}

static bool is_composed(std::string_view needs) { return needs == "owner" || needs.find_first_of("&|:") != std::string_view::npos; }

static Error refuse_by_table(const Identity& who, std::string_view needs, std::string_view method) {
  return {Errc::refused, std::string(method) + " needs " + std::string(needs) + ", as the [[rights]] of that machine's configuration say; node '" + printable(who.name) +
                             "' (" + who.node.words() + ") has " + (who.roles.empty() ? "no role" : "the roles " + who.roles.text())};
}

Status Identity::may(std::string_view needs, std::string_view method) const {
  if (needs == "public" || kind == Kind::owner || kind == Kind::console) return {};
  if (kind == Kind::stranger) return refuse_stranger(*this, needs, method);
  if (is_composed(needs)) return meets_all(*this, needs) ? Status() : Status(refuse_by_table(*this, needs, method));
  if (needs.empty() || needs == "member") return {};
  const Role* role = role_named(needs);
  if (role != nullptr && roles.has(*role)) return {};
  return refuse_member(*this, needs, method);
}

std::string why_stranger_on_loopback(std::string_view socket_path) {
  return "this connection is loopback TCP without a token, which any user of the machine could make: use the Unix socket (b2 --at unix:" +
         std::string(socket_path) + ") or send the console's token";
}

std::string why_stranger_on_socket(std::uint32_t uid) {
  return "the Unix socket serves its owner and root, and this process runs as user id " + std::to_string(uid) +
         ": run it as the owner, or with sudo";
}

std::string why_stranger_by_tls(const NodeId& node, std::string_view house, std::string_view address) {
  if (house.empty())
    return "this machine is in no house and serves no other: on it run: ghostlight house create (or house join), then join node " +
           node.words() + " to the same house";
  return "node " + (node.is_none() ? "without a certificate" : node.words()) + " is not in house '" + printable(house) +
         "': on it run: ghostlight house join --at " + std::string(address) + " (ask for a code: ghostlight house invite)";
}

}  // namespace ghost::b2
