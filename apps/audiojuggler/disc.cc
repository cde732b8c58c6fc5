#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "audiojuggler/devices_service.h"
#include "audiojuggler/job_messages_service.h"
#include "base/text.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using audiojuggler::v1::DiscTrack;

Json json_of(const audiojuggler::v1::Disc& disc) {
  Json tracks = Json::array();
  for (const DiscTrack& track : disc.tracks) {
    tracks.push_back({{"number", track.number}, {"start", track.start}, {"pregap", track.pregap}, {"sectors", track.sectors}, {"audio", track.audio}, {"pre_emphasis", track.pre_emphasis},
                      {"title", track.title}, {"performer", track.performer}, {"composer", track.composer}, {"isrc", track.isrc}});
  }
  return {{"v", 1}, {"event", "summary"}, {"source", disc.source}, {"title", disc.title}, {"performer", disc.performer}, {"mcn", disc.mcn}, {"sectors", disc.sectors},
          {"hidden_sectors", disc.hidden_sectors}, {"musicbrainz_id", disc.musicbrainz_id}, {"freedb_id", disc.freedb_id}, {"accuraterip_id", disc.accuraterip_id},
          {"tracks", tracks}, {"code", 0}};
}

/// A column of the table of tracks. Those that are not `always` give way to titles where there is little room.
struct Column {
  std::string heading;
  bool always;
  std::string (*cell)(const DiscTrack& track);
};

const std::vector<Column>& all_columns() {
  static const std::vector<Column> columns = {
      {"nr", true, [](const DiscTrack& track) { return std::to_string(track.number); }},
      {"start", false, [](const DiscTrack& track) { return audiojuggler::msf_text(track.start); }},
      {"length", true, [](const DiscTrack& track) { return audiojuggler::msf_text(track.sectors); }},
      {"pregap", false, [](const DiscTrack& track) { return track.pregap > 0 ? audiojuggler::msf_text(track.pregap) : ""; }},
      {"ISRC", false, [](const DiscTrack& track) { return track.isrc; }},
      {"title", true, [](const DiscTrack& track) { return track.audio ? track.title : "(data)"; }},
      {"performer", true, [](const DiscTrack& track) { return track.performer; }},
      {"composer", true, [](const DiscTrack& track) { return track.composer; }}};
  return columns;
}

/// Only columns in which something stands.
void print_tracks(const audiojuggler::v1::Disc& disc) {
  constexpr std::size_t kRoomForAll = 110;
  const bool titles = std::any_of(disc.tracks.begin(), disc.tracks.end(), [](const DiscTrack& track) { return !track.title.empty(); });
  const bool narrow = titles && stdout_width() < kRoomForAll;
  std::vector<const Column*> columns;
  std::vector<std::string> headings;
  for (const Column& column : all_columns()) {
    const bool says = std::any_of(disc.tracks.begin(), disc.tracks.end(), [&](const DiscTrack& track) { return !column.cell(track).empty(); });
    if (!says || (narrow && !column.always)) continue;
    columns.push_back(&column);
    headings.push_back(column.heading);
  }
  Table table(headings);
  for (const DiscTrack& track : disc.tracks) {
    std::vector<std::string> cells;
    for (const Column* column : columns) cells.push_back(column->cell(track));
    table.add(std::move(cells));
  }
  std::cout << table.text(Terminal::of(STDOUT_FILENO));
  if (narrow) std::cout << "\nA wider terminal also shows start, pregap and ISRC; --json has everything.\n";
}

void print(const audiojuggler::v1::Disc& disc) {
  const auto line = [](std::string_view name, const std::string& value) {
    if (!value.empty()) std::cout << fitted(fmt::format("{:<13}{}", name, printable(value))) << "\n";
  };
  line("title", disc.title);
  line("performer", disc.performer);
  line("MCN", disc.mcn);
  line("length", fmt::format("{} (minutes, seconds, sectors of 1/75 s)", audiojuggler::msf_text(disc.sectors)));
  if (disc.hidden_sectors > 0) line("hidden", audiojuggler::msf_text(disc.hidden_sectors) + " before track 1");
  line("MusicBrainz", disc.musicbrainz_id);
  line("freedb", disc.freedb_id);
  line("AccurateRip", disc.accuraterip_id);
  std::cout << "\n";
  print_tracks(disc);
}

int run_disc(const Arguments& arguments) {
  const auto disc = audiojuggler::read_disc(arguments.text("SOURCE"));
  if (!disc) return fail(arguments, disc.error());
  if (arguments.has("json")) print_event(json_of(*disc));
  else print(*disc);
  return code(Exit::done);
}

}  // namespace

Verb disc_verb() {
  Verb verb;
  verb.name = "disc";
  verb.summary = "what a disc or an image says of itself";
  verb.description = "Tracks with their pregaps, CD-TEXT, ISRC and catalogue number, and the ids of MusicBrainz, freedb and AccurateRip.";
  verb.examples = {{"audiojuggler disc album.cue", "an image"}, {"audiojuggler disc /dev/sr0 --json", "the disc in a drive, for a script"}};
  verb.options = {json_option()};
  verb.positionals = {{"SOURCE", "image (.cue, .toc) or device", Positional::Count::one, {}, Complete::files}};
  verb.run = run_disc;
  return verb;
}

}  // namespace ghost::app
