#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "app/places.h"
#include "audiojuggler/converter_service.h"
#include "audiojuggler/formats/open_service.h"
#include "base/text.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using namespace audiojuggler;

int usage(const std::string& message) {
  complain("audiojuggler", Error{Errc::malformed, message});
  return code(Exit::usage);
}

int finish(const Arguments& arguments, const std::vector<Converted>& files) {
  std::size_t good = 0;
  double seconds = 0;
  for (const Converted& file : files) {
    good += file.error ? 0 : 1;
    seconds += file.seconds;
  }
  const Exit exit = good == files.size() ? Exit::done : good > 0 ? Exit::partly : Exit::failed;
  if (arguments.has("json")) print_event({{"v", 1}, {"event", "summary"}, {"files", files.size()}, {"converted", good}, {"seconds", seconds}, {"code", code(exit)}});
  else if (!arguments.has("quiet")) std::cout << fmt::format("{} of {} files converted, {} of sound\n", good, files.size(), playing_time(static_cast<std::uint64_t>(seconds * 75)));
  return code(exit);
}

int run_convert(const Arguments& arguments) {
  if (!arguments.has("to") || !arguments.has("into")) return usage("convert needs --to FORMAT and --into DIR");
  ConvertOptions options;
  for (const std::string& file : arguments.all("FILE")) options.files.emplace_back(file);
  options.to = arguments.text("to");
  options.into = arguments.text("into");
  options.overwrite = arguments.has("overwrite") ? Overwrite::yes : Overwrite::no;
  if (const auto jobs = arguments.find("jobs")) {
    const auto [end, failed] = std::from_chars(jobs->data(), jobs->data() + jobs->size(), options.jobs);
    if (failed != std::errc() || end != jobs->data() + jobs->size() || options.jobs < 1 || options.jobs > 256) return usage("--jobs takes a number from 1 to 256, not '" + *jobs + "'");
  }
  const bool json = arguments.has("json"), quiet = arguments.has("quiet");
  const Interrupts interrupts;
  ShownProgress progress(arguments, "convert", Progress::Unit::bytes);
  bool begun = false;
  ConvertObserver observer;
  observer.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    if (!std::exchange(begun, true)) progress.total(total);
    progress.update(done);
  };
  observer.on_file = [&](std::size_t, const Converted& file) {
    progress.clear();
    if (json) {
      print_event({{"v", 1}, {"event", "file"}, {"from", file.from.string()}, {"file", file.file.string()}, {"seconds", file.seconds}, {"error", file.error ? file.error->message : ""}});
    } else if (file.error) {
      complain("audiojuggler", *file.error);
    } else if (!quiet) {
      std::cout << printable(file.file.string()) << std::endl;
    }
  };
  const auto result = convert(options, observer, interrupts.cancelled());
  progress.finish(result ? "done" : "stopped");
  if (!result) return fail(arguments, result.error());
  return finish(arguments, *result);
}

}  // namespace

Verb convert_verb() {
  Verb verb;
  verb.name = "convert";
  verb.summary = "make FLAC, WAV, Opus or MP3 of FLAC and WAV files";
  verb.description = "Several files at a time; tags go along. A file has its name only when it is whole. Exits 3 when some could not be converted.";
  verb.examples = {{"audiojuggler convert album/*.flac --to opus --into phone", "for a telephone"}, {"audiojuggler convert *.wav --to flac --into archive --jobs 4", "four at a time"}};
  Option to;
  to.name = "to";
  to.value = "FORMAT";
  to.help = "what to make";
  to.choices = audio_formats();
  Option into;
  into.name = "into";
  into.value = "DIR";
  into.help = "the folder that gets the files; made when it is missing";
  into.complete = Complete::directories;
  Option jobs;
  jobs.name = "jobs";
  jobs.value = "N";
  jobs.help = "files at a time; by default as many as there are processors";
  Option overwrite;
  overwrite.name = "overwrite";
  overwrite.help = "replace files that are there";
  verb.options = {to, into, jobs, overwrite, json_option(), quiet_option()};
  verb.positionals = {{"FILE", "FLAC or WAV", Positional::Count::at_least_one, {}, Complete::files}};
  verb.run = run_convert;
  return verb;
}

}  // namespace ghost::app
