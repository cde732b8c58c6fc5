#pragma once
#include "ariascribe/api.h"
#include "ariascribe/knowledge_service.h"

namespace ghost::ariascribe {

/// An identification and a request as they go over b2.
v1::Identification to_message(const Identification& found);
TrackInput from_message(const v1::TrackInput& track);

/// ariascribe.v1.Catalogue. Handlers run on the worker pool; the knowledge they share does not change.
class CatalogueService : public v1::CatalogueService {
 public:
  /// @param knowledge  outlives this
  explicit CatalogueService(const Knowledge& knowledge) : knowledge_(knowledge) {}

  Result<v1::Identification> identify(const v1::IdentifyRequest& request, const b2::CallContext& context) override;
  Result<v1::IdentifyAlbumResponse> identify_album(const v1::IdentifyAlbumRequest& request, const b2::CallContext& context) override;
  Result<v1::SearchResponse> search(const v1::SearchRequest& request, const b2::CallContext& context) override;
  Result<v1::Work> get(const v1::GetRequest& request, const b2::CallContext& context) override;

 private:
  v1::WorkSummary summary(const Work& work) const;

  const Knowledge& knowledge_;
};

}  // namespace ghost::ariascribe
