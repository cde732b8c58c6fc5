#pragma once
#include <string_view>

#include "base/result.h"
#include "pitch.h"
#include "score.h"

namespace ghost::disc {

/// What a note takes over from the one before when it does not say it: it goes on from bar to bar.
struct Hand {
  int octave = 4;
  Tick duration = kWhole / 4;
};

/// One bar of one voice; all times from its start.
struct Bar {
  std::vector<Note> notes;
  std::vector<Dynamic> dynamics;
  std::vector<Fermata> fermatas;
  Tick length = 0;
};

/// Reads what stands between two bar lines (data/demo/README.md, "Inside a bar"). `meter` is how long R lasts. The bar's length is
/// what was found; the caller compares.
Result<Bar> read_bar(std::string_view text, const Key& key, Tick meter, Hand& hand);

/// "4", "8.", "16..": a length as a part of a whole note; nothing for anything else.
std::optional<Tick> parse_duration(std::string_view text);
/// "pp", "mf", …: loudness 0…127.
std::optional<double> parse_dynamic(std::string_view name);

}  // namespace ghost::disc
