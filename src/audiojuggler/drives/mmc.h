#pragma once
#include <optional>
#include <span>
#include <string>

#include "audiojuggler/drives/drive.h"
#include "base/bytes.h"

namespace ghost::audiojuggler::mmc {

/// Commands of MMC-6 and SPC-4 that reading a disc takes, as the bytes of their CDBs, and what comes back. The one place that knows their offsets
/// (docs/spec/audiojuggler.md §5).

constexpr std::uint8_t kGood = 0, kCheckCondition = 2;
constexpr std::size_t kInquiryBytes = 36, kC2Bytes = 294, kQFieldBytes = 16;
constexpr std::uint8_t kTestUnitReady = 0x00, kInquiry = 0x12, kReadSubChannel = 0x42, kReadToc = 0x43, kModeSense = 0x5A, kSetSpeed = 0xBB, kReadCd = 0xBE;

enum class TocFormat : std::uint8_t { toc = 0, full = 2, cd_text = 5 };

Bytes test_unit_ready();
Bytes inquiry();
Bytes read_toc(TocFormat format, std::uint16_t length);
/// Page 2Ah: what the drive can do.
Bytes mode_sense_capabilities(std::uint16_t length);
/// @param kilobytes  a second; 0xFFFF for the highest
Bytes set_speed(std::uint16_t kilobytes);
enum class SubChannelFormat : std::uint8_t { mcn = 2, isrc = 3 };
Bytes read_sub_channel(SubChannelFormat format, std::uint8_t track);
constexpr std::uint16_t kSubChannelBytes = 24;

/// What to read with each sector of audio.
struct ReadCdWish {
  bool c2 = false;
  bool q = false;

  std::size_t sector_bytes() const { return kSectorBytes + (c2 ? kC2Bytes : 0) + (q ? kQFieldBytes : 0); }
};
Bytes read_cd(Lba first, std::uint32_t sectors, const ReadCdWish& wish);

struct Identity {
  bool is_cd = false;
  std::string vendor, model, revision;
};
Result<Identity> parse_inquiry(BytesView data);

struct Capabilities {
  bool c2 = false, accurate_stream = false, reads_isrc = false, reads_mcn = false;
  std::uint32_t buffer_kilobytes = 0;
};
Result<Capabilities> parse_capabilities(BytesView data);

/// Format 0: tracks without pregaps, all in session 1.
Result<Toc> parse_toc(BytesView data);
/// Format 2: with sessions; the lead-out is that of the last.
Result<Toc> parse_full_toc(BytesView data);
/// Format 5: the packs, without the header.
Result<BytesView> cd_text_packs(BytesView data);

std::optional<std::string> parse_mcn(BytesView data);
std::optional<std::string> parse_isrc(BytesView data);

/// Takes a READ CD answer apart; malformed when it is shorter than `out` wants.
Status parse_read_cd(BytesView data, const ReadCdWish& wish, std::span<SectorRead> out);

/// What a check condition says: "medium error: unrecovered read error (3/11/00)". busy while a drive gets ready, not_found without a disc.
Error sense_error(BytesView sense);

}  // namespace ghost::audiojuggler::mmc
