#include "ardus/session_service.h"

namespace ghost::ardus {

namespace {

Error unknown(std::uint32_t session) { return {Errc::not_found, "there is no session " + std::to_string(session) + " here: it has ended, or its sender was started anew"}; }

}  // namespace

Result<v1::AnnouncedResponse> SessionDesk::announced(const v1::AnnouncedRequest&, const b2::CallContext&) {
  v1::AnnouncedResponse response;
  for (SendingSession* const session : all_()) {
    if (auto told = session->announced()) response.announcements.push_back(std::move(*told));
  }
  return response;
}

Result<v1::RelayedResponse> SessionDesk::relayed(const v1::RelayedRequest& request, const b2::CallContext& context) {
  SendingSession* const session = find_(request.session);
  return session != nullptr ? session->relayed(request, *context.caller) : Result<v1::RelayedResponse>(unknown(request.session));
}

Result<v1::JoinResponse> SessionDesk::join(const v1::JoinRequest& request, const b2::CallContext& context) {
  SendingSession* const session = find_(request.session);
  return session != nullptr ? session->join(request, *context.caller) : Result<v1::JoinResponse>(unknown(request.session));
}

void SessionDesk::manifest(v1::ManifestRequest request, b2::ServerStream<v1::ManifestPart> stream) {
  SendingSession* const session = find_(request.session);
  session != nullptr ? session->manifest(request, std::move(stream)) : stream.fail(unknown(request.session));
}

Result<v1::NeedSetResponse> SessionDesk::need_set(const v1::NeedSetRequest& request, const b2::CallContext& context) {
  SendingSession* const session = find_(request.session);
  return session != nullptr ? session->need_set(request, *context.caller) : Result<v1::NeedSetResponse>(unknown(request.session));
}

void SessionDesk::keys(v1::KeysRequest request, b2::ServerStream<v1::KeysUpdate> stream) {
  SendingSession* const session = find_(request.session);
  session != nullptr ? session->keys(std::move(stream)) : stream.fail(unknown(request.session));
}

Result<v1::HeardResponse> SessionDesk::heard(const v1::HeardRequest& request, const b2::CallContext& context) {
  SendingSession* const session = find_(request.session);
  return session != nullptr ? session->heard(request, *context.caller) : Result<v1::HeardResponse>(unknown(request.session));
}

Result<v1::CensusResponse> SessionDesk::census(const v1::CensusRequest& request, const b2::CallContext& context) {
  SendingSession* const session = find_(request.session);
  return session != nullptr ? session->census(request, *context.caller) : Result<v1::CensusResponse>(unknown(request.session));
}

void SessionDesk::fetch(v1::FetchRequest request, b2::ServerStream<v1::FetchedPart> stream) {
  SendingSession* const session = find_(request.session);
  session != nullptr ? session->fetch(request, std::move(stream)) : stream.fail(unknown(request.session));
}

}  // namespace ghost::ardus
