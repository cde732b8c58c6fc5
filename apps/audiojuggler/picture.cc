#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "app/places.h"
#include "audiojuggler/picture_service.h"
#include "run.h"
#include "verbs.h"

namespace ghost::app {

namespace {

using namespace audiojuggler;

/// "1600x320".
bool parse_size(const std::string& text, PictureSize& size) {
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  if (width.ec != std::errc() || width.ptr == end || *width.ptr != 'x') return false;
  const auto height = std::from_chars(width.ptr + 1, end, size.height);
  return height.ec == std::errc() && height.ptr == end && size.width >= 16 && size.height >= 16 && size.width <= 20'000 && size.height <= 10'000;
}

int run_picture(const Arguments& arguments) {
  const auto out = arguments.find("waveform");
  PictureSize size;
  const bool sized = parse_size(arguments.text("size", "1600x320"), size);
  if ((!out && !arguments.has("peaks")) || !sized) {
    complain("audiojuggler", Error{Errc::malformed, sized ? "picture needs --waveform OUT.png or --peaks" : "--size takes WIDTHxHEIGHT in pixels, as 1600x320"});
    return code(Exit::usage);
  }
  const std::string file = arguments.text("FILE");
  if (out) {
    const Status drawn = waveform_picture(file, *out, size, arguments.has("overwrite") ? Overwrite::yes : Overwrite::no);
    if (!drawn) return fail(arguments, drawn.error());
  }
  Json summary = {{"v", 1}, {"event", "summary"}, {"file", file}};
  if (out) summary["waveform"] = *out;
  if (arguments.has("peaks")) {
    const auto peaks = peaks_of(file);
    if (!peaks) return fail(arguments, peaks.error());
    summary["peaks"] = *peaks;
  }
  summary["code"] = code(Exit::done);
  if (arguments.has("json") || arguments.has("peaks")) print_event(summary);
  return code(Exit::done);
}

}  // namespace

Verb picture_verb() {
  Verb verb;
  verb.name = "picture";
  verb.summary = "a waveform as PNG, or as 200 numbers";
  verb.description = "Extremes and RMS of each channel with the time below, on a transparent ground.";
  verb.examples = {{"audiojuggler picture 01.flac --waveform 01.png", "a picture of 1600 by 320"}, {"audiojuggler picture 01.flac --peaks", "the loudest of each 200th part, 0 to 255"}};
  Option waveform;
  waveform.name = "waveform";
  waveform.value = "OUT.png";
  waveform.help = "the picture to write";
  waveform.complete = Complete::files;
  Option size;
  size.name = "size";
  size.value = "WxH";
  size.help = "of the picture, in pixels (1600x320)";
  Option peaks;
  peaks.name = "peaks";
  peaks.help = "print 200 peaks as JSON";
  Option overwrite;
  overwrite.name = "overwrite";
  overwrite.help = "replace a picture that is there";
  verb.options = {waveform, size, peaks, overwrite, json_option()};
  verb.positionals = {{"FILE", "FLAC or WAV", Positional::Count::one, {}, Complete::files}};
  verb.run = run_picture;
  return verb;
}

}  // namespace ghost::app
