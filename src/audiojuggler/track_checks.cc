#include "audiojuggler/track_checks.h"

#include <algorithm>

namespace ghost::audiojuggler {

TrackChecks::Place TrackChecks::place_of(const Toc& toc, std::optional<std::size_t> index) {
  Place place;
  if (!index) {
    place.frames = std::uint64_t{toc.hidden_sectors()} * kSectorFrames;
    place.hidden = true;
    return place;
  }
  bool first = true, last = true;
  for (std::size_t i = 0; i < toc.tracks.size(); ++i) {
    if (!toc.tracks[i].audio) continue;
    const std::uint64_t frames = std::uint64_t{toc.sectors_of(i)} * kSectorFrames;
    if (i < *index) {
      first = false;
      place.disc_from += frames;
    }
    if (i > *index) last = false;
    if (i == *index) place.frames = frames;
    place.disc_frames += frames;
  }
  place.accuraterip = static_cast<AccurateRip::Place>((first ? 1 : 0) | (last ? 2 : 0));
  return place;
}

TrackChecks::TrackChecks(const Place& place) : place_(place), accuraterip_(place.frames, place.accuraterip), ctdb_from_(0), ctdb_to_(0), peaks_(place.frames) {
  if (place.hidden) return;
  const CtdbCrc whole(place.disc_frames);
  const std::uint64_t end = place.disc_frames - std::min(place.disc_frames, whole.skipped_at_end());
  const std::uint64_t from = std::max(whole.skipped_at_start(), place.disc_from), to = std::min(end, place.disc_from + place.frames);
  if (from >= to) return;
  ctdb_from_ = (from - place.disc_from) * kFrameBytes;
  ctdb_to_ = (to - place.disc_from) * kFrameBytes;
}

void TrackChecks::update(BytesView samples) {
  crc_.update(samples);
  sha256_.update(samples);
  if (!place_.hidden) accuraterip_.update(samples);
  const std::uint64_t first = std::max(at_, ctdb_from_), last = std::min(at_ + samples.size(), ctdb_to_);
  if (first < last) ctdb_.update(samples.subspan(first - at_, last - first));
  at_ += samples.size();
  peaks_.update(samples);
  silent_ = silent_ && std::all_of(samples.begin(), samples.end(), [](std::uint8_t byte) { return byte == 0; });
}

void TrackChecks::finish(RipTrack& track) {
  track.crc32 = crc_.value();
  track.accuraterip_v1 = place_.hidden ? 0 : accuraterip_.v1();
  track.accuraterip_v2 = place_.hidden ? 0 : accuraterip_.v2();
  track.ctdb_crc = ctdb_.value();
  track.ctdb_bytes = ctdb_to_ - ctdb_from_;
  track.sha256 = to_hex(sha256_.finish());
  track.peaks = peaks_.values();
}

}  // namespace ghost::audiojuggler
