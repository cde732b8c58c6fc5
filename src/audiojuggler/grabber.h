#pragma once
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "audiojuggler/drives/drive.h"
#include "base/bytes.h"

namespace ghost::audiojuggler {

/// How much it takes to believe a sector (docs/spec/audiojuggler.md §6).
struct GrabRules {
  unsigned passes = 2;                 ///< over every sector; 1 where each read is exact
  unsigned lead = 2;                   ///< clean reads by which a value must lead every other to be certain
  unsigned most_reads = 16;            ///< of one sector, then its best guess is kept and listed
  unsigned slow_after = 6;             ///< reads of one sector, then the drive is asked to turn slowly
  std::uint32_t chunk = 26;            ///< sectors a read
  std::uint32_t cache_sectors = 1200;  ///< other sectors to read before one is read again, so that it comes from the disc

  /// What fits a drive: one pass over an image; a cache of 1,200 sectors where a drive does not tell.
  static GrabRules of(const DriveInfo& drive);
};

/// One reading of a sector, for the vote.
struct SectorCopy {
  std::array<std::uint8_t, kSectorBytes> audio;
  std::optional<std::array<std::uint8_t, kSectorBytes / 8>> c2;

  bool clean() const;
  /// Whether none of the frame's four bytes is marked by C2.
  bool clean(std::size_t frame) const;
};

struct Vote {
  std::array<std::uint8_t, kSectorBytes> audio{};  ///< each frame as most readings have it, unmarked ones first
  std::vector<std::uint16_t> uncertain;            ///< frames whose value does not lead enough
};
/// Decides each PCM frame of a sector by itself: by the unmarked readings, of which the commonest must lead the next by `lead`.
Vote vote(std::span<const SectorCopy> copies, unsigned lead);

/// What to read next.
struct GrabRead {
  Lba first{};
  std::uint32_t sectors = 0;
  bool discard = false;  ///< only to push other sectors out of the drive's cache
  bool slow = false;     ///< the drive should turn slowly
};

/// A sector that could not be read beyond doubt.
struct Doubt {
  Lba sector{};
  std::vector<std::uint16_t> frames;  ///< which of its 588; all when it was never read
  std::string why;
};

/// Reads a run of sectors until each is certain or given up: a pass to have them, a pass to compare, and again and again those that differ, were
/// marked by C2, came from elsewhere or failed. Pure: says what to read, gets what was read.
class Grabber {
 public:
  /// @param disc_first, disc_end  where else may be read to empty the drive's cache
  Grabber(Lba first, std::uint32_t sectors, const GrabRules& rules, Lba disc_first, Lba disc_end);

  /// Nothing when all is done.
  std::optional<GrabRead> next();
  /// What next() asked for; `out` has read.sectors entries.
  void on_read(const GrabRead& read, std::span<const SectorRead> sectors);

  /// All samples, the best guess where there is doubt. When next() has given nothing.
  BytesView samples() const { return audio_; }
  const std::vector<Doubt>& doubts() const { return doubts_; }
  std::uint64_t sectors_read() const { return serial_; }
  /// Sectors that need no more reading.
  std::uint32_t settled() const { return settled_; }

 private:
  enum class State : std::uint8_t { unread, once, doubtful, settled };
  struct Evidence {
    std::vector<SectorCopy> copies;
    unsigned reads = 0;
    std::string failure;  ///< of the last read that gave nothing
  };

  std::optional<GrabRead> reread() const;
  bool cached(std::uint32_t sector) const { return state_[sector] != State::unread && serial_ - last_read_[sector] < rules_.cache_sectors; }
  GrabRead defeat_cache(std::uint32_t wanted);
  void note(std::uint32_t sector, const SectorRead& read);
  void weigh(std::uint32_t sector, Evidence& evidence);
  void give_up(std::uint32_t sector, const Evidence& evidence, const Vote& vote);
  void settle(std::uint32_t sector);
  std::uint8_t* audio_of(std::uint32_t sector) { return audio_.data() + std::size_t{sector} * kSectorBytes; }
  SectorCopy stored(std::uint32_t sector) const;

  Lba first_;
  GrabRules rules_;
  Lba disc_first_, disc_end_;
  Bytes audio_;
  std::vector<State> state_;
  std::vector<std::uint64_t> last_read_;  ///< serial_ when the sector had been read last
  std::map<std::uint32_t, Evidence> evidence_;
  std::vector<Doubt> doubts_;
  std::uint64_t serial_ = 0;              ///< sectors read so far
  std::uint32_t settled_ = 0, position_ = 0, elsewhere_ = 0;
  unsigned pass_ = 1;
};

}  // namespace ghost::audiojuggler
