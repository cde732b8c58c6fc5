#pragma once
#include <atomic>
#include <filesystem>
#include <functional>

#include "audiojuggler/names.h"
#include "audiojuggler/rip.h"
#include "audiojuggler/track_checks.h"

namespace ghost::audiojuggler {

/// Told how many sectors of a track are through.
using TellSectors = std::function<void(std::uint32_t sectors)>;

/// Makes a sound file of a track's samples, computes all checksums of them into `track`, then decodes the file and compares it with the samples, byte
/// by byte. data_loss when they differ.
/// @param samples  a file of 16-bit stereo, little-endian
/// @param output   gets the sound; nothing is there when this fails
/// @return         whether all samples are zero
Result<bool> encode_track(const std::filesystem::path& samples, const std::filesystem::path& output, std::string_view format, const Tags& tags, const TrackChecks::Place& place,
                          RipTrack& track, const std::atomic<bool>& cancelled, const TellSectors& tell);

/// What a sound file decodes to, as 16-bit stereo little-endian samples, block by block. malformed when it is of another format than a disc.
Status decode_track(const std::filesystem::path& file, const std::atomic<bool>& cancelled, const std::function<Status(BytesView samples)>& use);

}  // namespace ghost::audiojuggler
