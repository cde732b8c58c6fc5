#include "audiojuggler/formats/open_service.h"

#include <algorithm>

#include "audiojuggler/formats/flac_service.h"
#include "audiojuggler/formats/mp3_service.h"
#include "audiojuggler/formats/opus_service.h"
#include "audiojuggler/formats/wav_service.h"
#include "base/text.h"

#include <fcntl.h>

namespace ghost::audiojuggler {

Result<std::unique_ptr<AudioReader>> open_audio(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open", path.string());
  std::array<char, 12> head{};
  const ssize_t got = ::pread(fd.get(), head.data(), head.size(), 0);
  if (got < 0) return errno_error("read", path.string());
  const std::string_view begin(head.data(), static_cast<std::size_t>(got));
  if (begin.starts_with("fLaC")) return open_flac(path);
  if (begin.starts_with("RIFF") || begin.starts_with("RF64")) return open_wav(path);
  std::string looks = got == 0 ? "it is empty" : "it begins with \"" + printable(begin.substr(0, 4)) + "\"";
  if (begin.starts_with("OggS")) looks = "it looks like Ogg";
  if (begin.starts_with("ID3")) looks = "it looks like MP3";
  return Error{Errc::malformed, path.string() + " is neither FLAC nor WAV: " + looks};
}

const std::vector<std::string>& audio_formats() {
  static const std::vector<std::string> formats = {"flac", "wav", "opus", "mp3"};
  return formats;
}

Result<std::unique_ptr<AudioWriter>> write_audio(std::string_view to, OutputFile file, const PcmFormat& format, std::uint64_t frames, const Tags& tags) {
  if (to == "flac") return write_flac(std::move(file), format, frames, tags);
  if (to == "wav") return write_wav(std::move(file), format);
  if (to == "opus") return write_opus(std::move(file), format, tags);
  if (to == "mp3") return write_mp3(std::move(file), format, tags);
  return Error{Errc::malformed, "'" + printable(to) + "' is no format to write; there are flac, wav, opus and mp3"};
}

}  // namespace ghost::audiojuggler
