#include "b2/house_service.h"

#include <algorithm>

namespace ghost::b2 {

namespace {

v1::JoinResponse told_welcome(Welcome welcome) {
  v1::JoinResponse response;
  response.certificates = std::move(welcome.certificates);
  response.house = std::move(welcome.house);
  response.roles = welcome.roles.names();
  return response;
}

}  // namespace

Result<v1::JoinResponse> HouseService::join(const v1::JoinRequest& request, const CallContext& context) {
  const Bytes& key = context.caller->public_key;
  Redemption redemption;
  if (key.size() != redemption.public_key.size() || !context.export_key) {
    return Error{Errc::unauthenticated, "a house is joined over TLS, by a node that shows its own certificate: use 'ghostlight house join'"};
  }
  auto exporter = context.export_key(OneTimeCode::kExporterLabel, OneTimeCode::kExporterSize);
  if (!exporter) return exporter.error();
  redemption.invitation = request.invitation;
  redemption.proof = request.proof;
  redemption.exporter = std::move(*exporter);
  std::copy(key.begin(), key.end(), redemption.public_key.begin());
  redemption.node_name = request.node_name;
  auto welcome = house_.redeem(redemption, wall_clock_());
  if (!welcome) return welcome.error();
  return told_welcome(std::move(*welcome));
}

Result<v1::JoinResponse> HouseService::renew(const v1::RenewRequest& request, const CallContext& context) {
  const Identity& caller = *context.caller;
  PublicKey key;
  if (caller.kind != Identity::Kind::member || caller.public_key.size() != key.size()) {
    return Error{Errc::unauthenticated, "a certificate is renewed over TLS, by the member it is for: use 'ghostlight house renew'"};
  }
  std::copy(caller.public_key.begin(), caller.public_key.end(), key.begin());
  auto welcome = house_.renew(key, request.node_name.empty() ? caller.name : request.node_name, caller.roles, wall_clock_());
  if (!welcome) return welcome.error();
  return told_welcome(std::move(*welcome));
}

}  // namespace ghost::b2
