#include "b2/access_service.h"

#include <unistd.h>

#include <array>

#include "base/random.h"

namespace ghost::b2 {

namespace {

std::shared_ptr<Identity> owner(std::string where) {
  auto identity = std::make_shared<Identity>();
  identity->kind = Identity::Kind::owner;
  identity->roles = Roles::all();
  identity->where = std::move(where);
  return identity;
}

std::shared_ptr<Identity> stranger(std::string where, std::string why) {
  auto identity = std::make_shared<Identity>();
  identity->where = std::move(where);
  identity->why_stranger = std::move(why);
  return identity;
}

std::shared_ptr<const Identity> judge_process(const net::Peer& peer) {
  const std::string where = peer.local.text();
  if (peer.process && (peer.process->uid == ::geteuid() || peer.process->uid == 0)) return owner(where);
  if (!peer.process) return stranger(where, "the kernel does not say whose process this is");
  return stranger(where, why_stranger_on_socket(peer.process->uid));
}

std::shared_ptr<const Identity> judge_certificate(const net::Peer& peer, const HouseTrust* house, const AccessRules& rules) {
  const std::string where = peer.remote.text();
  const net::TlsPeer& tls = *peer.tls;
  if (tls.public_key.empty()) return stranger(where, "no certificate was shown; a node shows its own, see 'ghostlight house show'");
  const NodeId node = NodeId::of_public_key(tls.public_key);
  if (house == nullptr) {
    auto identity = stranger(where, why_stranger_by_tls(node, "", rules.address));
    identity->node = node;
    identity->public_key = tls.public_key;
    return identity;
  }
  auto member = house->verify_member(tls.certificates, rules.wall_clock ? rules.wall_clock() : std::chrono::system_clock::now(), rules.address);
  if (!member) {
    auto identity = stranger(where, member.error().message);
    identity->node = node;
    identity->public_key = tls.public_key;
    return identity;
  }
  member->where = where;
  member->public_key = tls.public_key;
  return std::make_shared<Identity>(std::move(*member));
}

}  // namespace

Judge make_judge(AccessRules rules) {
  return [rules = std::move(rules)](const net::Peer& peer) -> std::shared_ptr<const Identity> {
    if (peer.tls) return judge_certificate(peer, rules.house ? rules.house() : nullptr, rules);
    if (peer.remote.family() == net::Address::Family::unix_path || peer.process) return judge_process(peer);
    return stranger(peer.remote.text(), why_stranger_on_loopback(rules.unix_socket));
  };
}

std::shared_ptr<const Identity> console_identity(const net::Peer& peer) {
  auto identity = owner(peer.remote.text());
  identity->kind = Identity::Kind::console;
  return identity;
}

std::shared_ptr<const Identity> hosted_identity(std::string_view name) {
  auto identity = owner(std::string(name));
  identity->name = name;
  return identity;
}

std::string make_token() {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::uint8_t, 32> bytes;
  do {
    random_bytes(bytes);
  } while (letters[bytes[0] & 63] == '-');
  std::string token;
  for (const std::uint8_t byte : bytes) token += letters[byte & 63];
  return token;
}

}  // namespace ghost::b2
