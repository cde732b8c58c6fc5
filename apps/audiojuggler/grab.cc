#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "app/places.h"
#include "app/version.h"
#include "audiojuggler/drives/sg_service.h"
#include "audiojuggler/grab_service.h"
#include "audiojuggler/track_file_service.h"
#include "base/file.h"
#include "base/text.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using namespace audiojuggler;

constexpr std::size_t kMaxTitles = 1024 * 1024;

/// Shows a grab as it goes: progress on stderr, a line a track on stdout.
class Show : public GrabObserver {
 public:
  explicit Show(const Arguments& arguments) : json_(arguments.has("json")), quiet_(arguments.has("quiet")), progress_(arguments, "grab", Progress::Unit::sound) {}

  void on_disc(const Disc& disc, const std::vector<PlannedTrack>& tracks) override {
    done_.assign(tracks.size(), 0);
    std::uint64_t total = 0;
    for (const PlannedTrack& track : tracks) total += track.sectors;
    if (json_) print_event({{"v", 1}, {"event", "disc"}, {"title", disc.text.title}, {"tracks", tracks.size()}, {"sectors", total}});
    progress_.total(total);
  }
  void on_progress(std::size_t index, std::uint32_t sectors_done, std::uint64_t) override {
    done_[index] = sectors_done;
    std::uint64_t sum = 0;
    for (const std::uint32_t done : done_) sum += done;
    progress_.update(sum);
  }
  void on_track(std::size_t, const RipTrack& track) override {
    if (json_) {
      print_event({{"v", 1}, {"event", "track"}, {"number", track.number}, {"title", track.title}, {"file", track.file}, {"sectors", track.sectors}, {"crc32", hex32(track.crc32)},
                   {"accuraterip_v1", hex32(track.accuraterip_v1)}, {"accuraterip_v2", hex32(track.accuraterip_v2)}, {"sha256", track.sha256}, {"doubts", track.doubts.size()},
                   {"verified", track.verified}});
      return;
    }
    if (quiet_) return;
    progress_.clear();
    const std::string name = track.file.empty() ? "(silence before track 1, not kept)" : printable(track.file);
    const std::string state = track.file.empty() ? "" : track.doubts.empty() ? "  verified" : fmt::format("  verified, {} sectors in doubt", track.doubts.size());
    std::cout << fmt::format("{:02}  {}  CRC {}  AR {}  {}{}\n", track.number, msf_text(track.sectors), hex32(track.crc32), hex32(track.accuraterip_v2), name, state) << std::flush;
  }
  void end(const Status& outcome) { progress_.finish(outcome ? "done" : outcome.error().code == Errc::cancelled ? "stopped" : "failed"); }

 private:
  bool json_, quiet_;
  ShownProgress progress_;
  std::vector<std::uint32_t> done_;
};

Result<GrabOptions> options_of(const Arguments& arguments) {
  GrabOptions options;
  options.source = std::filesystem::absolute(arguments.text("SOURCE")).lexically_normal().string();
  options.into = std::filesystem::absolute(arguments.text("into")).lexically_normal();
  options.format = arguments.text("format", "flac");
  options.hidden = arguments.has("hidden");
  options.program = "audiojuggler " + std::string(kVersion);
  if (const auto offset = arguments.find("offset")) {
    const char* const begin = offset->c_str() + (offset->starts_with('+') ? 1 : 0);
    const auto [end, failed] = std::from_chars(begin, offset->c_str() + offset->size(), options.offset);
    if (failed != std::errc() || *end != '\0') return Error{Errc::malformed, "--offset takes a number of samples, as +667 or -24, not '" + *offset + "'"};
  }
  if (const auto titles = arguments.find("titles")) {
    const auto text = read_file(*titles, kMaxTitles);
    if (!text) return text.error();
    options.titles = title_lines(as_bytes(*text));
  }
  return options;
}

int finish(const Arguments& arguments, const Rip& rip) {
  std::uint64_t sectors = 0;
  std::size_t files = 0;
  for (const RipTrack& track : rip.tracks) {
    sectors += track.sectors;
    files += track.file.empty() ? 0 : 1;
  }
  const Exit exit = rip.doubts() == 0 ? Exit::done : Exit::partly;
  if (arguments.has("json")) {
    print_event({{"v", 1}, {"event", "summary"}, {"files", files}, {"sectors", sectors}, {"sectors_read", rip.sectors_read}, {"doubts", rip.doubts()}, {"ctdb_crc", hex32(rip.ctdb_crc)},
                 {"skipped", rip.skipped}, {"code", code(exit)}});
    return code(exit);
  }
  for (const unsigned number : rip.skipped) std::cerr << "audiojuggler: track " << number << " is data and was left out\n";
  if (rip.doubts() > 0) std::cerr << "audiojuggler: " << rip.doubts() << " sectors are in doubt; rip.log lists them\n";
  if (!arguments.has("quiet")) std::cout << fmt::format("{} files, {}, CTDB CRC {}\n", files, msf_text(static_cast<std::uint32_t>(sectors)), hex32(rip.ctdb_crc));
  return code(exit);
}

int run(const Arguments& arguments) {
  const auto options = options_of(arguments);
  if (!options) {
    const int failed = fail(arguments, options.error());
    return options.error().code == Errc::malformed ? code(Exit::usage) : failed;
  }
  const Interrupts interrupts;
  auto drive = open_source(options->source);
  if (!drive) return fail(arguments, drive.error());
  Show show(arguments);
  const auto rip = grab(**drive, *options, show, interrupts.cancelled());
  show.end(rip ? Status() : Status(rip.error()));
  return rip ? finish(arguments, *rip) : fail(arguments, rip.error());
}

}  // namespace

Verb grab_verb() {
  Verb verb;
  verb.name = "grab";
  verb.summary = "read a disc or an image into one verified file a track";
  verb.description =
      "Reads until every sector is certain or listed as a doubt, writes FLAC (or WAV), decodes each file and compares it, and adds disc.cue, rip.log and rip.json. Nothing is "
      "overwritten. A grab that was stopped goes on with the same command. Exits 3 when sectors are in doubt.";
  verb.examples = {{"audiojuggler grab album.cue --into album", "an image"},
                   {"audiojuggler grab /dev/sr0 --into album --offset +667", "a disc, in a drive with this read offset"},
                   {"audiojuggler grab /dev/sr0 --into album --titles booklet.txt", "with titles that the disc does not carry"}};
  Option into;
  into.name = "into";
  into.value = "DIR";
  into.help = "the folder that gets the files; made when it is missing";
  into.complete = Complete::directories;
  Option format;
  format.name = "format";
  format.value = "FORMAT";
  format.help = "what to write";
  format.choices = {"flac", "wav"};
  Option offset;
  offset.name = "offset";
  offset.value = "SAMPLES";
  offset.help = "the drive's read offset, as lists of drives tell it";
  Option titles;
  titles.name = "titles";
  titles.value = "FILE";
  titles.help = "titles, one line a track; they win over CD-TEXT";
  titles.complete = Complete::files;
  Option hidden;
  hidden.name = "hidden";
  hidden.help = "keep what is hidden before track 1 even if it is silent";
  verb.options = {into, format, offset, titles, hidden, json_option(), quiet_option()};
  verb.positionals = {{"SOURCE", "image (.cue, .toc) or device", Positional::Count::one, {}, Complete::files}};
  verb.run = [](const Arguments& arguments) {
    if (arguments.has("into")) return run(arguments);
    complain("audiojuggler", Error{Errc::malformed, "grab needs --into DIR, the folder that gets the files"});
    return code(Exit::usage);
  };
  return verb;
}

}  // namespace ghost::app
