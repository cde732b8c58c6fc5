#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "audiojuggler/drives/sg_service.h"
#include "audiojuggler/verify_service.h"
#include "base/text.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using namespace audiojuggler;

/// The verdict first, then the file, which may be cut; why it is wrong in full below.
void print(const VerifiedTrack& track) {
  const Terminal terminal = Terminal::of(STDOUT_FILENO);
  const std::string_view verdict = !track.good() ? "WRONG" : track.compared ? "as the disc" : "as grabbed";
  const std::string line = fitted(fmt::format("{:<11}  {}", verdict, printable(track.file)));
  std::cout << coloured(terminal, track.good() ? Colour::green : Colour::red, line.substr(0, verdict.size())) << line.substr(verdict.size()) << "\n";
  if (!track.good()) std::cout << "             " << printable(track.why) << "\n";
  std::cout << std::flush;
}

int run_verify(const Arguments& arguments) {
  const bool json = arguments.has("json"), quiet = arguments.has("quiet");
  const Interrupts interrupts;
  std::unique_ptr<Drive> against;
  if (const auto source = arguments.find("against")) {
    auto drive = open_source(*source);
    if (!drive) return fail(arguments, drive.error());
    against = std::move(*drive);
  }
  ShownProgress progress(arguments, "verify", Progress::Unit::bytes);
  VerifyObserver observer;
  observer.on_rip = [&](const Rip& rip) {
    std::uint64_t bytes = 0;
    for (const RipTrack& track : rip.tracks) bytes += track.file.empty() ? 0 : std::uint64_t{track.sectors} * kSectorBytes;
    progress.total(bytes);
  };
  observer.on_progress = [&](std::uint64_t done, std::uint64_t) { progress.update(done); };
  observer.on_track = [&](std::size_t, const VerifiedTrack& track) {
    progress.clear();
    if (json) {
      print_event({{"v", 1}, {"event", "track"}, {"number", track.number}, {"file", track.file}, {"sound", track.sound}, {"compared", track.compared}, {"same", track.same}, {"why", track.why}});
    } else if (!quiet || !track.good()) {
      print(track);
    }
  };
  const auto result = verify(arguments.text("FOLDER"), against.get(), observer, interrupts.cancelled());
  progress.finish(!result ? "stopped" : result->good() ? "all right" : "not all right");
  if (!result) return fail(arguments, result.error());
  const Exit exit = !result->good() ? Exit::failed : result->rip.doubts() > 0 ? Exit::partly : Exit::done;
  std::size_t good = 0;
  for (const VerifiedTrack& track : result->tracks) good += track.good() ? 1 : 0;
  if (json) {
    print_event({{"v", 1}, {"event", "summary"}, {"tracks", result->tracks.size()}, {"good", good}, {"log_whole", result->log_whole}, {"doubts", result->rip.doubts()}, {"code", code(exit)}});
    return code(exit);
  }
  if (!result->log_whole) std::cerr << "audiojuggler: rip.log is missing or was changed\n";
  if (result->rip.doubts() > 0) std::cerr << "audiojuggler: the grab itself left " << result->rip.doubts() << (result->rip.doubts() == 1 ? " sector" : " sectors") << " in doubt\n";
  if (!quiet) {
    const std::string_view how = against ? "decode to what was grabbed and to what is on the disc" : "decode to what was grabbed";
    std::cout << fmt::format("{} of {} files {}\n", good, result->tracks.size(), how);
  }
  return code(exit);
}

}  // namespace

Verb verify_verb() {
  Verb verb;
  verb.name = "verify";
  verb.summary = "check the files of a grab, by its record or by the disc";
  verb.description = "Decodes each file and compares its samples with rip.json; with --against also, bit for bit, with the disc or image. Exits 1 when anything differs.";
  verb.examples = {{"audiojuggler verify album", "after a copy"}, {"audiojuggler verify album --against album.cue", "bit for bit"}};
  Option against;
  against.name = "against";
  against.value = "SOURCE";
  against.help = "image (.cue, .toc) or device to compare with";
  against.complete = Complete::files;
  verb.options = {against, json_option(), quiet_option()};
  verb.positionals = {{"FOLDER", "of a finished grab", Positional::Count::one, {}, Complete::directories}};
  verb.run = run_verify;
  return verb;
}

}  // namespace ghost::app
