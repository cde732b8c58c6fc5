#include "audiojuggler/formats/wav_service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "audiojuggler/formats/wav.h"

namespace ghost::audiojuggler {

namespace {

std::int32_t sample_of(const std::uint8_t* at, unsigned bytes) {
  if (bytes == 1) return at[0] - 128;  // the one width that WAV stores unsigned
  std::uint32_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint32_t{at[i]} << (8 * i);
  const unsigned up = 32 - 8 * bytes;
  return static_cast<std::int32_t>(value << up) >> up;
}

class WavReader : public AudioReader {
 public:
  WavReader(std::filesystem::path path, UniqueFd fd, const WavInfo& info) : path_(std::move(path)), fd_(std::move(fd)), info_(info) {}

  PcmFormat format() const override { return {info_.rate, info_.channels, info_.bits}; }
  std::uint64_t frames() const override { return info_.data_bytes / frame_bytes(); }
  const Tags& tags() const override { return tags_; }

  Result<std::size_t> read(std::span<std::int32_t> out) override {
    const std::uint64_t left = frames() * frame_bytes() - at_;
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(out.size() / info_.channels * frame_bytes(), left)));
    std::size_t got = 0;
    while (got < buffer_.size()) {
      const ssize_t n = ::pread(fd_.get(), buffer_.data() + got, buffer_.size() - got, static_cast<off_t>(info_.data_offset + at_ + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error("read", path_.string());
      if (n == 0) return Error{Errc::data_loss, path_.string() + " has become shorter"};
      got += static_cast<std::size_t>(n);
    }
    at_ += got;
    const unsigned bytes = info_.bits / 8u;
    for (std::size_t i = 0; i < got / bytes; ++i) out[i] = sample_of(buffer_.data() + i * bytes, bytes);
    return got / frame_bytes();
  }

 private:
  std::size_t frame_bytes() const { return std::size_t{info_.channels} * (info_.bits / 8u); }

  std::filesystem::path path_;
  UniqueFd fd_;
  WavInfo info_;
  Tags tags_;
  std::uint64_t at_ = 0;
  Bytes buffer_;
};

class WavWriter : public AudioWriter {
 public:
  WavWriter(OutputFile file, const PcmFormat& format) : file_(std::move(file)), format_(format) {}

  Status start() { return write_head(0); }

  Status write(std::span<const std::int32_t> samples) override {
    const unsigned bytes = (format_.bits + 7) / 8;
    buffer_.clear();
    for (const std::int32_t sample : samples) {
      const std::uint32_t value = bytes == 1 ? static_cast<std::uint32_t>(sample + 128) : static_cast<std::uint32_t>(sample);
      for (unsigned i = 0; i < bytes; ++i) buffer_.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xFF));
    }
    data_ += buffer_.size();
    return file_.write(buffer_);
  }

  Status finish() override {
    if (data_ % 2 != 0) {
      if (const Status padded = file_.write(Bytes{0}); !padded) return padded;
    }
    file_.seek(0);
    if (const Status written = write_head(data_); !written) return written;
    return file_.finish();
  }

 private:
  Status write_head(std::uint64_t bytes) {
    const auto head = make_wav_head(format_.rate, static_cast<std::uint16_t>(format_.channels), static_cast<std::uint16_t>((format_.bits + 7) / 8 * 8), bytes);
    if (!head) return head.error().in(file_.path().string());
    return file_.write(*head);
  }

  OutputFile file_;
  PcmFormat format_;
  std::uint64_t data_ = 0;
  Bytes buffer_;
};

}  // namespace

Result<std::unique_ptr<AudioReader>> open_wav(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open", path.string());
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return errno_error("stat", path.string());
  Bytes head(static_cast<std::size_t>(std::min<std::uint64_t>(kWavHead, static_cast<std::uint64_t>(stat.st_size))));
  const ssize_t got = ::pread(fd.get(), head.data(), head.size(), 0);
  if (got < 0) return errno_error("read", path.string());
  head.resize(static_cast<std::size_t>(got));
  const auto info = parse_wav(head, static_cast<std::uint64_t>(stat.st_size));
  if (!info) return info.error().in(path.string());
  return std::unique_ptr<AudioReader>(std::make_unique<WavReader>(path, std::move(fd), *info));
}

Result<std::unique_ptr<AudioWriter>> write_wav(OutputFile file, const PcmFormat& format) {
  auto writer = std::make_unique<WavWriter>(std::move(file), format);
  if (const Status started = writer->start(); !started) return started.error();
  return std::unique_ptr<AudioWriter>(std::move(writer));
}

}  // namespace ghost::audiojuggler
