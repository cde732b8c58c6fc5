#pragma once
#include <functional>
#include <string>

#include "b2/membership.h"
#include "b2/server_service.h"

namespace ghost::b2 {

/// What the judge of connections knows of this node. References outlive the judge.
struct AccessRules {
  /// The house this node is in now; null for none. Asked for each connection, since a node may join while it runs.
  std::function<const HouseTrust*()> house;
  /// Where other machines reach this node, "archive.local:2203": for messages.
  std::string address;
  /// Path of the Unix socket that takes this machine's own users, "/run/b2/b2.sock": for messages.
  std::string unix_socket;
  /// By what clock certificates hold; the system's where empty.
  std::function<WallTime()> wall_clock = {};
};

/// Judges as docs/spec/b2.md §9 has it: the same user or root on a Unix socket is the owner; a member's certificate makes a member;
/// the rest are strangers, told why and what to do.
Judge make_judge(AccessRules rules);

/// The identity of whoever showed the console's token.
std::shared_ptr<const Identity> console_identity(const net::Peer& peer);
/// Of the process at the other end of a socketpair that this process, or its host, has made.
std::shared_ptr<const Identity> hosted_identity(std::string_view name);

/// 32 characters of base64url, the first no '-', which a command line would take for an option: some 192 bits from the kernel.
std::string make_token();

}  // namespace ghost::b2
