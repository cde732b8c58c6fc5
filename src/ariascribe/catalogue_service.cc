#include "ariascribe/catalogue_service.h"

#include <algorithm>

#include "ariascribe/explanation.h"

namespace ghost::ariascribe {

namespace {

/// More tracks than any disc or box has: what is asked of one call stays small.
constexpr std::size_t kMostTracks = 400;
constexpr std::uint32_t kUsualLimit = 20, kMostWorks = 200;

v1::Band band_of(Band band) {
  switch (band) {
    case Band::apply: return v1::Band::apply;
    case Band::review: return v1::Band::review;
    case Band::leave: break;
  }
  return v1::Band::leave;
}

}  // namespace

TrackInput from_message(const v1::TrackInput& track) {
  TrackInput input;
  input.title = track.title;
  input.album = track.album;
  input.artist = track.artist;
  input.composer = track.composer;
  input.performer = track.performer;
  input.conductor = track.conductor;
  input.ensemble = track.ensemble;
  input.track_number = static_cast<int>(std::min<std::uint32_t>(track.track_number, 9999));
  return input;
}

v1::Identification to_message(const Identification& found) {
  v1::Identification out;
  out.composer = found.composer;
  out.arranger = found.arranger;
  out.work = found.work;
  out.catalogue = found.catalogue;
  out.key = found.key;
  out.movement_no = static_cast<std::uint32_t>(found.movement_no);
  out.movement = found.movement;
  out.movement_count = static_cast<std::uint32_t>(found.movement_count);
  for (const Performer& each : found.performers) {
    v1::Performer performer;
    performer.name = each.name;
    performer.role = each.role;
    performer.instrument = each.instrument;
    out.performers.push_back(std::move(performer));
  }
  out.band = band_of(found.band);
  for (const FieldReason& each : found.reasons) {
    v1::FieldReason reason;
    reason.field = each.field;
    reason.confidence = each.confidence;
    reason.reason = each.reason;
    out.reasons.push_back(std::move(reason));
  }
  out.work_id = found.work_id;
  return out;
}

Result<v1::Identification> CatalogueService::identify(const v1::IdentifyRequest& request, const b2::CallContext&) {
  const auto knowledge = knowledge_.now();
  if (!request.track || (request.track->title.empty() && request.track->album.empty())) return Error{Errc::malformed, "a track to be identified has a title or an album"};
  return to_message(knowledge->matcher.identify(from_message(*request.track)));
}

Result<v1::IdentifyAlbumResponse> CatalogueService::identify_album(const v1::IdentifyAlbumRequest& request, const b2::CallContext&) {
  const auto knowledge = knowledge_.now();
  if (request.tracks.size() > kMostTracks) return Error{Errc::exhausted, "an album has at most " + std::to_string(kMostTracks) + " tracks here, not " + std::to_string(request.tracks.size())};
  AlbumInput album{request.album, request.artist, {}};
  for (const v1::TrackInput& track : request.tracks) album.tracks.push_back(from_message(track));
  v1::IdentifyAlbumResponse response;
  for (const Identification& each : ariascribe::identify_album(knowledge->matcher, album)) response.tracks.push_back(to_message(each));
  return response;
}

v1::WorkSummary CatalogueService::summary(const Knowledge& knowledge, const Work& work) {
  v1::WorkSummary out;
  out.id = work.id;
  out.composer = knowledge.repertoire.composer_of(work).name;
  out.title = work.title;
  for (const CatalogueNumber& number : work.catalogue) out.catalogue.push_back(number.text());
  out.key = work.key;
  out.year = static_cast<std::uint32_t>(std::max(0, work.year));
  out.movements = static_cast<std::uint32_t>(work.movement_count());
  return out;
}

Result<v1::Explanation> CatalogueService::explain(const v1::ExplainRequest& request, const b2::CallContext&) {
  if (request.tracks.empty() || request.track >= request.tracks.size()) return Error{Errc::malformed, "there is no track " + std::to_string(request.track) + " among the " + std::to_string(request.tracks.size()) + " given; the first is 0"};
  if (request.tracks.size() > kMostTracks) return Error{Errc::exhausted, "an album has at most " + std::to_string(kMostTracks) + " tracks here, not " + std::to_string(request.tracks.size())};
  AlbumInput album{request.album, request.artist, {}};
  for (const v1::TrackInput& track : request.tracks) album.tracks.push_back(from_message(track));
  const TrackInput& asked = album.tracks[request.track];
  if (asked.title.empty() && asked.album.empty() && album.album.empty()) return Error{Errc::malformed, "a track to be explained has a title or an album"};
  const auto knowledge = knowledge_.now();
  const Explanation why = ariascribe::explain(knowledge->matcher, album, request.track);
  v1::Explanation out;
  out.found = to_message(why.found);
  out.none = why.none;
  for (const Considered& each : why.considered) {
    v1::ConsideredWork work;
    work.work = summary(*knowledge, knowledge->matcher.work(each.work));
    work.probability = each.probability;
    work.chosen = each.chosen;
    work.fits = each.fits;
    work.lost_by = each.lost_by;
    out.considered.push_back(std::move(work));
  }
  for (const AlbumStep& each : why.changed) {
    v1::AlbumChange change;
    change.field = each.field;
    change.alone = each.alone;
    change.together = each.together;
    change.reason = each.reason;
    out.changed.push_back(std::move(change));
  }
  return out;
}

Result<v1::SearchResponse> CatalogueService::search(const v1::SearchRequest& request, const b2::CallContext&) {
  const auto knowledge = knowledge_.now();
  if (request.text.empty()) return Error{Errc::malformed, "what is to be searched for is empty"};
  const std::uint32_t limit = request.limit == 0 ? kUsualLimit : std::min(request.limit, kMostWorks);
  v1::SearchResponse response;
  for (const Candidate& each : knowledge->search.find(request.text, limit)) response.works.push_back(summary(*knowledge, knowledge->matcher.work(each.work)));
  return response;
}

Result<v1::Work> CatalogueService::get(const v1::GetRequest& request, const b2::CallContext&) {
  const auto knowledge = knowledge_.now();
  const auto found = knowledge->matcher.find(request.id);
  const Work* work = found ? &knowledge->matcher.work(*found) : nullptr;
  if (!work) return Error{Errc::not_found, "no work has the id '" + request.id + "'; Search gives ids"};
  v1::Work out;
  out.summary = summary(*knowledge, *work);
  out.also = work->also;
  for (const Movement& each : work->movements) {
    if (each.number == 0) continue;  // a client numbers what it shows
    v1::Movement movement;
    movement.number = static_cast<std::uint32_t>(each.number);
    movement.title = each.title;
    movement.key = each.key;
    out.movements.push_back(std::move(movement));
  }
  out.medium = work->medium;
  out.period = knowledge->repertoire.composer_of(*work).period;
  return out;
}

}  // namespace ghost::ariascribe
