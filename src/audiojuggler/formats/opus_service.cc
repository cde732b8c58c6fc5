#include "audiojuggler/formats/opus_service.h"

#include <opusenc.h>

#include <cmath>
#include <optional>
#include <vector>

namespace ghost::audiojuggler {

namespace {

constexpr int kBitsPerChannel = 80'000;

class OpusWriter : public AudioWriter {
 public:
  OpusWriter(OutputFile file, const PcmFormat& format) : file_(std::move(file)), format_(format), scale_(std::ldexp(1.0f, 1 - static_cast<int>(format.bits))) {}

  Status start(const Tags& tags) {
    const std::unique_ptr<OggOpusComments, void (*)(OggOpusComments*)> comments(ope_comments_create(), ope_comments_destroy);
    for (const auto& [name, value] : tags) ope_comments_add(comments.get(), name.c_str(), value.c_str());
    static const OpusEncCallbacks callbacks = {on_write, on_close};
    int error = OPE_OK;
    encoder_.reset(ope_encoder_create_callbacks(&callbacks, this, comments.get(), static_cast<opus_int32>(format_.rate), static_cast<int>(format_.channels), format_.channels > 2 ? 1 : 0, &error));
    if (!encoder_) return failure(error);
    ope_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(kBitsPerChannel * static_cast<int>(format_.channels)));
    return {};
  }

  Status write(std::span<const std::int32_t> samples) override {
    buffer_.clear();
    for (const std::int32_t sample : samples) buffer_.push_back(static_cast<float>(sample) * scale_);
    const int error = ope_encoder_write_float(encoder_.get(), buffer_.data(), static_cast<int>(samples.size() / format_.channels));
    return error == OPE_OK && !error_ ? Status() : failure(error);
  }

  Status finish() override {
    const int error = ope_encoder_drain(encoder_.get());
    if (error != OPE_OK || error_) return failure(error);
    return file_.finish();
  }

 private:
  struct Free {
    void operator()(OggOpusEnc* encoder) const { ope_encoder_destroy(encoder); }
  };

  Error failure(int error) const { return error_ ? *error_ : Error{Errc::io, file_.path().string() + ": libopusenc: " + ope_strerror(error)}; }

  static int on_write(void* self, const unsigned char* bytes, opus_int32 count) {
    auto& writer = *static_cast<OpusWriter*>(self);
    const Status written = writer.file_.write({bytes, static_cast<std::size_t>(count)});
    if (!written) writer.error_ = written.error();
    return written ? 0 : 1;
  }
  static int on_close(void*) { return 0; }

  OutputFile file_;
  PcmFormat format_;
  float scale_;
  std::unique_ptr<OggOpusEnc, Free> encoder_;
  std::vector<float> buffer_;
  std::optional<Error> error_;  ///< why writing failed
};

}  // namespace

Result<std::unique_ptr<AudioWriter>> write_opus(OutputFile file, const PcmFormat& format, const Tags& tags) {
  if (format.rate > 192'000 || format.channels > 8) return Error{Errc::unsupported, file.path().string() + ": Opus is made of up to 8 channels at up to 192 kHz"};
  auto writer = std::make_unique<OpusWriter>(std::move(file), format);
  if (const Status started = writer->start(tags); !started) return started.error();
  return std::unique_ptr<AudioWriter>(std::move(writer));
}

}  // namespace ghost::audiojuggler
