#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace ghost::disc {

struct Order {
  std::filesystem::path plan;  ///< disc.txt, the scores beside it
  std::filesystem::path into;  ///< made when it is not there
  std::filesystem::path sound_font = "/usr/share/sounds/sf2/FluidR3_GM.sf2";
  unsigned jobs = 2;           ///< tracks rendered at a time
};

struct MadeTrack {
  int number = 0;
  std::string title, composer;  ///< the score's
  std::uint32_t sectors = 0;    ///< without the pregap
  double peak_dbfs = 0, rms_dbfs = 0;
};

/// Renders every track and writes demo.bin, demo.cue and demo-bare.cue into the folder, each whole or not at all, the sheets last.
/// Every score is read before the first is rendered, so that a slip in one costs a moment.
Result<std::vector<MadeTrack>> make_disc_image(const Order& order);

}  // namespace ghost::disc
