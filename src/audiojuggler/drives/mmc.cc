#include "audiojuggler/drives/mmc.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/subchannel.h"
#include "base/text.h"

namespace ghost::audiojuggler::mmc {

namespace {

std::uint8_t high(std::uint32_t value, int shift) { return static_cast<std::uint8_t>(value >> shift & 0xFF); }
std::uint32_t u16(BytesView data, std::size_t at) { return std::uint32_t{data[at]} << 8 | data[at + 1]; }
std::uint32_t u32(BytesView data, std::size_t at) { return u16(data, at) << 16 | u16(data, at + 2); }

Error short_answer(std::string_view what, std::size_t bytes) {
  return {Errc::malformed, "the drive's answer to " + std::string(what) + " has only " + std::to_string(bytes) + " bytes"};
}

std::string field(BytesView data, std::size_t at, std::size_t length) {
  std::string out(as_text(data.subspan(at, length)));
  while (!out.empty() && (out.back() == ' ' || out.back() == '\0')) out.pop_back();
  return printable(out);
}

/// The answer up to the length that its own first two bytes tell.
Result<BytesView> body_of(BytesView data, std::string_view what) {
  if (data.size() < 4) return short_answer(what, data.size());
  const std::size_t told = std::size_t{u16(data, 0)} + 2;
  if (told < 4) return short_answer(what, told);
  return data.first(std::min(data.size(), told)).subspan(4);
}

Track track_of(std::uint8_t number, std::uint8_t control, Lba start) {
  Track track;
  track.number = number;
  track.start = start;
  track.audio = (control & 4) == 0;
  track.pre_emphasis = track.audio && (control & 1) != 0;
  track.copy_permitted = (control & 2) != 0;
  track.four_channels = track.audio && (control & 8) != 0;
  return track;
}

Result<Toc> checked(Toc toc) {
  std::sort(toc.tracks.begin(), toc.tracks.end(), [](const Track& a, const Track& b) { return a.number < b.number; });
  if (const Status sane = toc.check(); !sane) return sane.error().in("the table of contents that the drive gives");
  return toc;
}

}  // namespace

Bytes test_unit_ready() { return Bytes(6, 0); }

Bytes inquiry() { return {kInquiry, 0, 0, 0, kInquiryBytes, 0}; }

Bytes read_toc(TocFormat format, std::uint16_t length) {
  const std::uint8_t first = format == TocFormat::full ? 1 : 0;  // of sessions
  return {kReadToc, 0, static_cast<std::uint8_t>(format), 0, 0, 0, first, high(length, 8), high(length, 0), 0};
}

Bytes mode_sense_capabilities(std::uint16_t length) { return {kModeSense, 8, 0x2A, 0, 0, 0, 0, high(length, 8), high(length, 0), 0}; }

Bytes set_speed(std::uint16_t kilobytes) { return {kSetSpeed, 0, high(kilobytes, 8), high(kilobytes, 0), 0xFF, 0xFF, 0, 0, 0, 0, 0, 0}; }

Bytes read_sub_channel(SubChannelFormat format, std::uint8_t track) {
  return {kReadSubChannel, 0, 0x40, static_cast<std::uint8_t>(format), 0, 0, track, high(kSubChannelBytes, 8), high(kSubChannelBytes, 0), 0};
}

Bytes read_cd(Lba first, std::uint32_t sectors, const ReadCdWish& wish) {
  constexpr std::uint8_t kAudio = 1 << 2, kUserData = 0x10, kC2Bits = 1 << 1, kQ = 2;
  const auto at = static_cast<std::uint32_t>(first.value);
  return {kReadCd, kAudio, high(at, 24), high(at, 16), high(at, 8), high(at, 0), high(sectors, 16), high(sectors, 8), high(sectors, 0),
          static_cast<std::uint8_t>(kUserData | (wish.c2 ? kC2Bits : 0)), wish.q ? kQ : std::uint8_t{0}, 0};
}

Result<Identity> parse_inquiry(BytesView data) {
  if (data.size() < kInquiryBytes) return short_answer("INQUIRY", data.size());
  return Identity{(data[0] & 0x1F) == 5, field(data, 8, 8), field(data, 16, 16), field(data, 32, 4)};
}

Result<Capabilities> parse_capabilities(BytesView data) {
  if (data.size() < 8) return short_answer("MODE SENSE", data.size());
  const std::size_t page = 8 + u16(data, 6);
  if (page + 14 > data.size() || (data[page] & 0x3F) != 0x2A) return short_answer("MODE SENSE", data.size());
  Capabilities out;
  out.accurate_stream = (data[page + 5] & 2) != 0;
  out.c2 = (data[page + 5] & 0x10) != 0;
  out.reads_isrc = (data[page + 5] & 0x20) != 0;
  out.reads_mcn = (data[page + 5] & 0x40) != 0;
  out.buffer_kilobytes = u16(data, page + 12);
  return out;
}

Result<Toc> parse_toc(BytesView data) {
  const auto body = body_of(data, "READ TOC");
  if (!body) return body.error();
  Toc toc;
  for (std::size_t at = 0; at + 8 <= body->size(); at += 8) {
    const std::uint8_t number = (*body)[at + 2];
    const Lba start(static_cast<std::int32_t>(u32(*body, at + 4)));
    if (number == 0xAA) toc.lead_out = start;
    else toc.tracks.push_back(track_of(number, (*body)[at + 1] & 15, start));
  }
  return checked(std::move(toc));
}

Result<Toc> parse_full_toc(BytesView data) {
  const auto body = body_of(data, "READ TOC");
  if (!body) return body.error();
  Toc toc;
  for (std::size_t at = 0; at + 11 <= body->size(); at += 11) {
    const std::uint8_t* entry = body->data() + at;
    if (entry[1] >> 4 != 1) continue;  // ADR 1: positions
    const std::int32_t place = (entry[8] * 60 + entry[9]) * static_cast<std::int32_t>(kSectorsPerSecond) + entry[10] - static_cast<std::int32_t>(kLeadIn);
    if (entry[3] == 0xA2) toc.lead_out = std::max(toc.lead_out, Lba(place));
    if (entry[3] < 1 || entry[3] > 99) continue;
    toc.tracks.push_back(track_of(entry[3], entry[1] & 15, Lba(place)));
    toc.tracks.back().session = entry[0];
  }
  return checked(std::move(toc));
}

Result<BytesView> cd_text_packs(BytesView data) {
  const auto body = body_of(data, "READ TOC");
  if (!body) return body.error();
  return body->first(body->size() - body->size() % kPackBytes);
}

std::optional<std::string> parse_mcn(BytesView data) {
  if (data.size() < kSubChannelBytes || data[4] != 2 || (data[8] & 0x80) == 0) return std::nullopt;
  const std::string mcn(as_text(data.subspan(9, 13)));
  if (!is_mcn(mcn) || mcn == "0000000000000") return std::nullopt;
  return mcn;
}

std::optional<std::string> parse_isrc(BytesView data) {
  if (data.size() < kSubChannelBytes || data[4] != 3 || (data[8] & 0x80) == 0) return std::nullopt;
  const std::string isrc(as_text(data.subspan(9, 12)));
  if (!is_isrc(isrc)) return std::nullopt;
  return isrc;
}

Status parse_read_cd(BytesView data, const ReadCdWish& wish, std::span<SectorRead> out) {
  if (data.size() < out.size() * wish.sector_bytes()) return short_answer("READ CD", data.size());
  for (SectorRead& sector : out) {
    sector = SectorRead();
    std::memcpy(sector.audio.data(), data.data(), kSectorBytes);
    std::size_t at = kSectorBytes;
    if (wish.c2) {
      sector.c2.emplace();
      std::memcpy(sector.c2->data(), data.data() + at, kC2Bytes);
      at += kC2Bytes;
    }
    if (wish.q) {
      if (const auto position = q_position(data.subspan(at, kQBytes))) sector.at = position->at;
    }
    data = data.subspan(wish.sector_bytes());
  }
  return {};
}

Error sense_error(BytesView sense) {
  struct Known {
    std::uint8_t asc, ascq;
    std::string_view text;
  };
  constexpr std::array<Known, 9> kKnown = {{{0x02, 0x00, "no seek complete"}, {0x04, 0x01, "the drive is getting ready"}, {0x09, 0x00, "track following error"},
                                            {0x11, 0x00, "unrecovered read error"}, {0x11, 0x05, "uncorrectable error"}, {0x20, 0x00, "unknown command"},
                                            {0x21, 0x00, "sector out of range"}, {0x3A, 0x00, "no disc"}, {0x64, 0x00, "not an audio sector"}}};
  constexpr std::array<std::string_view, 16> kKeys = {"no sense", "recovered error", "not ready", "medium error", "hardware error", "illegal request", "unit attention", "data protect",
                                                      "blank check", "vendor specific", "copy aborted", "aborted command", "equal", "volume overflow", "miscompare", "completed"};
  const bool descriptor = sense.size() >= 4 && (sense[0] & 0x7F) >= 0x72;
  const std::uint8_t key = sense.size() < 4 ? 0 : (descriptor ? sense[1] : sense[2]) & 15;
  const std::uint8_t asc = descriptor ? sense[2] : sense.size() > 13 ? sense[12] : 0, ascq = descriptor ? sense[3] : sense.size() > 13 ? sense[13] : 0;
  std::string text(kKeys[key]);
  for (const Known& known : kKnown) {
    if (known.asc == asc && (known.ascq == ascq || known.asc == 0x3A)) text += ": " + std::string(known.text);
  }
  char code[16];
  std::snprintf(code, sizeof code, " (%x/%02x/%02x)", key, asc, ascq);
  const Errc errc = asc == 0x3A ? Errc::not_found : asc == 0x04 || key == 6 ? Errc::busy : key == 3 ? Errc::data_loss : key == 5 ? Errc::unsupported : Errc::io;
  return {errc, text + code};
}

}  // namespace ghost::audiojuggler::mmc
