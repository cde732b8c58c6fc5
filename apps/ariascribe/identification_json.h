#pragma once
#include <nlohmann/json.hpp>

#include "ariascribe/knowledge_service.h"

namespace ghost::app {

/// {"composer", "arranger", "work", "catalogue", …}: absent fields are null.
nlohmann::ordered_json to_json(const ariascribe::Identification& found);
/// {"title", "album", "artist", "composer", …}; members of another type count as absent.
ariascribe::TrackInput track_input(const nlohmann::json& row);
/// {"album", "artist", "composer", "tracks": [{"track", "title", …}]}.
ariascribe::AlbumInput album_input(const nlohmann::json& row);

}  // namespace ghost::app
