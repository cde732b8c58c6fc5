#pragma once
#include "audiojuggler/formats/audio.h"
#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

/// Reads FLAC by libFLAC and, at the end, compares the samples with the MD5 the file keeps of them.
Result<std::unique_ptr<AudioReader>> open_flac(const std::filesystem::path& path);

/// Writes FLAC as `flac -8` does: with a seek table and room for later tags.
/// @param frames  that will come; 0 when it is not known
Result<std::unique_ptr<AudioWriter>> write_flac(OutputFile file, const PcmFormat& format, std::uint64_t frames, const Tags& tags);

}  // namespace ghost::audiojuggler
