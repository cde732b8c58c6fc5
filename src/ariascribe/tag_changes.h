#pragma once
#include <string>
#include <vector>

#include "ariascribe/identification.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// One tag of a file that would be written.
struct TagChange {
  std::string tag;  ///< "COMPOSER"
  std::vector<std::string> before, after;
  double confidence = 0;
  std::string reason;
};

/// What the tags of a file say of its track.
TrackInput track_of_tags(const std::vector<Tag>& tags);

/// What an identification changes in a file's tags (docs/spec/ariascribe.md §7). TITLE becomes work and movement, and what it was is
/// kept in ORIGINALTITLE; nothing else that is there is lost: PERFORMER is added to.
std::vector<TagChange> tag_changes(const std::vector<Tag>& tags, const Identification& found);

/// The tags after the changes.
std::vector<Tag> with_changes(std::vector<Tag> tags, const std::vector<TagChange>& changes);

}  // namespace ghost::ariascribe
