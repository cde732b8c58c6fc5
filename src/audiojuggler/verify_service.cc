#include "audiojuggler/verify_service.h"

#include <algorithm>
#include <cstring>

#include "audiojuggler/track_file_service.h"
#include "audiojuggler/track_reader_service.h"
#include "base/file.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kMaxRip = 64 * 1024 * 1024;

/// The disc's samples, in order, for a comparison.
class DiscSamples {
 public:
  DiscSamples(Drive& drive, const Toc& toc, int offset, const std::atomic<bool>& cancelled, std::uint32_t start, std::uint32_t sectors)
      : reader_(drive, toc, offset, cancelled), window_(TrackReader::window_of(GrabRules::of(drive.info()))), at_(start), end_(start + sectors) {}

  /// Whether the next bytes of the disc are these; an error when it can't be read beyond doubt.
  Result<bool> same(BytesView wanted) {
    while (!wanted.empty()) {
      if (place_ == samples_.size()) {
        if (at_ == end_) return false;
        if (const Status filled = fill(); !filled) return filled.error();
      }
      const std::size_t count = std::min(wanted.size(), samples_.size() - place_);
      if (std::memcmp(wanted.data(), samples_.data() + place_, count) != 0) return false;
      place_ += count;
      wanted = wanted.subspan(count);
    }
    return true;
  }
  bool at_end() const { return at_ == end_ && place_ == samples_.size(); }

 private:
  Status fill() {
    const std::uint32_t sectors = std::min(window_, end_ - at_);
    std::vector<Doubt> doubts;
    auto samples = reader_.read_window(Lba(static_cast<std::int32_t>(at_)), sectors, doubts, [](std::uint32_t, std::uint64_t) {});
    if (!samples) return samples.error();
    if (!doubts.empty()) return Error{Errc::data_loss, "sector " + std::to_string(doubts[0].sector.value) + " of the disc is in doubt: " + doubts[0].why};
    samples_ = std::move(*samples);
    place_ = 0;
    at_ += sectors;
    return {};
  }

  TrackReader reader_;
  std::uint32_t window_, at_, end_;
  Bytes samples_;
  std::size_t place_ = 0;
};

/// Why a disc cannot be the one that was grabbed.
Status same_layout(const Toc& grabbed, const Toc& disc) {
  bool same = grabbed.tracks.size() == disc.tracks.size() && grabbed.lead_out == disc.lead_out;
  for (std::size_t i = 0; same && i < disc.tracks.size(); ++i) same = grabbed.tracks[i].start == disc.tracks[i].start && grabbed.tracks[i].audio == disc.tracks[i].audio;
  if (same) return {};
  return Error{Errc::conflict, "this is another disc: its tracks do not lie where those of the grab did"};
}

class Check {
 public:
  Check(const std::filesystem::path& folder, const Rip& rip, Drive* drive, const Toc* disc, const VerifyObserver& observer, const std::atomic<bool>& cancelled)
      : folder_(folder), rip_(rip), drive_(drive), disc_(disc), observer_(observer), cancelled_(cancelled) {
    for (const RipTrack& track : rip.tracks) total_ += track.file.empty() ? 0 : std::uint64_t{track.sectors} * kSectorBytes;
  }

  Result<VerifiedTrack> track(const RipTrack& told) {
    VerifiedTrack out;
    out.number = told.number;
    out.file = told.file;
    std::optional<DiscSamples> disc;
    if (drive_ != nullptr) disc.emplace(*drive_, *disc_, rip_.exact || drive_->info().exact ? 0 : rip_.offset, cancelled_, told.start, told.sectors);
    Sha256 sha;
    Crc32 crc;
    std::uint64_t bytes = 0;
    bool same = true;
    const Status decoded = decode_track(folder_ / told.file, cancelled_, [&](BytesView samples) -> Status {
      sha.update(samples);
      crc.update(samples);
      if (disc && same) {
        const auto equal = disc->same(samples);
        if (!equal) return equal.error();
        same = *equal;
        if (!same) out.why = "it differs from the disc within 4096 samples after sample " + std::to_string(bytes / kFrameBytes);
      }
      bytes += samples.size();
      done_ += samples.size();
      observer_.on_progress(done_, total_);
      return {};
    });
    if (!decoded && decoded.error().code == Errc::cancelled) return decoded.error();
    out.compared = disc.has_value();
    out.sound = decoded && to_hex(sha.finish()) == told.sha256 && crc.value() == told.crc32;
    out.same = disc && decoded && same && disc->at_end();
    if (!decoded) out.why = decoded.error().message;
    else if (!out.sound) out.why = "its samples are not those that rip.json tells of";
    else if (out.compared && !out.same && out.why.empty()) out.why = "the disc has more samples";
    return out;
  }

 private:
  const std::filesystem::path& folder_;
  const Rip& rip_;
  Drive* drive_;
  const Toc* disc_;
  const VerifyObserver& observer_;
  const std::atomic<bool>& cancelled_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

bool Verification::good() const {
  return log_whole && std::all_of(tracks.begin(), tracks.end(), [](const VerifiedTrack& track) { return track.good(); });
}

Result<Verification> verify(const std::filesystem::path& folder, Drive* against, const VerifyObserver& observer, const std::atomic<bool>& cancelled) {
  const auto text = read_file(folder / "rip.json", kMaxRip);
  if (!text) {
    Error error = text.error();
    if (error.code == Errc::not_found) error.message += "; verify takes the folder of a finished grab";
    return error;
  }
  auto rip = parse_rip_json(*text);
  if (!rip) return rip.error().in(folder.string());
  Verification out;
  out.rip = std::move(*rip);
  std::optional<Disc> disc;
  if (against != nullptr) {
    auto read = against->read_disc();
    if (!read) return read.error();
    if (const Status same = same_layout(out.rip.disc.toc, read->toc); !same) return same.error();
    disc = std::move(*read);
  }
  observer.on_rip(out.rip);
  const auto log = read_file(folder / "rip.log", kMaxRip);
  out.log_whole = log && log_is_whole(*log);
  Check check(folder, out.rip, against, disc ? &disc->toc : nullptr, observer, cancelled);
  for (std::size_t i = 0; i < out.rip.tracks.size(); ++i) {
    const RipTrack& told = out.rip.tracks[i];
    if (told.file.empty()) continue;
    if (std::filesystem::path(told.file).filename() != told.file) return Error{Errc::malformed, "rip.json names the file " + told.file + ", which is outside the folder"};
    auto track = check.track(told);
    if (!track) return track.error();
    observer.on_track(i, *track);
    out.tracks.push_back(std::move(*track));
  }
  return out;
}

}  // namespace ghost::audiojuggler
