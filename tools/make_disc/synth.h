#pragma once
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "performance.h"

namespace ghost::disc {

inline constexpr int kFramesPerSecond = 44'100;

/// Plays a performance on FluidSynth with a sound font, in a hall, until its sound has died away.
/// The same library and font give the same samples every time.
/// @return  stereo samples, left and right by turns, about -1…1
Result<std::vector<float>> synthesise(const Performance& performance, const std::filesystem::path& sound_font);

}  // namespace ghost::disc
