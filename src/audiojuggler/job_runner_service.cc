#include "audiojuggler/job_runner_service.h"

#include "audiojuggler/converter_service.h"
#include "audiojuggler/drives/sg_service.h"
#include "audiojuggler/verify_service.h"

namespace ghost::audiojuggler {

namespace {

void put(JobTrack& to, const RipTrack& from, const std::filesystem::path& folder) {
  to.file = (folder / from.file).string();
  to.title = from.title;
  to.sectors = to.sectors_done = from.sectors;
  to.crc32 = from.crc32;
  to.accuraterip_v1 = from.accuraterip_v1;
  to.accuraterip_v2 = from.accuraterip_v2;
  to.doubts = static_cast<std::uint32_t>(from.doubts.size());
  to.peaks = from.peaks;
  to.sha256 = from.sha256;
}

class TellJob : public GrabObserver {
 public:
  TellJob(const ChangeJob& change, std::filesystem::path folder) : change_(change), folder_(std::move(folder)) {}

  void on_disc(const Disc& disc, const std::vector<PlannedTrack>& tracks) override {
    tracks_ = tracks;
    done_.assign(tracks.size(), 0);
    change_([disc, tracks](Job& job) {
      job.disc = disc;
      for (const PlannedTrack& planned : tracks) {
        job.total += planned.sectors;
        if (planned.number == 0) continue;  // whether the hidden track is kept is known when it has been read
        JobTrack& track = job.track(planned.number);
        track.title = planned.title;
        track.sectors = planned.sectors;
      }
    });
  }

  void on_progress(std::size_t index, std::uint32_t sectors_done, std::uint64_t sectors_read) override {
    done_[index] = sectors_done;
    std::uint64_t sum = 0;
    for (const std::uint32_t done : done_) sum += done;
    change_([number = tracks_[index].number, sectors_done, sectors_read, sum](Job& job) {
      if (number > 0) job.track(number).sectors_done = sectors_done;
      job.done = sum;
      job.sectors_read = sectors_read;
    });
  }

  void on_track(std::size_t, const RipTrack& track) override {
    if (track.file.empty()) return;
    change_([track, folder = folder_](Job& job) {
      JobTrack& where = job.track(track.number);
      put(where, track, folder);
      where.verified = track.verified;
    });
  }

 private:
  const ChangeJob& change_;
  std::filesystem::path folder_;
  std::vector<PlannedTrack> tracks_;
  std::vector<std::uint32_t> done_;
};

Status outcome_of(const Verification& result) {
  std::string wrong;
  for (const VerifiedTrack& track : result.tracks) {
    if (!track.good()) wrong += (wrong.empty() ? "" : "; ") + ("track " + std::to_string(track.number)) + ": " + track.why;
  }
  if (!result.log_whole) wrong += std::string(wrong.empty() ? "" : "; ") + "rip.log is missing or was changed";
  if (wrong.empty()) return {};
  return Error{Errc::data_loss, wrong};
}

}  // namespace

Status run_grab(const GrabOptions& options, const ChangeJob& change, const std::atomic<bool>& cancelled) {
  auto drive = open_source(options.source);
  if (!drive) return drive.error();
  TellJob observer(change, options.into);
  const auto rip = grab(**drive, options, observer, cancelled);
  if (!rip) return rip.error();
  change([crc = rip->ctdb_crc, read = rip->sectors_read](Job& job) {
    job.ctdb_crc = crc;
    job.sectors_read = read;
  });
  return {};
}

Status run_verify(const std::string& folder, const std::string& source, const ChangeJob& change, const std::atomic<bool>& cancelled) {
  std::unique_ptr<Drive> drive;
  if (!source.empty()) {
    auto opened = open_source(source);
    if (!opened) return opened.error();
    drive = std::move(*opened);
  }
  VerifyObserver observer;
  observer.on_rip = [&](const Rip& rip) {
    change([rip, folder](Job& job) {
      job.disc = rip.disc;
      job.ctdb_crc = rip.ctdb_crc;
      for (const RipTrack& track : rip.tracks) {
        if (track.file.empty()) continue;
        JobTrack& where = job.track(track.number);
        put(where, track, folder);
        where.sectors_done = 0;
      }
    });
  };
  std::chrono::steady_clock::time_point told{};
  observer.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < std::chrono::milliseconds(50)) return;
    told = now;
    change([done, total](Job& job) { job.done = done, job.total = total; });
  };
  observer.on_track = [&](std::size_t, const VerifiedTrack& track) {
    change([number = track.number, good = track.good()](Job& job) {
      JobTrack& where = job.track(number);
      where.verified = good;
      where.sectors_done = where.sectors;
    });
  };
  const auto result = verify(folder, drive.get(), observer, cancelled);
  if (!result) return result.error();
  return outcome_of(*result);
}

Status run_convert(const std::vector<std::string>& files, const std::string& to, const std::string& into, const ChangeJob& change, const std::atomic<bool>& cancelled) {
  ConvertOptions options;
  options.files.assign(files.begin(), files.end());
  options.to = to;
  options.into = into;
  ConvertObserver observer;
  observer.on_progress = [&](std::uint64_t done, std::uint64_t total) { change([done, total](Job& job) { job.done = done, job.total = total; }); };
  observer.on_file = [&](std::size_t index, const Converted& file) {
    change([number = static_cast<unsigned>(index + 1), file](Job& job) {
      JobTrack& track = job.track(number);
      track.file = file.file.string();
      track.title = file.from.filename().string();
      track.seconds = file.seconds;
    });
  };
  const auto result = convert(options, observer, cancelled);
  if (!result) return result.error();
  std::string wrong;
  for (const Converted& file : *result) {
    if (file.error) wrong += (wrong.empty() ? "" : "; ") + file.error->message;
  }
  if (wrong.empty()) return {};
  return Error{Errc::aborted, wrong};
}

}  // namespace ghost::audiojuggler
