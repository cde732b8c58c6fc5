// Makes the demonstration disc: scores in our notation, played by FluidSynth, as a CD image.
//
//   make_disc data/demo/disc.txt --into build/release/demo [--font FONT.sf2] [--jobs N]
//   make_disc --events data/demo/minuet.score
//
// The first writes demo.bin, demo.cue and demo-bare.cue (the same disc without CD-TEXT). The second prints each key as it is struck:
// start and end in seconds, voice, MIDI key, velocity.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "disc_image.h"
#include "performance.h"
#include "score_parser.h"

namespace {

using namespace ghost;

constexpr const char* kUsage =
    "usage: make_disc PLAN --into DIR [--font FONT.sf2] [--jobs N]\n"
    "       make_disc --events FILE.score\n";

Status print_events(const std::string& path) {
  const auto text = read_file(path, 1024 * 1024);
  if (!text) return text.error();
  const auto score = disc::parse_score(*text);
  if (!score) return score.error().in(path);
  const auto played = disc::perform(*score);
  if (!played) return played.error().in(path);
  for (const disc::Strike& strike : played->strikes)
    fmt::print("{:9.3f} {:9.3f} {:8} {:3} {:3}\n", strike.start, strike.end, played->voices[strike.voice].name,
               strike.pitch, strike.velocity);
  return {};
}

struct Command {
  disc::Order order;
  std::string events;
};

bool parse_arguments(const std::vector<std::string>& words, Command& command) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "--into" && has_value) command.order.into = words[++i];
    else if (words[i] == "--font" && has_value) command.order.sound_font = words[++i];
    else if (words[i] == "--events" && has_value) command.events = words[++i];
    else if (words[i] == "--jobs" && has_value) {
      const std::string& number = words[++i];
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), command.order.jobs);
      if (error != std::errc() || *end != '\0' || command.order.jobs < 1 || command.order.jobs > 64) return false;
    } else if (!words[i].starts_with('-') && command.order.plan.empty()) command.order.plan = words[i];
    else return false;
  }
  return !command.events.empty() != (!command.order.plan.empty() && !command.order.into.empty());
}

Status make(const disc::Order& order) {
  const auto made = disc::make_disc_image(order);
  if (!made) return made.error();
  for (const disc::MadeTrack& track : *made)
    fmt::print("{:2}  {:02}:{:02}.{:02}  peak {:5.1f} dBFS  rms {:5.1f} dBFS  {}: {}\n", track.number,
               track.sectors / 75 / 60, track.sectors / 75 % 60, track.sectors % 75, track.peak_dbfs, track.rms_dbfs,
               track.composer, track.title);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Command command;
  if (!parse_arguments({argv + 1, argv + argc}, command)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const Status done = command.events.empty() ? make(command.order) : print_events(command.events);
  if (!done) {
    std::fprintf(stderr, "make_disc: %s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}
