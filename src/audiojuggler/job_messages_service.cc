#include "audiojuggler/job_messages_service.h"

#include "audiojuggler/disc_id.h"

namespace ghost::audiojuggler {

v1::Disc disc_message(const Disc& disc, const std::string& source) {
  v1::Disc out;
  out.source = source;
  out.title = disc.text.title;
  out.performer = disc.text.performer;
  out.mcn = disc.mcn;
  out.sectors = static_cast<std::uint32_t>(disc.toc.lead_out.value);
  out.hidden_sectors = disc.toc.hidden_sectors();
  out.musicbrainz_id = musicbrainz_id(disc.toc);
  out.freedb_id = freedb_id(disc.toc);
  out.accuraterip_id = accuraterip_id(disc.toc);
  for (std::size_t i = 0; i < disc.toc.tracks.size(); ++i) {
    const Track& track = disc.toc.tracks[i];
    v1::DiscTrack one;
    one.number = track.number;
    one.start = static_cast<std::uint32_t>(track.start.value);
    one.pregap = track.pregap;
    one.sectors = disc.toc.sectors_of(i);
    one.audio = track.audio;
    one.pre_emphasis = track.pre_emphasis;
    one.title = disc.tracks[i].text.title;
    one.performer = disc.tracks[i].text.performer;
    one.composer = disc.tracks[i].text.composer;
    one.isrc = disc.tracks[i].isrc;
    out.tracks.push_back(std::move(one));
  }
  return out;
}

v1::Job job_message(const Job& job) {
  v1::Job out;
  out.id = job.id;
  out.kind = name(job.kind);
  out.state = static_cast<v1::JobState>(static_cast<int>(job.state) + 1);  // 0 is unknown
  out.number = job.number;
  out.source = job.source;
  out.into = job.into;
  if (job.disc) out.disc = disc_message(*job.disc, job.source);
  out.done = job.done;
  out.total = job.total;
  out.seconds = job.seconds();
  for (const JobTrack& track : job.tracks) {
    v1::TrackResult one;
    one.number = track.number;
    one.file = track.file;
    one.sectors = track.sectors;
    one.sectors_done = track.sectors_done;
    one.crc32 = track.crc32;
    one.accuraterip_v1 = track.accuraterip_v1;
    one.accuraterip_v2 = track.accuraterip_v2;
    one.doubts = track.doubts;
    one.verified = track.verified;
    one.peaks = track.peaks;
    one.sha256 = track.sha256;
    one.title = track.title;
    one.seconds = track.seconds;
    out.tracks.push_back(std::move(one));
  }
  out.ctdb_crc = job.ctdb_crc;
  out.error = job.error;
  out.sectors_read = job.sectors_read;
  return out;
}

}  // namespace ghost::audiojuggler
