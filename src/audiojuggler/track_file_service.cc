#include "audiojuggler/track_file_service.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "audiojuggler/formats/open_service.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kBlockBytes = kBlockFrames * kFrameBytes;

/// A file of samples, read from its start.
class SampleFile {
 public:
  static Result<SampleFile> open(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return errno_error("open", path.string());
    return SampleFile(path, std::move(fd));
  }
  /// Up to `most` bytes, fewer only at the end.
  Result<BytesView> next(std::size_t most) {
    buffer_.resize(most);
    std::size_t got = 0;
    while (got < most) {
      const ssize_t n = ::read(fd_.get(), buffer_.data() + got, most - got);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error("read", path_.string());
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    return BytesView(buffer_).first(got);
  }

 private:
  SampleFile(std::filesystem::path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::filesystem::path path_;
  UniqueFd fd_;
  Bytes buffer_;
};

void to_integers(BytesView samples, std::vector<std::int32_t>& out) {
  out.resize(samples.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int16_t>(static_cast<std::uint16_t>(samples[2 * i] | samples[2 * i + 1] << 8));
}

void to_samples(std::span<const std::int32_t> integers, Bytes& out) {
  out.resize(integers.size() * 2);
  for (std::size_t i = 0; i < integers.size(); ++i) {
    const auto value = static_cast<std::uint32_t>(integers[i]);
    out[2 * i] = static_cast<std::uint8_t>(value & 0xFF);
    out[2 * i + 1] = static_cast<std::uint8_t>(value >> 8 & 0xFF);
  }
}

std::uint32_t sectors_of(std::uint64_t bytes) { return static_cast<std::uint32_t>(bytes / kSectorBytes); }

Error given_up() { return {Errc::cancelled, "cancelled"}; }

}  // namespace

Status decode_track(const std::filesystem::path& file, const std::atomic<bool>& cancelled, const std::function<Status(BytesView)>& use) {
  auto reader = open_audio(file);
  if (!reader) return reader.error();
  const PcmFormat format = (*reader)->format();
  if (format.rate != 44100 || format.channels != 2 || format.bits != 16) {
    return Error{Errc::malformed, file.string() + " is not 16-bit stereo at 44100 Hz, so no track of a disc"};
  }
  std::vector<std::int32_t> block(kBlockFrames * 2);
  Bytes samples;
  for (;;) {
    if (cancelled) return given_up();
    const auto frames = (*reader)->read(block);
    if (!frames) return frames.error();
    if (*frames == 0) return {};
    to_samples(std::span(block).first(*frames * 2), samples);
    if (const Status used = use(samples); !used) return used;
  }
}

Result<bool> encode_track(const std::filesystem::path& samples_path, const std::filesystem::path& output, std::string_view format, const Tags& tags, const TrackChecks::Place& place,
                          RipTrack& track, const std::atomic<bool>& cancelled, const TellSectors& tell) {
  auto samples = SampleFile::open(samples_path);
  if (!samples) return samples.error();
  auto file = OutputFile::create(output, Overwrite::yes);
  if (!file) return file.error();
  auto writer = write_audio(format, std::move(*file), PcmFormat{}, place.frames, tags);
  if (!writer) return writer.error();
  TrackChecks checks(place);
  std::vector<std::int32_t> block;
  std::uint64_t done = 0;
  for (;;) {
    if (cancelled) return given_up();
    const auto bytes = samples->next(kBlockBytes);
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    checks.update(*bytes);
    to_integers(*bytes, block);
    if (const Status written = (*writer)->write(block); !written) return written.error();
    done += bytes->size();
    tell(sectors_of(done));
  }
  if (done != place.frames * kFrameBytes) return Error{Errc::data_loss, samples_path.string() + " has " + std::to_string(done) + " bytes of samples instead of " + std::to_string(place.frames * kFrameBytes)};
  if (const Status finished = (*writer)->finish(); !finished) return finished.error();
  checks.finish(track);

  auto again = SampleFile::open(samples_path);
  if (!again) return again.error();
  std::uint64_t compared = 0;
  const Status same = decode_track(output, cancelled, [&](BytesView decoded) -> Status {
    const auto wanted = again->next(decoded.size());
    if (!wanted) return wanted.error();
    if (wanted->size() != decoded.size() || std::memcmp(wanted->data(), decoded.data(), decoded.size()) != 0) {
      return Error{Errc::data_loss, "what was written does not decode to what was read, near sample " + std::to_string(compared / kFrameBytes)};
    }
    compared += decoded.size();
    return {};
  });
  if (same && compared == done) {
    track.verified = true;
    return checks.silent();
  }
  ::unlink(output.c_str());
  if (!same) return same.error();
  return Error{Errc::data_loss, output.string() + " decodes to " + std::to_string(compared) + " bytes instead of " + std::to_string(done)};
}

}  // namespace ghost::audiojuggler
