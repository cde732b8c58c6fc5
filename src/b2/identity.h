#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

/// A node's name for machines: SHA-256 of its 32-byte Ed25519 public key.
struct NodeId {
  std::array<std::uint8_t, 32> bytes{};

  static NodeId of_public_key(BytesView public_key);
  /// 32 bytes; malformed otherwise.
  static Result<NodeId> from_bytes(BytesView bytes);

  bool is_none() const { return *this == NodeId{}; }
  /// The first 64 bits as four five-letter words, "lusab-babad-gutih-tugad": for people to compare.
  std::string words() const;
  std::string hex() const { return to_hex(bytes); }
  friend auto operator<=>(const NodeId&, const NodeId&) = default;
};

/// What a member of a house may do.
enum class Role : std::uint8_t { listen = 1, send = 2, describe = 4, grab = 8, admin = 16 };
std::string_view name(Role role);

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (Role role : roles) bits_ |= static_cast<std::uint8_t>(role);
  }
  static constexpr Roles all() { return {Role::listen, Role::send, Role::describe, Role::grab, Role::admin}; }
  /// "listen,send"; malformed names the word that is no role, and the five that are.
  static Result<Roles> parse(std::string_view comma_separated);

  constexpr bool has(Role role) const { return (bits_ & static_cast<std::uint8_t>(role)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  std::vector<std::string> names() const;
  std::string text() const;  ///< as parse() takes it
  friend constexpr bool operator==(Roles, Roles) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// Who is at the other end of a connection, as far as it was proven.
struct Identity {
  enum class Kind : std::uint8_t {
    stranger,  ///< loopback TCP, another user's process, or TLS without membership: public methods only
    owner,     ///< the same user as this process, or root, on the Unix socket; or the parent of a hosted child: all roles
    console,   ///< holds the console's token: all roles
    member     ///< a certificate of our house
  };
  Kind kind = Kind::stranger;
  Roles roles;
  NodeId node;        ///< none unless TLS proved it
  Bytes public_key;   ///< the key behind `node`; empty unless TLS proved it
  std::string name;   ///< what the peer calls itself; from its certificate when a member
  std::string where;  ///< its address, for messages
  std::string why_stranger;  ///< for a stranger: what is missing and how to mend it

  /// Whether it may call a method that needs `needs`: "public", "" or "member", a role's name, "owner" (nobody else), "node:" and a
  /// node's words or id in hex; or several of these, as "send & (admin | node:lusab-babad-gutih-tugad)". The error tells the caller what
  /// to do: join the house, use the Unix socket, ask for a role.
  Status may(std::string_view needs, std::string_view method) const;
};

/// Whether a text names a node: its four words or 64 hex digits.
Status check_node_reference(std::string_view text);

/// Texts for Identity::why_stranger, each with the way out: loopback TCP (`socket_path`: our Unix socket), another user's process on
/// the Unix socket, and TLS without membership (`house`: ours, "" for none; `address`: where we can be reached, "host:2203").
std::string why_stranger_on_loopback(std::string_view socket_path);
std::string why_stranger_on_socket(std::uint32_t uid);
std::string why_stranger_by_tls(const NodeId& node, std::string_view house, std::string_view address);

}  // namespace ghost::b2
