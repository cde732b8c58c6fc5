#include "portlight/identity.h"

#include <array>

#include "portlight/recognise.h"

namespace ghost::portlight {

std::string_view name(IdentityStatus status) {
  constexpr std::array<std::string_view, 5> kNames = {"confirmed", "contradicts", "owner_only", "silent", "not_probed"};
  return kNames[static_cast<std::size_t>(status)];
}

std::string_view name(Level level) {
  constexpr std::array<std::string_view, 5> kNames = {"off", "passive", "owner", "safe", "all"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string Identity::text() const {
  if (product.empty()) return protocol;
  std::string text = product + (version.empty() ? "" : " " + version);
  if (!protocol.empty() && protocol != product) text += " (" + protocol + ")";
  return text;
}

bool speaks(std::string_view service, const Identity& identity) {
  if (service.starts_with("ardus")) return identity.product == "ardus";
  if (service == "ariascribe" || service == "audiojuggler") return identity.product == service;
  if (service == "b2-runtime") return identity.protocol == "b2";
  const std::string_view expected = protocol_of_service(service);
  if (expected.empty()) return !identity.protocol.empty() && (service == identity.protocol || service == identity.product);
  if (identity.protocol == expected) return true;
  // TLS whose inside we could not see is not held against a service that runs in it.
  return identity.protocol == "tls" && expected.size() > 1 && expected.back() == 's' && service != expected.substr(0, expected.size() - 1);
}

}  // namespace ghost::portlight
