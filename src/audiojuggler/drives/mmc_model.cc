#include "audiojuggler/drives/mmc_model.h"

#include <algorithm>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/drives/mmc.h"
#include "audiojuggler/subchannel.h"

namespace ghost::audiojuggler {

namespace {

std::uint8_t byte(std::int64_t value, int shift) { return static_cast<std::uint8_t>(value >> shift & 0xFF); }

/// Length first, as READ TOC answers.
Bytes with_length(Bytes body, std::uint8_t first, std::uint8_t last) {
  const auto length = static_cast<std::int64_t>(body.size() + 2);
  Bytes out = {byte(length, 8), byte(length, 0), first, last};
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

std::int32_t from_be(BytesView command, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | command[at + i];
  return static_cast<std::int32_t>(value);
}

void put_msf(Bytes& out, Lba at) {
  const std::int32_t place = at.value + static_cast<std::int32_t>(kLeadIn);
  for (const std::int32_t value : {place / 75 / 60, place / 75 % 60, place % 75}) out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

ScsiAnswer MmcModel::failed(std::uint8_t key, std::uint8_t asc, std::uint8_t ascq) {
  Bytes sense(18, 0);
  sense[0] = 0x70;
  sense[2] = key;
  sense[12] = asc;
  sense[13] = ascq;
  return {mmc::kCheckCondition, {}, sense};
}

std::uint8_t MmcModel::control_of(const Track& track) {
  return static_cast<std::uint8_t>((track.audio ? 0 : 4) | (track.pre_emphasis ? 1 : 0) | (track.copy_permitted ? 2 : 0) | (track.four_channels ? 8 : 0));
}

Result<ScsiAnswer> MmcModel::run(BytesView command, std::size_t wanted) {
  ScsiAnswer answer;
  const std::uint8_t code = command[0];
  if (code == mmc::kInquiry) answer = inquiry();
  else if (code == mmc::kModeSense) answer = capabilities();
  else if (!has_disc) answer = failed(2, 0x3A, 0);
  else if (code == mmc::kReadToc) answer = read_toc(command);
  else if (code == mmc::kReadSubChannel) answer = sub_channel(command);
  else if (code == mmc::kReadCd) answer = read_cd(command);
  else if (code == mmc::kSetSpeed) speed = static_cast<std::uint16_t>(from_be(command, 2, 2));
  else if (code != mmc::kTestUnitReady) answer = failed(5, 0x20, 0);
  if (answer.data.size() > wanted) answer.data.resize(wanted);
  return answer;
}

ScsiAnswer MmcModel::inquiry() const {
  Bytes data(mmc::kInquiryBytes, ' ');
  data[0] = 5;
  data[1] = 0x80;
  const auto put = [&](std::size_t at, std::string_view text) { std::copy(text.begin(), text.end(), data.begin() + static_cast<std::ptrdiff_t>(at)); };
  put(8, "MODEL");
  put(16, "CD DRIVE");
  put(32, "1.00");
  return {mmc::kGood, data, {}};
}

ScsiAnswer MmcModel::capabilities() const {
  Bytes data(8 + 22, 0);
  data[8] = 0x2A;
  data[9] = 20;
  data[13] = static_cast<std::uint8_t>(0x62 | (options_.c2 ? 0x10 : 0));
  const std::int64_t kilobytes = (std::int64_t{options_.cache_sectors} * static_cast<std::int64_t>(kSectorBytes) + 1023) / 1024;
  data[20] = byte(kilobytes, 8);
  data[21] = byte(kilobytes, 0);
  return {mmc::kGood, data, {}};
}

Bytes MmcModel::plain_toc() const {
  Bytes body;
  const auto add = [&](std::uint8_t number, std::uint8_t control, Lba at) {
    body.insert(body.end(), {0, static_cast<std::uint8_t>(0x10 | control), number, 0, byte(at.value, 24), byte(at.value, 16), byte(at.value, 8), byte(at.value, 0)});
  };
  for (const Track& track : disc_.toc.tracks) add(track.number, control_of(track), track.start);
  add(0xAA, 0, disc_.toc.lead_out);
  return with_length(body, disc_.toc.tracks.front().number, disc_.toc.tracks.back().number);
}

Bytes MmcModel::full_toc() const {
  Bytes body;
  const auto add = [&](std::uint8_t session, std::uint8_t control, std::uint8_t point, Lba at) {
    body.insert(body.end(), {session, static_cast<std::uint8_t>(0x10 | control), 0, point, 0, 0, 0, 0});
    put_msf(body, at);
  };
  const std::uint8_t last = disc_.toc.tracks.back().session;
  for (const Track& track : disc_.toc.tracks) add(track.session, control_of(track), track.number, track.start);
  add(last, 0, 0xA2, disc_.toc.lead_out);
  return with_length(body, 1, last);
}

ScsiAnswer MmcModel::read_toc(BytesView command) const {
  const auto format = static_cast<mmc::TocFormat>(command[2] & 15);
  if (format == mmc::TocFormat::toc) return {mmc::kGood, plain_toc(), {}};
  if (format == mmc::TocFormat::full) return {mmc::kGood, full_toc(), {}};
  if (format != mmc::TocFormat::cd_text || !options_.cd_text) return failed(5, 0x24, 0);
  CdText text;
  text.disc = disc_.text;
  for (std::size_t i = 0; i < disc_.tracks.size(); ++i) text.tracks[disc_.toc.tracks[i].number] = disc_.tracks[i].text;
  const auto packs = encode_cd_text(text, disc_.toc.tracks.front().number, disc_.toc.tracks.back().number);
  if (!packs) return failed(5, 0x24, 0);
  return {mmc::kGood, with_length(*packs, 0, 0), {}};
}

ScsiAnswer MmcModel::sub_channel(BytesView command) const {
  Bytes data(mmc::kSubChannelBytes, 0);
  data[3] = 20;
  data[4] = command[3];
  std::string text;
  if (command[3] == 2) text = disc_.mcn;
  for (std::size_t i = 0; command[3] == 3 && i < disc_.tracks.size(); ++i) {
    if (disc_.toc.tracks[i].number == command[6]) text = disc_.tracks[i].isrc;
  }
  if (!text.empty()) data[8] = 0x80;
  std::copy(text.begin(), text.end(), data.begin() + 9);
  return {mmc::kGood, data, {}};
}

/// Q as a pressed disc has it: mostly positions, now and then the catalogue number or an ISRC.
std::array<std::uint8_t, 12> MmcModel::q_of(std::int32_t at) const {
  const auto sector = static_cast<std::uint32_t>(at + static_cast<std::int32_t>(kLeadIn));
  std::size_t i = disc_.toc.tracks.size() - 1;
  while (i > 0 && at < disc_.toc.tracks[i].start.value - static_cast<std::int32_t>(disc_.toc.tracks[i].pregap)) --i;
  if (at % 97 == 50 && !disc_.mcn.empty()) return make_q_mcn(disc_.mcn, sector);
  if (at % 97 == 90 && !disc_.tracks[i].isrc.empty()) return make_q_isrc(disc_.tracks[i].isrc, sector);
  const Track& track = disc_.toc.tracks[i];
  std::uint8_t index = at < track.start.value ? 0 : 1;
  for (const Lba later : track.indexes) index = static_cast<std::uint8_t>(index + (at >= later.value ? 1 : 0));
  return make_q_position({control_of(track), track.number, index, static_cast<std::uint32_t>(std::abs(at - track.start.value)), Lba(at)});
}

MmcModel::Reading MmcModel::reading_of(std::int32_t at) {
  if (const auto kept = cache_.find(at); kept != cache_.end()) return kept->second;
  const auto fault = options_.faults.find(at);
  const bool faulty = fault != options_.faults.end();
  Reading out;
  out.at = at;
  if (faulty && readings_[at]++ < fault->second.shifted) out.at = at + 1;
  for (std::size_t i = 0; i < kSectorBytes; ++i) {
    const std::int64_t place = std::int64_t{out.at} * static_cast<std::int64_t>(kSectorBytes) + static_cast<std::int64_t>(i) - std::int64_t{options_.read_offset} * static_cast<std::int64_t>(kFrameBytes);
    out.audio[i] = place < 0 || place >= static_cast<std::int64_t>(samples_.size()) ? std::uint8_t{0} : samples_[static_cast<std::size_t>(place)];
  }
  for (std::size_t frame = 0; faulty && frame < kSectorFrames; ++frame) {
    if (!random_.chance(fault->second.wrong)) continue;
    std::uint8_t& damaged = out.audio[frame * kFrameBytes + random_.below(kFrameBytes)];
    damaged = static_cast<std::uint8_t>(damaged ^ (1 + random_.below(255)));
    if (!options_.c2_lies) out.c2[frame / 2] = static_cast<std::uint8_t>(out.c2[frame / 2] | (frame % 2 == 0 ? 0xF0 : 0x0F));
  }
  if (options_.cache_sectors > 0) {
    cache_[at] = out;
    cached_.push_back(at);
    if (cached_.size() > options_.cache_sectors) {
      cache_.erase(cached_.front());
      cached_.pop_front();
    }
  }
  return out;
}

ScsiAnswer MmcModel::read_cd(BytesView command) {
  const std::int32_t first = from_be(command, 2, 4), count = from_be(command, 6, 3);
  ScsiAnswer answer;
  for (std::int32_t at = first; at < first + count; ++at) {
    if (at < 0 || at >= disc_.toc.lead_out.value) return failed(5, 0x21, 0);
    ++sectors_read;
    if (const auto fault = options_.faults.find(at); fault != options_.faults.end() && fault->second.unreadable) return failed(3, 0x11, 0x05);
    const Reading reading = reading_of(at);
    answer.data.insert(answer.data.end(), reading.audio.begin(), reading.audio.end());
    if ((command[9] & 6) != 0) answer.data.insert(answer.data.end(), reading.c2.begin(), reading.c2.end());
    if ((command[10] & 7) == 2) {
      const auto q = q_of(reading.at);
      answer.data.insert(answer.data.end(), q.begin(), q.end());
      answer.data.insert(answer.data.end(), 4, 0);
    }
  }
  return answer;
}

}  // namespace ghost::audiojuggler
