#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "audiojuggler/devices_service.h"
#include "audiojuggler/job_messages_service.h"
#include "base/text.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using audiojuggler::v1::Disc;
using audiojuggler::v1::DiscTrack;

Json json_of(const Disc& disc) {
  Json tracks = Json::array();
  for (const DiscTrack& track : disc.tracks) {
    tracks.push_back({{"number", track.number}, {"start", track.start}, {"pregap", track.pregap}, {"sectors", track.sectors}, {"audio", track.audio}, {"pre_emphasis", track.pre_emphasis},
                      {"title", track.title}, {"performer", track.performer}, {"composer", track.composer}, {"isrc", track.isrc}});
  }
  return {{"v", 1}, {"event", "summary"}, {"source", disc.source}, {"title", disc.title}, {"performer", disc.performer}, {"mcn", disc.mcn}, {"sectors", disc.sectors},
          {"hidden_sectors", disc.hidden_sectors}, {"musicbrainz_id", disc.musicbrainz_id}, {"freedb_id", disc.freedb_id}, {"accuraterip_id", disc.accuraterip_id},
          {"tracks", tracks}, {"code", 0}};
}

void print(const Disc& disc) {
  const auto line = [](std::string_view name, const std::string& value) {
    if (!value.empty()) std::cout << fmt::format("{:<13}{}\n", name, printable(value));
  };
  line("title", disc.title);
  line("performer", disc.performer);
  line("MCN", disc.mcn);
  line("length", audiojuggler::msf_text(disc.sectors));
  if (disc.hidden_sectors > 0) line("hidden", audiojuggler::msf_text(disc.hidden_sectors) + " before track 1");
  line("MusicBrainz", disc.musicbrainz_id);
  line("freedb", disc.freedb_id);
  line("AccurateRip", disc.accuraterip_id);
  std::cout << "\n";
  Table table({"nr", "start", "length", "pregap", "ISRC", "title", "performer"});
  for (const DiscTrack& track : disc.tracks) {
    table.add({std::to_string(track.number), audiojuggler::msf_text(track.start), audiojuggler::msf_text(track.sectors), track.pregap > 0 ? audiojuggler::msf_text(track.pregap) : "", track.isrc,
               track.audio ? track.title : "(data)", track.performer});
  }
  std::cout << table.text(Terminal::of(STDOUT_FILENO));
}

int run(const Arguments& arguments) {
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
  verb.run = run;
  return verb;
}

}  // namespace ghost::app
