#pragma once
#include <string>
#include <vector>

#include "audiojuggler/formats/audio.h"
#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

/// FLAC or WAV, by how the file begins, whatever it is called. malformed, saying what it looks like, when it is neither.
Result<std::unique_ptr<AudioReader>> open_audio(const std::filesystem::path& path);

/// "flac", "wav", "opus", "mp3"; also the ending of the file's name.
const std::vector<std::string>& audio_formats();

/// @param frames  that will come; 0 when it is not known
/// unsupported, saying what would do, when the format cannot hold such samples.
Result<std::unique_ptr<AudioWriter>> write_audio(std::string_view to, OutputFile file, const PcmFormat& format, std::uint64_t frames, const Tags& tags);

}  // namespace ghost::audiojuggler
