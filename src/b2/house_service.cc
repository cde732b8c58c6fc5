#include "b2/house_service.h"

#include <algorithm>

namespace ghost::b2 {

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
  auto welcome = house_.redeem(redemption, std::chrono::system_clock::now());
  if (!welcome) return welcome.error();
  v1::JoinResponse response;
  response.certificates = std::move(welcome->certificates);
  response.house = welcome->house;
  response.roles = welcome->roles.names();
  return response;
}

}  // namespace ghost::b2
