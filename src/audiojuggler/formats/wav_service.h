#pragma once
#include "audiojuggler/formats/audio.h"
#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

/// Reads WAV and RF64 with integer samples.
Result<std::unique_ptr<AudioReader>> open_wav(const std::filesystem::path& path);
/// Writes WAV; tags have no place in it.
Result<std::unique_ptr<AudioWriter>> write_wav(OutputFile file, const PcmFormat& format);

}  // namespace ghost::audiojuggler
