#pragma once
#include "audiojuggler/formats/audio.h"
#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

/// MP3 by LAME, variable bit rate, quality 2, with ID3v2 tags in UTF-16.
Result<std::unique_ptr<AudioWriter>> write_mp3(OutputFile file, const PcmFormat& format, const Tags& tags);

}  // namespace ghost::audiojuggler
