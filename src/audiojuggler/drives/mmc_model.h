#pragma once
#include <deque>
#include <map>

#include "audiojuggler/disc.h"
#include "audiojuggler/drives/scsi_port.h"
#include "base/random.h"

namespace ghost::audiojuggler {

/// For tests: a CD drive with a disc in it, as its commands show it. What it gives wrong is the same for the same seed.
class MmcModel : public ScsiPort {
 public:
  /// What ails a sector.
  struct Fault {
    double wrong = 0;         ///< share of PCM frames that are wrong, anew in each reading
    bool unreadable = false;
    unsigned shifted = 0;     ///< so many first readings give the sector after it
  };
  struct Options {
    int read_offset = 0;             ///< PCM frames by which samples come late
    std::uint32_t cache_sectors = 0; ///< that are answered as they were read before
    bool c2 = true;
    bool c2_lies = false;            ///< marks nothing that is wrong
    bool cd_text = true;
    std::map<std::int32_t, Fault> faults = {};
    std::uint64_t seed = 1;
  };

  /// @param samples  of all sectors up to the lead-out
  MmcModel(Disc disc, Bytes samples, Options options) : disc_(std::move(disc)), samples_(std::move(samples)), options_(std::move(options)), random_(options_.seed) {}

  Result<ScsiAnswer> run(BytesView command, std::size_t wanted) override;

  bool has_disc = true;
  std::uint64_t sectors_read = 0;       ///< also out of the cache
  std::uint16_t speed = 0xFFFF;         ///< asked for last

 private:
  struct Reading {
    std::array<std::uint8_t, kSectorBytes> audio{};
    std::array<std::uint8_t, kSectorBytes / 8> c2{};
    std::int32_t at = 0;
  };

  ScsiAnswer inquiry() const;
  ScsiAnswer capabilities() const;
  ScsiAnswer read_toc(BytesView command) const;
  Bytes plain_toc() const;
  Bytes full_toc() const;
  ScsiAnswer sub_channel(BytesView command) const;
  ScsiAnswer read_cd(BytesView command);
  Reading reading_of(std::int32_t at);
  std::array<std::uint8_t, 12> q_of(std::int32_t at) const;
  static std::uint8_t control_of(const Track& track);
  static ScsiAnswer failed(std::uint8_t key, std::uint8_t asc, std::uint8_t ascq);

  Disc disc_;
  Bytes samples_;
  Options options_;
  SeededRandom random_;
  std::map<std::int32_t, Reading> cache_;
  std::deque<std::int32_t> cached_;  ///< oldest first
  std::map<std::int32_t, unsigned> readings_;
};

}  // namespace ghost::audiojuggler
