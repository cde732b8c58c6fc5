#include "audiojuggler/picture_service.h"

#include <png.h>

#include <cmath>
#include <csetjmp>
#include <optional>

#include "audiojuggler/formats/open_service.h"
#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {

namespace {

struct PngOutput {
  OutputFile& file;
  std::optional<Error> error;
};

void write_png_bytes(png_structp png, png_bytep bytes, png_size_t count) {
  auto& output = *static_cast<PngOutput*>(png_get_io_ptr(png));
  const Status written = output.file.write({bytes, count});
  if (written) return;
  output.error = written.error();
  png_error(png, "write");
}

void flush_png(png_structp) {}

/// What libpng's longjmp may leave has nothing to destroy: all that has stands in the caller.
bool run_png(png_structp png, png_infop info, const Raster& raster, PngOutput& output) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_write_fn(png, &output, write_png_bytes, flush_png);
  png_set_IHDR(png, info, raster.width, raster.height, 8, PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (unsigned y = 0; y < raster.height; ++y) png_write_row(png, raster.rgba.data() + std::size_t{y} * raster.width * 4);
  png_write_end(png, nullptr);
  return true;
}

Status write_png(const Raster& raster, OutputFile& file) {
  PngOutput output{file, std::nullopt};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, [](png_structp failed, png_const_charp) { png_longjmp(failed, 1); }, [](png_structp, png_const_charp) {});
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  const bool done = info != nullptr && run_png(png, info, raster, output);
  png_destroy_write_struct(&png, &info);
  if (output.error) return *output.error;
  if (!done) return Error{Errc::io, file.path().string() + ": libpng gave up"};
  return {};
}

}  // namespace

Status waveform_picture(const std::filesystem::path& path, const std::filesystem::path& out, const PictureSize& size, Overwrite overwrite) {
  auto reader = open_audio(path);
  if (!reader) return reader.error();
  const PcmFormat format = (*reader)->format();
  if ((*reader)->frames() == 0) return Error{Errc::unsupported, path.string() + " does not tell its length, or has none"};
  auto file = OutputFile::create(out, overwrite);
  if (!file) return file.error();
  Waveform waveform((*reader)->frames(), format.rate, format.channels, size.width);
  std::vector<std::int32_t> block(kBlockFrames * format.channels);
  std::vector<float> samples;
  const float scale = std::ldexp(1.0f, 1 - static_cast<int>(format.bits));
  for (;;) {
    const auto got = (*reader)->read(block);
    if (!got) return got.error();
    if (*got == 0) break;
    samples.clear();
    for (std::size_t i = 0; i < *got * format.channels; ++i) samples.push_back(static_cast<float>(block[i]) * scale);
    waveform.update(samples);
  }
  if (const Status written = write_png(draw(waveform, size.height), *file); !written) return written;
  return file->finish();
}

Result<Bytes> peaks_of(const std::filesystem::path& path) {
  auto reader = open_audio(path);
  if (!reader) return reader.error();
  const PcmFormat format = (*reader)->format();
  Peaks peaks((*reader)->frames());
  std::vector<std::int32_t> block(kBlockFrames * format.channels);
  Bytes samples;
  for (;;) {
    const auto got = (*reader)->read(block);
    if (!got) return got.error();
    if (*got == 0) return peaks.values();
    samples.clear();
    for (std::size_t frame = 0; frame < *got; ++frame) {
      for (unsigned side = 0; side < 2; ++side) {
        const std::int32_t sample = block[frame * format.channels + std::min(side, format.channels - 1)];
        const auto value = static_cast<std::uint32_t>(format.bits > 16 ? sample >> (format.bits - 16) : static_cast<std::int32_t>(static_cast<std::uint32_t>(sample) << (16 - format.bits)));
        samples.push_back(static_cast<std::uint8_t>(value & 0xFF));
        samples.push_back(static_cast<std::uint8_t>(value >> 8 & 0xFF));
      }
    }
    peaks.update(samples);
  }
}

}  // namespace ghost::audiojuggler
