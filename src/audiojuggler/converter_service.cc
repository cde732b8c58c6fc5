#include "audiojuggler/converter_service.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "audiojuggler/formats/open_service.h"
#include "base/file.h"
#include "base/text.h"

namespace ghost::audiojuggler {

namespace {

std::uint64_t bytes_of(const PcmFormat& format, std::uint64_t frames) { return frames * format.channels * ((format.bits + 7) / 8); }

class Conversion {
 public:
  Conversion(const ConvertOptions& options, const ConvertObserver& observer, const std::atomic<bool>& cancelled)
      : options_(options), observer_(observer), cancelled_(cancelled), files_(options.files.size()) {}

  Result<std::vector<Converted>> run() {
    if (const Status sane = prepare(); !sane) return sane.error();
    const unsigned wanted = options_.jobs > 0 ? options_.jobs : std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < std::min<std::size_t>(wanted, files_.size()); ++i) workers.emplace_back([this] { work(); });
    for (std::thread& worker : workers) worker.join();
    if (cancelled_) return Error{Errc::cancelled, "stopped; files that were finished are kept"};
    return std::move(files_);
  }

 private:
  Status prepare() {
    const auto& formats = audio_formats();
    if (std::find(formats.begin(), formats.end(), options_.to) == formats.end()) {
      return Error{Errc::malformed, "'" + printable(options_.to) + "' is no format to write; there are flac, wav, opus and mp3"};
    }
    std::set<std::filesystem::path> targets;
    for (const std::filesystem::path& file : options_.files) {
      if (!targets.insert(target_of(file)).second) return Error{Errc::malformed, "two of the files would become " + target_of(file).string() + "; convert them into different folders"};
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
      files_[i].from = options_.files[i];
      if (const auto reader = open_audio(options_.files[i])) total_ += bytes_of((*reader)->format(), (*reader)->frames());
    }
    return make_target_folder(options_.into);
  }

  std::filesystem::path target_of(const std::filesystem::path& file) const { return options_.into / (file.stem().string() + "." + options_.to); }

  void work() {
    while (!cancelled_) {
      const std::size_t i = next_++;
      if (i >= files_.size()) return;
      Converted& file = files_[i];
      const Status done = convert_one(file);
      if (done) file.file = target_of(file.from);
      else file.error = done.error();
      const std::lock_guard lock(mutex_);
      if (!cancelled_) observer_.on_file(i, file);
    }
  }

  Status convert_one(Converted& file) {
    auto reader = open_audio(file.from);
    if (!reader) return reader.error();
    auto output = OutputFile::create(target_of(file.from), options_.overwrite);
    if (!output) return output.error();
    const PcmFormat format = (*reader)->format();
    auto writer = write_audio(options_.to, std::move(*output), format, (*reader)->frames(), (*reader)->tags());
    if (!writer) return writer.error();
    std::vector<std::int32_t> block(kBlockFrames * format.channels);
    std::uint64_t frames = 0;
    for (;;) {
      if (cancelled_) return Error{Errc::cancelled, "cancelled"};
      const auto got = (*reader)->read(block);
      if (!got) return got.error();
      if (*got == 0) break;
      if (const Status written = (*writer)->write(std::span(block).first(*got * format.channels)); !written) return written;
      frames += *got;
      tell(bytes_of(format, *got));
    }
    file.seconds = static_cast<double>(frames) / format.rate;
    return (*writer)->finish();
  }

  void tell(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < std::chrono::milliseconds(50) && done_ < total_) return;
    told_ = now;
    observer_.on_progress(done_, total_);
  }

  const ConvertOptions& options_;
  const ConvertObserver& observer_;
  const std::atomic<bool>& cancelled_;
  std::vector<Converted> files_;  ///< each touched by one thread
  std::atomic<std::size_t> next_{0};

  std::mutex mutex_;  ///< of the observer and of what follows
  std::uint64_t done_ = 0, total_ = 0;
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace

Result<std::vector<Converted>> convert(const ConvertOptions& options, const ConvertObserver& observer, const std::atomic<bool>& cancelled) {
  return Conversion(options, observer, cancelled).run();
}

}  // namespace ghost::audiojuggler
