#include "audiojuggler/formats/wav.h"

#include <algorithm>
#include <string>

namespace ghost::audiojuggler {

namespace {

constexpr std::uint16_t kPcm = 1, kExtensible = 0xFFFE;
constexpr std::uint32_t kUnknown = 0xFFFFFFFF;  ///< length of samples that were written to a pipe, or are told by ds64

Status read_format(BytesView chunk, WavInfo& info) {
  ByteReader in(chunk);
  std::uint16_t format = in.u16();
  info.channels = in.u16();
  info.rate = in.u32();
  in.u32();  // bytes a second
  const std::uint16_t align = in.u16();
  info.bits = in.u16();
  if (format == kExtensible) {
    in.take(8);
    format = in.u16();
  }
  if (!in.ok()) return Error{Errc::malformed, "its fmt chunk is too short"};
  if (format != kPcm) return Error{Errc::unsupported, "its samples are not plain integers (format " + std::to_string(format) + "); convert it to 16 or 24 bits first"};
  const bool known = info.bits == 8 || info.bits == 16 || info.bits == 24 || info.bits == 32;
  if (!known || info.channels == 0 || info.channels > 8 || info.rate == 0 || info.rate > 768'000 || align != info.channels * (info.bits / 8)) {
    return Error{Errc::unsupported, "its fmt chunk tells of " + std::to_string(info.channels) + " channels of " + std::to_string(info.bits) + " bits at " + std::to_string(info.rate) + " Hz"};
  }
  return {};
}

}  // namespace

Result<WavInfo> parse_wav(BytesView head, std::uint64_t file_size) {
  ByteReader in(head);
  const std::string_view riff = as_text(in.take(4));
  in.u32();
  const std::string_view wave = as_text(in.take(4));
  if (!in.ok() || (riff != "RIFF" && riff != "RF64") || wave != "WAVE") return Error{Errc::malformed, "it does not begin as a WAV file does (RIFF … WAVE)"};
  WavInfo info;
  std::uint64_t long_data = 0, at = 12;
  while (in.remaining() >= 8) {
    const std::string_view id = as_text(in.take(4));
    const std::uint64_t size = in.u32();
    at += 8;
    if (id == "data") {
      if (info.rate == 0) return Error{Errc::malformed, "its data chunk comes before its fmt chunk"};
      info.data_offset = at;
      const std::uint64_t told = size == kUnknown && long_data > 0 ? long_data : size;
      const std::uint64_t there = file_size > at ? file_size - at : 0;
      if (told == 0) return Error{Errc::malformed, "its head tells of no samples; a recording that was broken off looks so"};
      if (told > there && told != kUnknown) {
        return Error{Errc::data_loss, "it was cut off: its head tells of " + std::to_string(told) + " bytes of samples, " + std::to_string(there) + " are there"};
      }
      info.data_bytes = std::min(told, there);
      return info;
    }
    const std::size_t padded = static_cast<std::size_t>(std::min<std::uint64_t>(size + size % 2, in.remaining()));
    const BytesView chunk = in.take(padded);
    if (id == "ds64" && chunk.size() >= 16) {
      ByteReader ds(chunk);
      ds.u64();
      long_data = ds.u64();
    }
    if (id == "fmt ") {
      if (const Status read = read_format(chunk, info); !read) return read.error();
    }
    at += padded;
  }
  return Error{Errc::malformed, "it has no data chunk" + std::string(file_size > head.size() ? " in its first 64 KiB" : "")};
}

Result<Bytes> make_wav_head(std::uint32_t rate, std::uint16_t channels, std::uint16_t bits, std::uint64_t data_bytes) {
  if (data_bytes > 0xFFFFFFFFull - 64) return Error{Errc::exhausted, "a WAV file holds less than 4 GiB of samples; choose FLAC"};
  const auto bytes = static_cast<std::uint32_t>(data_bytes);
  const auto align = static_cast<std::uint16_t>(channels * (bits / 8));
  Bytes out;
  ByteWriter writer(out);
  writer.bytes(as_bytes("RIFF")).u32(36 + bytes + bytes % 2).bytes(as_bytes("WAVEfmt ")).u32(16).u16(kPcm).u16(channels).u32(rate);
  writer.u32(rate * align).u16(align).u16(bits).bytes(as_bytes("data")).u32(bytes);
  return out;
}

}  // namespace ghost::audiojuggler
