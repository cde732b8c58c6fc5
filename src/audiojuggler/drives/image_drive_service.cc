#include "audiojuggler/drives/image_drive_service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/formats/wav.h"
#include "base/file.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kMaxSheet = 1024 * 1024;
constexpr std::size_t kMaxCdText = 8 * 256 * kPackBytes + 5;

/// As many bytes as there are, up to `size`; -1 with errno when reading fails.
ssize_t read_at(int fd, std::uint8_t* out, std::size_t size, std::uint64_t offset) {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd, out + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(got);
}

/// Where the samples of a sound file are.
Status find_samples(int fd, ImageFile& file) {
  Bytes head(static_cast<std::size_t>(std::min<std::uint64_t>(kWavHead, file.bytes)));
  if (read_at(fd, head.data(), head.size(), 0) < 0) return errno_error("read", file.name);
  const auto wav = parse_wav(head, file.bytes);
  if (!wav) {
    return Error{wav.error().code, file.name + ": " + wav.error().message + "; an image's sound files must be WAV ('audiojuggler convert --to wav' makes them)"};
  }
  if (wav->rate != 44100 || wav->channels != 2 || wav->bits != 16) {
    return Error{Errc::unsupported, file.name + " has " + std::to_string(wav->channels) + " channels of " + std::to_string(wav->bits) + " bits at " +
                                        std::to_string(wav->rate) + " Hz; a disc has 2 of 16 bits at 44100 Hz"};
  }
  file.data_offset = wav->data_offset;
  file.bytes = wav->data_bytes;
  return {};
}

std::string lower_extension(const std::filesystem::path& path) {
  std::string out = path.extension().string();
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool is_wav_name(const std::string& name) { return lower_extension(name) == ".wav"; }

}  // namespace

Status ImageDrive::open_files(const std::filesystem::path& image, const std::vector<std::string>& names, const std::vector<bool>& sound_files) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::filesystem::path path = image.parent_path() / names[i];
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
      Error error = errno_error("open", path.string());
      error.message += "; " + image.filename().string() + " names it, and it is looked for beside it";
      return error;
    }
    struct stat stat {};
    if (::fstat(fd.get(), &stat) != 0) return errno_error("stat", path.string());
    if (!S_ISREG(stat.st_mode)) return Error{Errc::malformed, path.string() + " is no plain file"};
    ImageFile file{path.filename().string(), 0, static_cast<std::uint64_t>(stat.st_size), sound_files[i]};
    if (file.sound_file) {
      if (const Status found = find_samples(fd.get(), file); !found) return found;
    }
    files_.push_back(std::move(file));
    fds_.push_back(std::move(fd));
  }
  return {};
}

Status ImageDrive::read_cd_text(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kMaxCdText);
  if (!bytes) return bytes.error();
  const auto text = decode_cd_text(as_bytes(*bytes));
  if (!text) return text.error().in(path.string());
  fill_from(layout_.disc, *text);
  return {};
}

Result<std::unique_ptr<ImageDrive>> ImageDrive::open(const std::filesystem::path& path) {
  std::unique_ptr<ImageDrive> drive(new ImageDrive());
  const auto text = read_file(path, kMaxSheet);
  if (!text) return text.error();
  std::vector<std::string> names;
  std::vector<bool> sound_files;
  const bool is_toc = lower_extension(path) == ".toc";
  if (is_toc) {
    const auto toc = parse_toc_file(as_bytes(*text));
    if (!toc) return toc.error().in(path.string());
    names = files_of(*toc);
    for (const std::string& name : names) sound_files.push_back(is_wav_name(name));
    if (const Status opened = drive->open_files(path, names, sound_files); !opened) return opened.error();
    auto layout = lay_out(*toc, drive->files_);
    if (!layout) return layout.error().in(path.string());
    drive->layout_ = std::move(*layout);
  } else {
    const auto sheet = parse_cue(as_bytes(*text));
    if (!sheet) return sheet.error().in(path.string());
    for (const CueFile& file : sheet->files) {
      names.push_back(file.name);
      sound_files.push_back(file.format == CueFormat::wave);
    }
    if (const Status opened = drive->open_files(path, names, sound_files); !opened) return opened.error();
    auto layout = lay_out(*sheet, drive->files_);
    if (!layout) return layout.error().in(path.string());
    drive->layout_ = std::move(*layout);
    if (!sheet->cd_text_file.empty()) {
      if (const Status read = drive->read_cd_text(path.parent_path() / sheet->cd_text_file); !read) return read.error();
    }
  }
  drive->info_.path = path.string();
  drive->info_.vendor = "image";
  drive->info_.model = path.filename().string();
  drive->info_.exact = true;
  return drive;
}

void ImageDrive::read_sector(Lba at, SectorRead& out) const {
  out.at = at;
  if (at.value < 0 || at >= layout_.disc.toc.lead_out) {
    out.error = Error{Errc::out_of_range, "sector " + std::to_string(at.value) + " is not on the disc"};
    return;
  }
  const ImageExtent* extent = layout_.find(at);
  if (extent == nullptr) return;  // silence that no file holds
  const std::uint64_t into = static_cast<std::uint64_t>(at.value - extent->start.value) * extent->sector_bytes;
  const std::size_t there = static_cast<std::size_t>(std::min<std::uint64_t>(std::min<std::uint64_t>(extent->sector_bytes, kSectorBytes), extent->bytes - std::min(extent->bytes, into)));
  const ImageFile& file = files_[extent->file];
  const ssize_t got = read_at(fds_[extent->file].get(), out.audio.data(), there, file.data_offset + extent->offset + into);
  if (got < 0) {
    out.error = errno_error("read", file.name).in("sector " + std::to_string(at.value));
  } else if (static_cast<std::size_t>(got) < there) {
    out.error = Error{Errc::data_loss, "sector " + std::to_string(at.value) + ": " + file.name + " has become shorter"};
  }
  if (extent->big_endian) {
    for (std::size_t i = 0; i + 1 < kSectorBytes; i += 2) std::swap(out.audio[i], out.audio[i + 1]);
  }
}

Status ImageDrive::read(Lba first, std::span<SectorRead> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = SectorRead();
    read_sector(Lba(first.value + static_cast<std::int32_t>(i)), out[i]);
  }
  return {};
}

}  // namespace ghost::audiojuggler
