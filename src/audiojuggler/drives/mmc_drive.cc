#include "audiojuggler/drives/mmc_drive.h"

#include <algorithm>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/subchannel.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::uint32_t kChunk = 24;             // sectors a command: 64 KiB, which every adapter carries
constexpr std::uint16_t kTocBytes = 4096, kCdTextBytes = 0x9000;
constexpr unsigned kReadyAttempts = 3;           // a unit attention is told once for each thing that happened
constexpr std::uint32_t kKilobytesAtPlayingSpeed = 177;
constexpr std::int32_t kQAttempts = 8;           // neighbours looked at for a sound Q of mode 1

}  // namespace

Result<std::unique_ptr<MmcDrive>> MmcDrive::open(std::unique_ptr<ScsiPort> port, std::string path) {
  std::unique_ptr<MmcDrive> drive(new MmcDrive(std::move(port), std::move(path)));
  if (const Status known = drive->identify(); !known) return known.error().in(drive->info_.path);
  return drive;
}

Result<Bytes> MmcDrive::command(const Bytes& cdb, std::size_t wanted) {
  auto answer = port_->run(cdb, wanted);
  if (!answer) return answer.error();
  if (answer->status == mmc::kCheckCondition) return mmc::sense_error(answer->sense);
  if (answer->status != mmc::kGood) return Error{Errc::io, "the drive ended a command with status " + std::to_string(answer->status)};
  return std::move(answer->data);
}

Status MmcDrive::identify() {
  const auto inquiry = command(mmc::inquiry(), mmc::kInquiryBytes);
  if (!inquiry) return inquiry.error();
  const auto identity = mmc::parse_inquiry(*inquiry);
  if (!identity) return identity.error();
  if (!identity->is_cd) return Error{Errc::unsupported, identity->vendor + " " + identity->model + " is no CD drive"};
  info_.vendor = identity->vendor;
  info_.model = identity->model;
  info_.revision = identity->revision;
  const auto page = command(mmc::mode_sense_capabilities(128), 128);
  if (!page) return {};  // an old drive without the page: nothing is known of it
  if (const auto capabilities = mmc::parse_capabilities(*page)) capabilities_ = *capabilities;
  info_.c2 = capabilities_.c2;
  info_.accurate_stream = capabilities_.accurate_stream;
  info_.cache_sectors = static_cast<std::uint32_t>(std::uint64_t{capabilities_.buffer_kilobytes} * 1024 / kSectorBytes);
  wish_ = {capabilities_.c2, true};
  return {};
}

Status MmcDrive::wait_until_ready() {
  Status last;
  for (unsigned attempt = 0; attempt < kReadyAttempts; ++attempt) {
    const auto ready = command(mmc::test_unit_ready(), 0);
    if (ready) return {};
    last = ready.error().in(info_.path);
    if (ready.error().code != Errc::busy) break;
  }
  return last;
}

bool MmcDrive::has_disc() { return wait_until_ready().has_value(); }

Result<Toc> MmcDrive::read_toc() {
  if (const auto full = command(mmc::read_toc(mmc::TocFormat::full, kTocBytes), kTocBytes)) {
    if (auto toc = mmc::parse_full_toc(*full)) return toc;
  }
  const auto plain = command(mmc::read_toc(mmc::TocFormat::toc, kTocBytes), kTocBytes);
  if (!plain) return plain.error();
  return mmc::parse_toc(*plain);
}

Result<Bytes> MmcDrive::raw_q(Lba at) {
  const mmc::ReadCdWish wish{false, true};
  auto data = command(mmc::read_cd(at, 1, wish), wish.sector_bytes());
  if (!data) return data.error();
  if (data->size() < wish.sector_bytes()) return Error{Errc::malformed, "no Q"};
  return Bytes(data->begin() + static_cast<std::ptrdiff_t>(kSectorBytes), data->end());
}

/// The track that the Q of this sector, or of one soon after it, names. Every hundredth or so tells of something else.
std::optional<std::uint8_t> MmcDrive::track_at(Lba at) {
  for (std::int32_t i = 0; i < kQAttempts; ++i) {
    const auto q = raw_q(Lba(at.value + i));
    if (!q) continue;
    const auto position = q_position(*q);
    if (position && std::abs(position->at.value - at.value) < kQAttempts) return position->track;
  }
  return std::nullopt;
}

