#include "audiojuggler/track_reader_service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>

#include "audiojuggler/checksum.h"
#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::uint32_t kWindow = 4500;       // a minute
constexpr std::uint32_t kImageWindow = 750;
constexpr unsigned kSlow = 4;                 // times playing speed
constexpr std::size_t kMaxEvidence = 64 * 1024 * 1024;

/// A settled window as it is kept: one line of JSON.
struct Window {
  std::uint32_t sectors = 0, crc = 0;
  std::vector<Doubt> doubts;
};

std::string line_of(const Window& window) {
  nlohmann::ordered_json doubts = nlohmann::ordered_json::array();
  for (const Doubt& doubt : window.doubts) doubts.push_back({{"sector", doubt.sector.value}, {"frames", doubt.frames}, {"why", doubt.why}});
  const nlohmann::ordered_json out = {{"sectors", window.sectors}, {"crc32", window.crc}, {"doubts", doubts}};
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::optional<Window> window_of_line(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    Window out{json.at("sectors").get<std::uint32_t>(), json.at("crc32").get<std::uint32_t>(), {}};
    for (const auto& doubt : json.at("doubts")) out.doubts.push_back({Lba(doubt.at("sector").get<std::int32_t>()), doubt.at("frames").get<std::vector<std::uint16_t>>(), doubt.value("why", "")});
    return out;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// The samples of a track so far and what is known of them.
class KeptSamples {
 public:
  Status open(const GrabFolder& folder, unsigned number) {
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC;
    path_ = folder.samples(number);
    samples_.reset(::open(path_.c_str(), flags, 0644));
    windows_.reset(::open(folder.evidence(number).c_str(), flags | O_APPEND, 0644));
    if (!samples_ || !windows_) return write_error(errno, path_);
    return read_back(folder.evidence(number));
  }

  std::uint32_t sectors() const { return sectors_; }
  std::vector<Doubt>& doubts() { return doubts_; }

  Status add(BytesView samples, std::vector<Doubt> doubts) {
    const Window window{static_cast<std::uint32_t>(samples.size() / kSectorBytes), crc32(samples), doubts};
    std::uint64_t place = std::uint64_t{sectors_} * kSectorBytes;
    while (!samples.empty()) {
      const ssize_t n = ::pwrite(samples_.get(), samples.data(), samples.size(), static_cast<off_t>(place));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return write_error(errno, path_);
      place += static_cast<std::uint64_t>(n);
      samples = samples.subspan(static_cast<std::size_t>(n));
    }
    const std::string line = line_of(window);
    errno = ENOSPC;  // what a write that ends early means
    if (::write(windows_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return write_error(errno, path_);
    sectors_ += window.sectors;
    doubts_.insert(doubts_.end(), doubts.begin(), doubts.end());
    return {};
  }

 private:
  /// Takes the windows whose samples are as they were written, up to the first that is not.
  Status read_back(const std::filesystem::path& evidence) {
    const auto text = read_file(evidence, kMaxEvidence);
    if (!text) return text.error();
    std::size_t at = 0;
    for (std::size_t end = text->find('\n'); end != text->npos; end = text->find('\n', at)) {
      const auto window = window_of_line(std::string_view(*text).substr(at, end - at));
      if (!window || window->sectors == 0 || window->sectors > kMaxSectors || !holds(*window)) break;
      sectors_ += window->sectors;
      doubts_.insert(doubts_.end(), window->doubts.begin(), window->doubts.end());
      at = end + 1;
    }
    if (at < text->size() && ::ftruncate(windows_.get(), static_cast<off_t>(at)) != 0) return write_error(errno, path_);
    return {};
  }

  bool holds(const Window& window) const {
    Bytes samples(std::size_t{window.sectors} * kSectorBytes);
    const ssize_t got = ::pread(samples_.get(), samples.data(), samples.size(), static_cast<off_t>(std::uint64_t{sectors_} * kSectorBytes));
    return got == static_cast<ssize_t>(samples.size()) && crc32(samples) == window.crc;
  }

  std::filesystem::path path_;
  UniqueFd samples_, windows_;
  std::uint32_t sectors_ = 0;
  std::vector<Doubt> doubts_;
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// A drive's doubts as doubts of the disc: `shift` PCM frames earlier, only what is in [first, first + sectors).
std::vector<Doubt> shifted(const std::vector<Doubt>& doubts, int shift, Lba first, std::uint32_t sectors) {
  std::map<std::int32_t, Doubt> out;
  for (const Doubt& doubt : doubts) {
    for (const std::uint16_t frame : doubt.frames) {
      const std::int64_t place = std::int64_t{doubt.sector.value} * static_cast<std::int64_t>(kSectorFrames) + frame - shift;
      const auto sector = static_cast<std::int32_t>(floor_div(place, static_cast<std::int64_t>(kSectorFrames)));
      if (sector < first.value || sector >= first.value + static_cast<std::int32_t>(sectors)) continue;
      Doubt& where = out[sector];
      where.sector = Lba(sector);
      where.why = doubt.why;
      where.frames.push_back(static_cast<std::uint16_t>(place - std::int64_t{sector} * static_cast<std::int64_t>(kSectorFrames)));
    }
  }
  std::vector<Doubt> list;
  for (auto& [sector, doubt] : out) list.push_back(std::move(doubt));
  return list;
}

}  // namespace

std::uint32_t TrackReader::window_of(const GrabRules& rules) {
  return rules.passes == 1 ? kImageWindow : std::max(kWindow, 2 * rules.cache_sectors);
}

/// Reads what is on the disc; what lies before or behind it, by the read offset, is silence.
Status TrackReader::read_checked(const GrabRead& read, std::vector<SectorRead>& out) {
  out.assign(read.sectors, SectorRead());
  const std::int32_t first = std::clamp(read.first.value, 0, toc_.lead_out.value);
  const std::int32_t last = std::clamp(read.first.value + static_cast<std::int32_t>(read.sectors), first, toc_.lead_out.value);
  if (first == last) return {};
  const auto from = static_cast<std::size_t>(first - read.first.value);
  return drive_.read(Lba(first), std::span(out).subspan(from, static_cast<std::size_t>(last - first)));
}

Status TrackReader::run(Grabber& grabber, const std::function<void(std::uint32_t, std::uint64_t)>& tell) {
  std::vector<SectorRead> sectors;
  while (const auto read = grabber.next()) {
    if (cancelled_) return Error{Errc::cancelled, "cancelled"};
    if (read->slow != slow_) drive_.set_speed(read->slow ? kSlow : 0);
    slow_ = read->slow;
    if (const Status done = read_checked(*read, sectors); !done) return done;
    grabber.on_read(*read, sectors);
    tell(grabber.settled(), grabber.sectors_read());
  }
  return {};
}

Result<Bytes> TrackReader::read_window(Lba first, std::uint32_t sectors, std::vector<Doubt>& doubts, const std::function<void(std::uint32_t, std::uint64_t)>& tell) {
  const std::int64_t frames = static_cast<std::int64_t>(kSectorFrames);
  const std::int64_t from = std::int64_t{first.value} * frames + offset_, to = from + std::int64_t{sectors} * frames;
  const auto drive_first = static_cast<std::int32_t>(floor_div(from, frames)), drive_end = static_cast<std::int32_t>(floor_div(to + frames - 1, frames));
  Grabber grabber(Lba(drive_first), static_cast<std::uint32_t>(drive_end - drive_first), GrabRules::of(drive_.info()), Lba(0), toc_.lead_out);
  if (const Status done = run(grabber, tell); !done) return done.error();
  doubts = shifted(grabber.doubts(), offset_, first, sectors);
  const auto skip = static_cast<std::size_t>(from - std::int64_t{drive_first} * frames) * kFrameBytes;
  return to_bytes(grabber.samples().subspan(skip, std::size_t{sectors} * kSectorBytes));
}

Result<std::vector<Doubt>> TrackReader::read(const Part& part, const GrabFolder& folder, const Tell& tell) {
  KeptSamples kept;
  if (const Status opened = kept.open(folder, part.number); !opened) return opened.error();
  const std::uint32_t window = window_of(GrabRules::of(drive_.info()));
  std::uint64_t read_before = 0;
  while (kept.sectors() < part.sectors) {
    const std::uint32_t sectors = std::min(window, part.sectors - kept.sectors());
    std::vector<Doubt> doubts;
    std::uint64_t read_here = 0;
    const auto samples = read_window(Lba(static_cast<std::int32_t>(part.start + kept.sectors())), sectors, doubts, [&](std::uint32_t settled, std::uint64_t read) {
      read_here = read;
      tell({std::min(part.sectors, kept.sectors() + std::min(settled, sectors)), read_before + read});
    });
    if (!samples) return samples.error();
    read_before += read_here;
    if (const Status added = kept.add(*samples, std::move(doubts)); !added) return added.error();
  }
  tell({part.sectors, read_before});
  return kept.doubts();
}

}  // namespace ghost::audiojuggler
