#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <map>

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
    else if (!quiet_) print_head(disc, tracks.size(), total);
    progress_.total(total);
  }
  void on_progress(std::size_t index, std::uint32_t sectors_done, std::uint64_t) override {
    done_[index] = sectors_done;
    std::uint64_t sum = 0;
    for (const std::uint32_t done : done_) sum += done;
    progress_.update(sum);
  }
  void on_track(std::size_t index, const RipTrack& track) override {
    if (json_) {
      print_event({{"v", 1}, {"event", "track"}, {"number", track.number}, {"title", track.title}, {"file", track.file}, {"sectors", track.sectors}, {"crc32", hex32(track.crc32)},
                   {"accuraterip_v1", hex32(track.accuraterip_v1)}, {"accuraterip_v2", hex32(track.accuraterip_v2)}, {"sha256", track.sha256}, {"doubts", track.doubts.size()},
                   {"verified", track.verified}});
      return;
    }
    if (quiet_) return;
    waiting_.emplace(index, line_of(track));
    // Tracks are written side by side; a person reads them in the disc's order.
    for (auto next = waiting_.begin(); next != waiting_.end() && next->first == printed_; next = waiting_.erase(next), ++printed_) {
      progress_.clear();
      std::cout << next->second << "\n" << std::flush;
    }
  }
  void end(const Status& outcome) {
    progress_.clear();
    for (const auto& [index, line] : waiting_) std::cout << line << "\n" << std::flush;
    progress_.finish(outcome ? "done" : outcome.error().code == Errc::cancelled ? "stopped" : "failed");
  }

 private:
  static void print_head(const Disc& disc, std::size_t tracks, std::uint64_t sectors) {
    const std::string name = disc.text.title.empty() ? "a disc without a title" : printable(disc.text.title);
    std::cout << fitted(fmt::format("{}  {}, {}", name, counted(tracks, "track"), playing_time(sectors))) << "\n" << std::flush;
  }

  /// State, length, checksums and, last because it may be cut, the file.
  static std::string line_of(const RipTrack& track) {
    const std::string length = fmt::format("{:>6}", playing_time(track.sectors));
    if (track.file.empty()) return fitted(fmt::format("left out  {}  silence hidden before track 1; --hidden keeps it", length));
    const std::string state = track.doubts.empty() ? "verified" : counted(track.doubts.size(), "doubt");
    const std::string accuraterip = stdout_width() < kWide ? "" : fmt::format("  AR {}", hex32(track.accuraterip_v2));
    const std::string rest = fitted(fmt::format("{:<8}{}  CRC {}{}  {}", state, length, hex32(track.crc32), accuraterip, printable(track.file)));
    return coloured(Terminal::of(STDOUT_FILENO), track.doubts.empty() ? Colour::green : Colour::yellow, rest.substr(0, state.size())) + rest.substr(state.size());
  }

  static constexpr std::size_t kWide = 110;  ///< columns from which there is room for AccurateRip

  bool json_, quiet_;
  ShownProgress progress_;
  std::vector<std::uint32_t> done_;
  std::map<std::size_t, std::string> waiting_;  ///< lines whose turn has not come, by the place of their track
  std::size_t printed_ = 0;
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
  if (rip.doubts() > 0) std::cerr << "audiojuggler: " << counted(rip.doubts(), "sector") << " in doubt; rip.log lists each\n";
  if (!arguments.has("quiet")) {
    const std::string certain = rip.doubts() == 0 ? "no sector in doubt" : counted(rip.doubts(), "sector") + " in doubt";
    std::cout << fmt::format("{}, {}, {}, CTDB CRC {}\n", counted(files, "file"), playing_time(sectors), certain, hex32(rip.ctdb_crc));
  }
  return code(exit);
}

int run_grab(const Arguments& arguments) {
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
      "overwritten. A grab that was stopped goes on with the same command. Exits 3 when sectors are in doubt. A titles file has a line a track: title and, after tabs, performer and "
      "composer; an empty line keeps what the disc says, '#' begins a comment, and the first line may be 'disc: TITLE'.";
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
  format.help = "what to write (flac)";
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
    if (arguments.has("into")) return run_grab(arguments);
    complain("audiojuggler", Error{Errc::malformed, "grab needs --into DIR, the folder that gets the files"});
    return code(Exit::usage);
  };
  return verb;
}

}  // namespace ghost::app