/// A track's pregap begins where the Q first has its number: found by halving, since numbers only rise.
void MmcDrive::find_pregaps(Toc& toc) {
  for (std::size_t i = 0; i < toc.tracks.size(); ++i) {
    Track& track = toc.tracks[i];
    if (i == 0) {
      track.pregap = static_cast<std::uint32_t>(std::max(0, track.start.value));
      continue;
    }
    if (!track.audio || track.session != toc.tracks[i - 1].session) continue;
    std::int32_t before = toc.tracks[i - 1].start.value, from = track.start.value;  // `before` is the last track's, `from` this one's
    while (from - before > 1) {
      const std::int32_t middle = before + (from - before) / 2;
      const auto number = track_at(Lba(middle));
      if (!number) break;
      (*number >= track.number ? from : before) = middle;
    }
    // The sectors after a Q of another kind are asked in its stead, so the place found may be a few too early.
    while (from < track.start.value) {
      const auto q = raw_q(Lba(from));
      const auto position = q ? q_position(*q) : std::nullopt;
      if (!position || position->track >= track.number) break;
      ++from;
    }
    track.pregap = static_cast<std::uint32_t>(track.start.value - from);
  }
}

Result<Disc> MmcDrive::read_disc() {
  if (disc_) return *disc_;
  if (const Status ready = wait_until_ready(); !ready) return ready.error();
  auto toc = read_toc();
  if (!toc) return toc.error().in(info_.path);
  Disc disc;
  disc.toc = std::move(*toc);
  disc.tracks.resize(disc.toc.tracks.size());
  find_pregaps(disc.toc);
  for (std::size_t i = 0; i < disc.toc.tracks.size(); ++i) {
    if (!disc.toc.tracks[i].audio) continue;
    const auto data = command(mmc::read_sub_channel(mmc::SubChannelFormat::isrc, disc.toc.tracks[i].number), mmc::kSubChannelBytes);
    if (data) disc.tracks[i].isrc = mmc::parse_isrc(*data).value_or("");
  }
  if (const auto data = command(mmc::read_sub_channel(mmc::SubChannelFormat::mcn, 0), mmc::kSubChannelBytes)) disc.mcn = mmc::parse_mcn(*data).value_or("");
  if (const auto data = command(mmc::read_toc(mmc::TocFormat::cd_text, kCdTextBytes), kCdTextBytes)) {
    if (const auto packs = mmc::cd_text_packs(*data); packs && !packs->empty()) {
      const auto text = decode_cd_text(*packs);
      if (text) fill_from(disc, *text);
    }
  }
  disc_ = std::move(disc);
  return *disc_;
}

Status MmcDrive::read_chunk(Lba first, std::span<SectorRead> out) {
  const auto data = command(mmc::read_cd(first, static_cast<std::uint32_t>(out.size()), wish_), out.size() * wish_.sector_bytes());
  if (!data) return data.error();
  return mmc::parse_read_cd(*data, wish_, out);
}

Status MmcDrive::read(Lba first, std::span<SectorRead> out) {
  for (std::size_t at = 0; at < out.size(); at += kChunk) {
    const auto chunk = out.subspan(at, std::min<std::size_t>(kChunk, out.size() - at));
    const Lba place(first.value + static_cast<std::int32_t>(at));
    const Status read_at_once = read_chunk(place, chunk);
    if (read_at_once) continue;
    if (read_at_once.error().code == Errc::not_found) return read_at_once.error().in(info_.path);  // the disc is gone
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const Status one = read_chunk(Lba(place.value + static_cast<std::int32_t>(i)), chunk.subspan(i, 1));
      if (!one) {
        chunk[i] = SectorRead();
        chunk[i].error = one.error();
      }
    }
  }
  return {};
}

void MmcDrive::set_speed(unsigned times) {
  const std::uint32_t kilobytes = times == 0 ? 0xFFFF : std::min<std::uint32_t>(0xFFFF, times * kKilobytesAtPlayingSpeed);
  (void)command(mmc::set_speed(static_cast<std::uint16_t>(kilobytes)), 0);  // a drive may do as it likes
}

}  // namespace ghost::audiojuggler
