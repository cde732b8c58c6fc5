#pragma once
#include <filesystem>

#include "audiojuggler/formats/output_file_service.h"
#include "audiojuggler/waveform.h"

namespace ghost::audiojuggler {

struct PictureSize {
  unsigned width = 1600, height = 320;
};

/// Writes a PNG of the waveform of a FLAC or WAV file.
Status waveform_picture(const std::filesystem::path& file, const std::filesystem::path& out, const PictureSize& size, Overwrite overwrite);
/// The 200 peaks of a file.
Result<Bytes> peaks_of(const std::filesystem::path& file);

}  // namespace ghost::audiojuggler
