#pragma once
#include "ariascribe/id3_frames.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

/// What the frames say, under our names (docs/spec/ariascribe.md §7.1): MVIN "2/3" is MOVEMENT 2 and MOVEMENTTOTAL 3, TXXX has the name
/// of its description, the pairs of TMCL and IPLS are PERFORMER "Name (instrument)". Frames of other kinds are not shown.
std::vector<Tag> id3_tags(const Id3Tag& tag);

/// Puts the values of `wanted` in for each of these names; every frame that holds no other name stays as it is.
/// @param tag  read with Id3Load::all
void set_id3_tags(Id3Tag& tag, const std::vector<std::string>& names, const std::vector<Tag>& wanted);

/// The tags of an ID3v1 tag, the last 128 bytes of a file; none when these are no such tag.
std::vector<Tag> id3v1_tags(BytesView last);

}  // namespace ghost::ariascribe
