#pragma once
#include <string>
#include <vector>

#include "audiojuggler/disc.h"
#include "audiojuggler/grabber.h"
#include "base/sha256.h"
#include "base/time.h"

namespace ghost::audiojuggler {

/// What was grabbed of one track. Places are of the disc, read offset taken off.
struct RipTrack {
  unsigned number = 0;          ///< 0: the hidden track
  std::string title;
  std::string file;             ///< name in the folder; "" for a hidden track that is silent and so was not kept
  std::uint32_t start = 0;      ///< LBA of its first sector
  std::uint32_t sectors = 0;
  std::uint32_t crc32 = 0;      ///< of the samples
  std::uint32_t accuraterip_v1 = 0, accuraterip_v2 = 0;  ///< 0 for the hidden track
  std::uint32_t ctdb_crc = 0;   ///< of the bytes of it that count for CUETools DB …
  std::uint64_t ctdb_bytes = 0; ///< … and how many these are
  std::string sha256;           ///< of the samples, hex
  bool verified = false;        ///< the file was decoded and gave these samples
  Bytes peaks;                  ///< 200 values
  std::vector<Doubt> doubts;    ///< sector by sector
};

/// A whole grab: what rip.json holds.
struct Rip {
  std::string program;          ///< "audiojuggler 0.1.0"
  std::string source;
  std::string drive;            ///< "vendor model revision"
  bool exact = false;           ///< from an image
  int offset = 0;               ///< read offset, PCM frames
  std::string format;           ///< "flac", "wav"
  Disc disc;
  std::vector<RipTrack> tracks; ///< in order, the hidden one first
  std::vector<unsigned> skipped;  ///< data tracks
  std::uint32_t ctdb_crc = 0;
  std::uint64_t sectors_read = 0;
  WallTime ended{};

  std::size_t doubts() const;
};

std::string rip_json(const Rip& rip);
/// malformed when it is no rip.json of ours. What only the log tells is not there.
Result<Rip> parse_rip_json(std::string_view text);
std::string track_json(const RipTrack& track);
Result<RipTrack> parse_track_json(std::string_view text);

/// For people; the last line is the SHA-256 of all before it.
std::string rip_log(const Rip& rip);
/// Whether a log is as it was written.
bool log_is_whole(std::string_view log);

/// disc.cue: the tracks' files, pregaps at the end of the file before.
std::string rip_cue(const Rip& rip);

/// The disc's checksum of its tracks' parts.
std::uint32_t combined_ctdb_crc(const std::vector<RipTrack>& tracks);

}  // namespace ghost::audiojuggler
