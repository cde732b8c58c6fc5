#include "audiojuggler/grab_service.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "audiojuggler/grab_folder_service.h"
#include "audiojuggler/names.h"
#include "audiojuggler/track_file_service.h"
#include "audiojuggler/track_reader_service.h"

namespace ghost::audiojuggler {

namespace {

/// A track to grab; the hidden one has no place in the TOC.
struct Work {
  std::optional<std::size_t> index;
  PlannedTrack plan;
  std::uint32_t start = 0;
  std::vector<Doubt> doubts;
  std::uint32_t read = 0, written = 0;  ///< sectors
};

std::vector<Work> plan(const Disc& disc, const GrabOptions& options) {
  std::vector<Work> out;
  if (const std::uint32_t hidden = disc.toc.hidden_sectors(); hidden > 0) {
    out.push_back({std::nullopt, {0, "", file_name(0, "", options.format), hidden}, 0, {}});
  }
  for (std::size_t i = 0; i < disc.toc.tracks.size(); ++i) {
    const Track& track = disc.toc.tracks[i];
    const std::string& title = disc.tracks[i].text.title;
    if (track.audio) out.push_back({i, {track.number, title, file_name(track.number, title, options.format), disc.toc.sectors_of(i)}, static_cast<std::uint32_t>(track.start.value), {}});
  }
  return out;
}

/// One grab under way: the calling thread reads, others write.
class Grab {
 public:
  Grab(Drive& drive, const GrabOptions& options, GrabObserver& observer, const std::atomic<bool>& cancelled)
      : drive_(drive), options_(options), observer_(observer), cancelled_(cancelled) {}

  Result<Rip> run() {
    auto disc = drive_.read_disc();
    if (!disc) return disc.error();
    disc_ = std::move(*disc);
    if (disc_.toc.audio_tracks() == 0) return Error{Errc::malformed, options_.source + " has no audio track, so there is nothing to grab"};
    if (!options_.titles.empty()) {
      if (const Status named = apply_titles(disc_, options_.titles); !named) return named.error();
    }
    works_ = plan(disc_, options_);
    auto folder = GrabFolder::open(options_.into, identity());
    if (!folder) return folder.error();
    folder_ = &*folder;
    done_.resize(works_.size());
    std::vector<PlannedTrack> planned;
    for (const Work& work : works_) planned.push_back(work.plan);
    observer_.on_disc(disc_, planned);
    const Status grabbed = grab_all();
    if (!grabbed) return grabbed.error();
    Rip rip = record();
    if (const Status finished = folder->finish(rip); !finished) return finished.error();
    return rip;
  }

 private:
  GrabIdentity identity() const {
    GrabIdentity out{disc_.toc, options_.format, options_.offset, {}};
    for (const Work& work : works_) out.files.push_back(work.plan.file);
    return out;
  }

  Status grab_all() {
    std::vector<std::thread> writers;
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
    for (unsigned i = 0; i < count; ++i) writers.emplace_back([this] { write_tracks(); });
    const Status read = read_tracks();
    {
      const std::lock_guard lock(mutex_);
      if (!read && !failure_) failure_ = read.error();
      all_read_ = true;
      if (failure_) stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& writer : writers) writer.join();
    if (failure_) return *failure_;
    return {};
  }

  Status read_tracks() {
    for (std::size_t i = 0; i < works_.size(); ++i) {
      if (auto before = folder_->finished(works_[i].plan.number)) {
        works_[i].read = works_[i].written = works_[i].plan.sectors;
        track_done(i, std::move(*before));
        continue;
      }
      if (const Status read = read_track(i); !read) return read;
      {
        const std::lock_guard lock(mutex_);
        if (failure_) return *failure_;
        ready_.push_back(i);
      }
      wake_.notify_one();
    }
    return {};
  }

  Status read_track(std::size_t i) {
    Work& work = works_[i];
    TrackReader reader(drive_, disc_.toc, options_.offset, stop_or_cancelled());
    const std::uint64_t read_before = sectors_read_;
    auto doubts = reader.read({work.plan.number, work.start, work.plan.sectors}, *folder_, [&](const TrackReader::Progress& progress) {
      const std::lock_guard lock(mutex_);
      work.read = progress.sectors_done;
      sectors_read_ = read_before + progress.sectors_read;
      if (cancelled_) stop_ = true;
      tell(i);
    });
    if (!doubts) return cancelled_ ? Status(Error{Errc::cancelled, "stopped; the same command goes on where this was"}) : doubts.error();
    work.doubts = std::move(*doubts);
    return {};
  }

