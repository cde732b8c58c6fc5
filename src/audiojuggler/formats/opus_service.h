#pragma once
#include "audiojuggler/formats/audio.h"
#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

/// Ogg Opus by libopusenc, 80 kbit/s a channel, resampled to the 48 kHz that Opus has.
Result<std::unique_ptr<AudioWriter>> write_opus(OutputFile file, const PcmFormat& format, const Tags& tags);

}  // namespace ghost::audiojuggler
