#include "audiojuggler/rip.h"

#include <zlib.h>

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "audiojuggler/cue_sheet.h"
#include "audiojuggler/disc_id.h"
#include "base/text.h"
#include "base/units.h"

namespace ghost::audiojuggler {

namespace {

using Json = nlohmann::ordered_json;

std::string hex32(std::uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

std::uint32_t from_hex32(const std::string& text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

Json json_of(const Text& text) {
  Json out = Json::object();
  if (!text.title.empty()) out["title"] = text.title;
  if (!text.performer.empty()) out["performer"] = text.performer;
  if (!text.songwriter.empty()) out["songwriter"] = text.songwriter;
  if (!text.composer.empty()) out["composer"] = text.composer;
  if (!text.arranger.empty()) out["arranger"] = text.arranger;
  if (!text.message.empty()) out["message"] = text.message;
  return out;
}

Text text_of(const Json& json) {
  return {json.value("title", ""), json.value("performer", ""), json.value("songwriter", ""), json.value("composer", ""), json.value("arranger", ""), json.value("message", "")};
}

Json json_of(const RipTrack& track) {
  Json doubts = Json::array();
  for (const Doubt& doubt : track.doubts) doubts.push_back({{"sector", doubt.sector.value}, {"frames", doubt.frames}, {"why", doubt.why}});
  return {{"number", track.number}, {"title", track.title}, {"file", track.file}, {"start", track.start}, {"sectors", track.sectors},
          {"crc32", hex32(track.crc32)}, {"accuraterip_v1", hex32(track.accuraterip_v1)}, {"accuraterip_v2", hex32(track.accuraterip_v2)},
          {"ctdb_crc", hex32(track.ctdb_crc)}, {"ctdb_bytes", track.ctdb_bytes}, {"sha256", track.sha256}, {"verified", track.verified},
          {"peaks", to_hex(track.peaks)}, {"doubts", doubts}};
}

RipTrack track_of(const Json& json) {
  RipTrack track;
  track.number = json.at("number").get<unsigned>();
  track.title = json.value("title", "");
  track.file = json.at("file").get<std::string>();
  track.start = json.value("start", 0u);
  track.sectors = json.at("sectors").get<std::uint32_t>();
  track.crc32 = from_hex32(json.at("crc32").get<std::string>());
  track.accuraterip_v1 = from_hex32(json.value("accuraterip_v1", "0"));
  track.accuraterip_v2 = from_hex32(json.value("accuraterip_v2", "0"));
  track.ctdb_crc = from_hex32(json.value("ctdb_crc", "0"));
  track.ctdb_bytes = json.value("ctdb_bytes", std::uint64_t{0});
  track.sha256 = json.at("sha256").get<std::string>();
  track.verified = json.value("verified", false);
  if (auto peaks = from_hex(json.value("peaks", ""))) track.peaks = std::move(*peaks);
  for (const Json& doubt : json.value("doubts", Json::array())) {
    track.doubts.push_back({Lba(doubt.at("sector").get<std::int32_t>()), doubt.at("frames").get<std::vector<std::uint16_t>>(), doubt.value("why", "")});
  }
  return track;
}

Json json_of(const Disc& disc) {
  Json tracks = Json::array();
  for (std::size_t i = 0; i < disc.toc.tracks.size(); ++i) {
    const Track& track = disc.toc.tracks[i];
    Json one = {{"number", track.number}, {"start", track.start.value}, {"pregap", track.pregap}, {"sectors", disc.toc.sectors_of(i)}, {"audio", track.audio},
                {"pre_emphasis", track.pre_emphasis}, {"copy_permitted", track.copy_permitted}, {"session", track.session}};
    Json indexes = Json::array();
    for (const Lba index : track.indexes) indexes.push_back(index.value);
    one["indexes"] = indexes;
    if (!disc.tracks[i].isrc.empty()) one["isrc"] = disc.tracks[i].isrc;
    one.update(json_of(disc.tracks[i].text));
    tracks.push_back(one);
  }
  Json out = json_of(disc.text);
  out.update(Json{{"mcn", disc.mcn}, {"lead_out", disc.toc.lead_out.value}, {"hidden_sectors", disc.toc.hidden_sectors()}, {"musicbrainz_id", musicbrainz_id(disc.toc)},
                  {"freedb_id", freedb_id(disc.toc)}, {"accuraterip_id", accuraterip_id(disc.toc)}, {"tracks", tracks}});
  return out;
}

Disc disc_of(const Json& json) {
  Disc disc;
  disc.text = text_of(json);
  disc.mcn = json.value("mcn", "");
  disc.toc.lead_out = Lba(json.at("lead_out").get<std::int32_t>());
  for (const Json& one : json.at("tracks")) {
    Track track;
    track.number = one.at("number").get<std::uint8_t>();
    track.start = Lba(one.at("start").get<std::int32_t>());
    track.pregap = one.value("pregap", 0u);
    track.audio = one.value("audio", true);
    track.pre_emphasis = one.value("pre_emphasis", false);
    track.copy_permitted = one.value("copy_permitted", false);
    track.session = one.value("session", std::uint8_t{1});
    for (const Json& index : one.value("indexes", Json::array())) track.indexes.push_back(Lba(index.get<std::int32_t>()));
    disc.toc.tracks.push_back(track);
    disc.tracks.push_back({text_of(one), one.value("isrc", "")});
  }
  return disc;
}

/// What throws out of the JSON library becomes an error: the text is a stranger's.
template <class F>
auto guarded(std::string_view what, F&& read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const Json::exception& error) {
    return Error{Errc::malformed, std::string(what) + ": " + error.what()};
  }
}

std::string padded(std::string text, std::size_t width) {
  while (display_width(text) < width) text += ' ';
  return text;
}

}  // namespace

std::size_t Rip::doubts() const {
  std::size_t sum = 0;
  for (const RipTrack& track : tracks) sum += track.doubts.size();
  return sum;
}

std::string track_json(const RipTrack& track) { return json_of(track).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Result<RipTrack> parse_track_json(std::string_view text) {
  return guarded("the record of a track", [&] { return track_of(Json::parse(text)); });
}

std::string rip_json(const Rip& rip) {
  Json tracks = Json::array();
  for (const RipTrack& track : rip.tracks) tracks.push_back(json_of(track));
  const Json out = {{"v", 1}, {"program", rip.program}, {"source", rip.source}, {"drive", rip.drive}, {"exact", rip.exact}, {"offset", rip.offset}, {"format", rip.format},
                    {"ended", format_time(rip.ended)}, {"sectors_read", rip.sectors_read}, {"doubts", rip.doubts()}, {"ctdb_crc", hex32(rip.ctdb_crc)},
                    {"disc", json_of(rip.disc)}, {"skipped", rip.skipped}, {"tracks", tracks}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Rip> parse_rip_json(std::string_view text) {
  return guarded("rip.json", [&] {
    const Json json = Json::parse(text);
    Rip rip;
    rip.program = json.value("program", "");
    rip.source = json.value("source", "");
    rip.drive = json.value("drive", "");
    rip.exact = json.value("exact", false);
    rip.offset = json.value("offset", 0);
    rip.format = json.value("format", "");
    rip.sectors_read = json.value("sectors_read", std::uint64_t{0});
    rip.ctdb_crc = from_hex32(json.value("ctdb_crc", "0"));
    rip.disc = disc_of(json.at("disc"));
    rip.skipped = json.value("skipped", std::vector<unsigned>());
    for (const Json& track : json.at("tracks")) rip.tracks.push_back(track_of(track));
    return rip;
  });
}

std::string rip_log(const Rip& rip) {
  std::string out = rip.program + ", grab of " + rip.source + ", ended " + format_time(rip.ended) + "\n\n";
  out += "drive        " + rip.drive + (rip.exact ? " (an image: each read is exact)" : "") + "\n";
  out += "read offset  " + std::to_string(rip.offset) + " samples\n";
  out += "format       " + rip.format + "\n";
  if (!rip.disc.text.title.empty()) out += "title        " + rip.disc.text.title + "\n";
  if (!rip.disc.text.performer.empty()) out += "performer    " + rip.disc.text.performer + "\n";
  if (!rip.disc.mcn.empty()) out += "MCN          " + rip.disc.mcn + "\n";
  out += "MusicBrainz  " + musicbrainz_id(rip.disc.toc) + "\nfreedb       " + freedb_id(rip.disc.toc) + "\nAccurateRip  " + accuraterip_id(rip.disc.toc) + "\n";
  out += "CTDB CRC     " + hex32(rip.ctdb_crc) + "\n";
  out += "sectors read " + std::to_string(rip.sectors_read) + " of a disc of " + std::to_string(rip.disc.toc.lead_out.value) + "\n\n";
  out += "nr  start     length    CRC-32    AR v1     AR v2     doubts  file\n";
  for (const RipTrack& track : rip.tracks) {
    out += two_digits(track.number) + "  " + padded(msf_text(track.start), 10) + padded(msf_text(track.sectors), 10) + hex32(track.crc32) + "  " +
           hex32(track.accuraterip_v1) + "  " + hex32(track.accuraterip_v2) + "  " + padded(std::to_string(track.doubts.size()), 8) +
           (track.file.empty() ? "(silence, not kept)" : track.file) + (track.verified || track.file.empty() ? "" : "  NOT VERIFIED") + "\n";
    out += "    SHA-256 of the samples " + track.sha256 + "\n";
  }
  for (const unsigned number : rip.skipped) out += "track " + std::to_string(number) + " is data and was left out\n";
  out += "\n";
  for (const RipTrack& track : rip.tracks) {
    for (const Doubt& doubt : track.doubts) {
      out += "DOUBT  track " + std::to_string(track.number) + " sector " + std::to_string(doubt.sector.value) + ": " + doubt.why + "\n";
    }
  }
  out += rip.doubts() == 0 ? "No sector is in doubt.\n" : std::to_string(rip.doubts()) + " sectors are in doubt; they hold the best guess.\n";
  return out + "SHA-256 of the lines above: " + to_hex(sha256(as_bytes(out))) + "\n";
}

bool log_is_whole(std::string_view log) {
  constexpr std::string_view mark = "SHA-256 of the lines above: ";
  const std::size_t at = log.rfind(mark);
  return at != log.npos && log.substr(at + mark.size()) == to_hex(sha256(as_bytes(log.substr(0, at)))) + "\n";
}

namespace {

CueTrack cue_track(const Disc& disc, std::size_t index) {
  const Track& track = disc.toc.tracks[index];
  CueTrack out;
  out.number = track.number;
  out.copy_permitted = track.copy_permitted;
  out.pre_emphasis = track.pre_emphasis;
  out.four_channels = track.four_channels;
  out.isrc = disc.tracks[index].isrc;
  out.text = disc.tracks[index].text;
  return out;
}

}  // namespace

std::string rip_cue(const Rip& rip) {
  const Disc& disc = rip.disc;
  CueSheet sheet;
  sheet.catalog = disc.mcn;
  sheet.text = disc.text;
  sheet.remarks = {"DISCID " + freedb_id(disc.toc), "COMMENT \"" + rip.program + "\""};
  const RipTrack* before = nullptr;
  for (const RipTrack& grabbed : rip.tracks) {
    if (grabbed.number == 0) {
      if (grabbed.file.empty()) continue;
      sheet.files.push_back({grabbed.file, CueFormat::wave, 0});
      before = &grabbed;
      continue;
    }
    std::size_t index = 0;
    while (index < disc.toc.tracks.size() && disc.toc.tracks[index].number != grabbed.number) ++index;
    if (index == disc.toc.tracks.size()) continue;
    const Track& track = disc.toc.tracks[index];
    CueTrack out = cue_track(disc, index);
    const bool in_file_before = before != nullptr && before->start + before->sectors == grabbed.start && track.pregap > 0 && track.pregap <= before->sectors;
    if (in_file_before) out.indexes.push_back({0, sheet.files.size() - 1, before->sectors - track.pregap, 0});
    else out.pregap = track.pregap;
    sheet.files.push_back({grabbed.file, CueFormat::wave, 0});
    out.indexes.push_back({1, sheet.files.size() - 1, 0, 0});
    for (const Lba at : track.indexes) {
      out.indexes.push_back({static_cast<std::uint8_t>(out.indexes.back().number + 1), sheet.files.size() - 1, static_cast<std::uint32_t>(at.value - track.start.value), 0});
    }
    sheet.tracks.push_back(std::move(out));
    before = &grabbed;
  }
  return write_cue(sheet);
}

std::uint32_t combined_ctdb_crc(const std::vector<RipTrack>& tracks) {
  std::uint32_t crc = 0;
  for (const RipTrack& track : tracks) {
    if (track.number == 0 || track.ctdb_bytes == 0) continue;
    crc = static_cast<std::uint32_t>(::crc32_combine(crc, track.ctdb_crc, static_cast<z_off_t>(track.ctdb_bytes)));
  }
  return crc;
}

}  // namespace ghost::audiojuggler