  /// What readers and writers look at: turns true with `cancelled_`, and when anything failed.
  const std::atomic<bool>& stop_or_cancelled() {
    if (cancelled_) stop_ = true;
    return stop_;
  }

  void write_tracks() {
    for (;;) {
      std::size_t i = 0;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stop_ || !ready_.empty() || all_read_; });
        if (stop_ || ready_.empty()) return;
        i = ready_.front();
        ready_.pop_front();
      }
      const Status written = write_track(i);
      if (written) continue;
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = cancelled_ ? Error{Errc::cancelled, "stopped; the same command goes on where this was"} : written.error();
      stop_ = true;
      wake_.notify_all();
    }
  }

  Status write_track(std::size_t i) {
    Work& work = works_[i];
    RipTrack track;
    track.number = work.plan.number;
    track.title = work.plan.title;
    track.file = work.plan.file;
    track.start = work.start;
    track.sectors = work.plan.sectors;
    track.doubts = work.doubts;
    const Tags tags = work.index ? tags_of(disc_, *work.index) : tags_of_hidden_track(disc_);
    const auto silent = encode_track(folder_->samples(track.number), folder_->unnamed(track.number), options_.format, tags, TrackChecks::place_of(disc_.toc, work.index), track, stop_,
                                     [&](std::uint32_t sectors) {
                                       const std::lock_guard lock(mutex_);
                                       if (cancelled_) stop_ = true;
                                       work.written = sectors;
                                       tell(i);
                                     });
    if (!silent) return silent.error().in("track " + std::to_string(track.number));
    if (!work.index && *silent && !options_.hidden) {
      ::unlink(folder_->unnamed(track.number).c_str());
      track.file.clear();
      track.verified = false;
    }
    if (const Status finished = folder_->finish_track(track); !finished) return finished;
    track_done(i, std::move(track));
    return {};
  }

  /// With the lock held. No more often than a person can see.
  void tell(std::size_t i) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < std::chrono::milliseconds(50)) return;
    told_ = now;
    observer_.on_progress(i, (works_[i].read + works_[i].written) / 2, sectors_read_);
  }

  void track_done(std::size_t i, RipTrack track) {
    const std::lock_guard lock(mutex_);
    observer_.on_progress(i, works_[i].plan.sectors, sectors_read_);
    observer_.on_track(i, track);
    done_[i] = std::move(track);
  }

  Rip record() const {
    Rip rip;
    rip.program = options_.program;
    rip.source = options_.source;
    const DriveInfo& drive = drive_.info();
    rip.drive = drive.vendor + " " + drive.model + (drive.revision.empty() ? "" : " " + drive.revision);
    rip.exact = drive.exact;
    rip.offset = options_.offset;
    rip.format = options_.format;
    rip.disc = disc_;
    for (const auto& track : done_) rip.tracks.push_back(*track);
    for (const Track& track : disc_.toc.tracks) {
      if (!track.audio) rip.skipped.push_back(track.number);
    }
    rip.ctdb_crc = combined_ctdb_crc(rip.tracks);
    rip.sectors_read = sectors_read_;
    rip.ended = std::chrono::system_clock::now();
    return rip;
  }

  Drive& drive_;
  const GrabOptions& options_;
  GrabObserver& observer_;
  const std::atomic<bool>& cancelled_;
  Disc disc_;
  GrabFolder* folder_ = nullptr;
  std::vector<Work> works_;

  std::mutex mutex_;  ///< of all below, and of what Work counts
  std::condition_variable wake_;
  std::deque<std::size_t> ready_;
  std::vector<std::optional<RipTrack>> done_;
  std::optional<Error> failure_;
  std::atomic<bool> stop_{false};
  bool all_read_ = false;
  std::uint64_t sectors_read_ = 0;
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace

Result<Rip> grab(Drive& drive, const GrabOptions& options, GrabObserver& observer, const std::atomic<bool>& cancelled) {
  if (options.format != "flac" && options.format != "wav") return Error{Errc::malformed, "'" + options.format + "' is no format to grab to; there are flac and wav"};
  if (options.offset < -100'000 || options.offset > 100'000) return Error{Errc::malformed, "a read offset of " + std::to_string(options.offset) + " samples is none that a drive has"};
  return Grab(drive, options, observer, cancelled).run();
}

}  // namespace ghost::audiojuggler
