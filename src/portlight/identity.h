#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::portlight {

/// How what a listener speaks stands to what its port is registered for.
enum class IdentityStatus : std::uint8_t {
  confirmed,    ///< it speaks what its owner or the registry says; on a number nobody registered: it is known what it speaks
  contradicts,  ///< it speaks something else
  owner_only,   ///< nothing was heard; its owner says what it is
  silent,       ///< nothing was heard, and the owner says nothing either
  not_probed
};
std::string_view name(IdentityStatus status);

struct Identity {
  IdentityStatus status = IdentityStatus::not_probed;
  std::string protocol, product, version;
  double confidence = 0;  ///< 0 … 1
  std::vector<std::string> evidence;

  /// "redis 7.0.15", "OpenSSH 9.2p1", "http", "".
  std::string text() const;
};

/// How far identify may go.
enum class Level : std::uint8_t { off, passive, owner, safe, all };
std::string_view name(Level level);

/// Whether a service registered under this name speaks that protocol: "https" is tls, "http-alt" is http, "domain" is dns.
bool speaks(std::string_view service, const Identity& identity);

}  // namespace ghost::portlight
