#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong.h"

namespace ghost::audiojuggler {

/// Number of a sector (1/75 s) in the program area: 0 is what the disc itself calls 00:02:00.
using Lba = Strong<struct LbaTag, std::int32_t>;

constexpr std::size_t kSectorBytes = 2352;    ///< of audio
constexpr std::size_t kFrameBytes = 4;        ///< a PCM frame: one 16-bit sample for each of two channels
constexpr std::size_t kSectorFrames = 588;    ///< PCM frames in a sector
constexpr std::uint32_t kSectorsPerSecond = 75;
constexpr std::uint32_t kLeadIn = 150;        ///< sectors between MSF 00:00:00 and LBA 0
constexpr std::uint32_t kMaxSectors = 100 * 60 * kSectorsPerSecond - kLeadIn;  ///< what MSF can name
constexpr std::uint32_t kSessionGap = 11'400;  ///< lead-out and lead-in between the sessions of an enhanced CD

/// "07", and more digits for what has more.
std::string two_digits(std::uint32_t value);
/// "03:25:07", minutes, seconds and sectors; more than 99 minutes get more digits.
std::string msf_text(std::uint32_t sectors);
/// The reverse: two to three digits of minutes, seconds up to 59, sectors up to 74. malformed says what is expected.
Result<std::uint32_t> parse_msf(std::string_view text);

/// One track of a disc, as its TOC (and, for pregap and indexes, its Q sub-channel) tells.
struct Track {
  std::uint8_t number = 0;       ///< 1 to 99
  Lba start{};                   ///< of index 1
  std::uint32_t pregap = 0;      ///< sectors from index 0 to index 1; they belong to the track before when a disc is grabbed
  std::vector<Lba> indexes = {}; ///< of index 2 and up
  bool audio = true;
  bool pre_emphasis = false;
  bool copy_permitted = false;
  bool four_channels = false;
  std::uint8_t session = 1;
};

/// A disc's table of contents: tracks in order of their numbers, and where the last one ends.
struct Toc {
  std::vector<Track> tracks;
  Lba lead_out{};

  /// One past the last sector that is grabbed with track `index`: up to index 1 of the next, but not into its pregap when that is data.
  Lba end_of(std::size_t index) const;
  std::uint32_t sectors_of(std::size_t index) const;
  /// Sectors before index 1 of the first track when it is audio: hidden track one audio, grabbed as track 0.
  std::uint32_t hidden_sectors() const;
  std::size_t audio_tracks() const;
  /// The track with this number; null when there is none.
  const Track* find(std::uint8_t number) const;
  /// malformed unless tracks ascend in number and place and lie before the lead-out, which lies on a disc.
  Status check() const;
};

}  // namespace ghost::audiojuggler
