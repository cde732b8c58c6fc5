#include "identification_json.h"

#include "base/text.h"

namespace ghost::app {

using nlohmann::json;
using nlohmann::ordered_json;

static ordered_json text_or_null(const std::string& text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

ordered_json to_json(const ariascribe::Identification& found) {
  ordered_json performers = ordered_json::array();
  for (const ariascribe::Performer& each : found.performers) {
    performers.push_back({{"name", each.name}, {"role", text_or_null(each.role)}, {"instrument", text_or_null(each.instrument)}});
  }
  ordered_json confidence = ordered_json::object(), reasons = ordered_json::object();
  for (const ariascribe::FieldReason& each : found.reasons) {
    confidence[each.field] = std::round(each.confidence * 1000) / 1000;
    reasons[each.field] = each.reason;
  }
  return {{"composer", text_or_null(found.composer)},
          {"arranger", text_or_null(found.arranger)},
          {"work", text_or_null(found.work)},
          {"catalogue", found.catalogue},
          {"key", text_or_null(found.key)},
          {"movement_no", found.movement_no == 0 ? ordered_json(nullptr) : ordered_json(found.movement_no)},
          {"movement", text_or_null(found.movement)},
          {"movement_count", found.movement_count == 0 ? ordered_json(nullptr) : ordered_json(found.movement_count)},
          {"performers", performers},
          {"confidence", confidence},
          {"reasons", reasons},
          {"band", name(found.band)},
          {"work_id", text_or_null(found.work_id)}};
}

static std::string text_member(const json& row, const char* name) {
  const auto found = row.is_object() ? row.find(name) : row.end();
  return row.is_object() && found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

ariascribe::TrackInput track_input(const json& row) {
  ariascribe::TrackInput input;
  input.title = text_member(row, "title");
  input.album = text_member(row, "album");
  input.artist = text_member(row, "artist");
  input.composer = text_member(row, "composer");
  input.performer = text_member(row, "performer");
  input.conductor = text_member(row, "conductor");
  input.ensemble = text_member(row, "ensemble");
  input.songwriter = text_member(row, "songwriter");
  if (row.is_object() && row.contains("track") && row["track"].is_number_unsigned()) input.track_number = static_cast<int>(std::min<unsigned>(row["track"].get<unsigned>(), 9999));
  return input;
}

ariascribe::AlbumInput album_input(const json& row) {
  ariascribe::AlbumInput album;
  album.album = text_member(row, "album");
  album.artist = text_member(row, "artist");
  const std::string composer = text_member(row, "composer");
  if (!row.is_object() || !row.contains("tracks") || !row["tracks"].is_array()) return album;
  for (const json& track : row["tracks"]) {
    album.tracks.push_back(track_input(track));
    if (album.tracks.back().composer.empty()) album.tracks.back().composer = composer;
  }
  return album;
}

}  // namespace ghost::app
