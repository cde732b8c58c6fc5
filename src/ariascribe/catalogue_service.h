#pragma once
#include "ariascribe/api.h"
#include "ariascribe/live_knowledge_service.h"

namespace ghost::ariascribe {

/// An identification and a request as they go over b2.
v1::Identification to_message(const Identification& found);
TrackInput from_message(const v1::TrackInput& track);

/// ariascribe.v1.Catalogue. Handlers run on the worker pool; each answers from the knowledge that stands when it begins.
class CatalogueService : public v1::CatalogueService {
 public:
  explicit CatalogueService(LiveKnowledge knowledge) : knowledge_(std::move(knowledge)) {}

  Result<v1::Identification> identify(const v1::IdentifyRequest& request, const b2::CallContext& context) override;
  Result<v1::IdentifyAlbumResponse> identify_album(const v1::IdentifyAlbumRequest& request, const b2::CallContext& context) override;
  Result<v1::Explanation> explain(const v1::ExplainRequest& request, const b2::CallContext& context) override;
  Result<v1::SearchResponse> search(const v1::SearchRequest& request, const b2::CallContext& context) override;
  Result<v1::Work> get(const v1::GetRequest& request, const b2::CallContext& context) override;

 private:
  static v1::WorkSummary summary(const Knowledge& knowledge, const Work& work);

  const LiveKnowledge knowledge_;
};

}  // namespace ghost::ariascribe
