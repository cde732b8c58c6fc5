#pragma once
#include <functional>

#include "ardus/sender_service.h"

namespace ghost::ardus {

/// ardus.v1.Session: hands each call to the session it names.
class SessionDesk : public v1::SessionService {
 public:
  /// @param find  null for a session that is not ours, or has been forgotten
  /// @param all   what is sent here at present
  SessionDesk(std::function<SendingSession*(std::uint32_t session)> find, std::function<std::vector<SendingSession*>()> all) : find_(std::move(find)), all_(std::move(all)) {}

  Result<v1::AnnouncedResponse> announced(const v1::AnnouncedRequest& request, const b2::CallContext& context) override;
  Result<v1::RelayedResponse> relayed(const v1::RelayedRequest& request, const b2::CallContext& context) override;
  Result<v1::JoinResponse> join(const v1::JoinRequest& request, const b2::CallContext& context) override;
  void manifest(v1::ManifestRequest request, b2::ServerStream<v1::ManifestPart> stream) override;
  Result<v1::NeedSetResponse> need_set(const v1::NeedSetRequest& request, const b2::CallContext& context) override;
  void keys(v1::KeysRequest request, b2::ServerStream<v1::KeysUpdate> stream) override;
  Result<v1::HeardResponse> heard(const v1::HeardRequest& request, const b2::CallContext& context) override;
  Result<v1::CensusResponse> census(const v1::CensusRequest& request, const b2::CallContext& context) override;
  void fetch(v1::FetchRequest request, b2::ServerStream<v1::FetchedPart> stream) override;

 private:
  std::function<SendingSession*(std::uint32_t)> find_;
  std::function<std::vector<SendingSession*>()> all_;
};

}  // namespace ghost::ardus
