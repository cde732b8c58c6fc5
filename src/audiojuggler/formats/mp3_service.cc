#include "audiojuggler/formats/mp3_service.h"

#include <lame/lame.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/text.h"

namespace ghost::audiojuggler {

namespace {

/// Vorbis comments and the ID3v2 frames they become.
constexpr std::array<std::pair<std::string_view, const char*>, 9> kFrames = {{{"TITLE", "TIT2"}, {"ARTIST", "TPE1"}, {"ALBUM", "TALB"}, {"ALBUMARTIST", "TPE2"}, {"COMPOSER", "TCOM"},
                                                                             {"LYRICIST", "TEXT"}, {"ISRC", "TSRC"}, {"DATE", "TYER"}, {"GENRE", "TCON"}}};

/// With a byte order mark and a final zero, as LAME takes it.
std::vector<unsigned short> utf16(std::string_view text) {
  std::vector<unsigned short> out = {0xFEFF};
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    if (c.bytes == 0) break;
    text.remove_prefix(c.bytes);
    if (c.value < 0x10000) {
      out.push_back(static_cast<unsigned short>(c.value));
    } else {
      out.push_back(static_cast<unsigned short>(0xD800 + ((c.value - 0x10000) >> 10)));
      out.push_back(static_cast<unsigned short>(0xDC00 + ((c.value - 0x10000) & 0x3FF)));
    }
  }
  out.push_back(0);
  return out;
}

std::string find(const Tags& tags, std::string_view name) {
  for (const auto& [key, value] : tags) {
    if (key == name) return value;
  }
  return "";
}

class Mp3Writer : public AudioWriter {
 public:
  Mp3Writer(OutputFile file, const PcmFormat& format) : file_(std::move(file)), format_(format), lame_(lame_init()), scale_(std::ldexp(1.0f, 1 - static_cast<int>(format.bits))) {}

  Status start(const Tags& tags) {
    lame_t const lame = lame_.get();
    lame_set_in_samplerate(lame, static_cast<int>(format_.rate));
    lame_set_num_channels(lame, static_cast<int>(format_.channels));
    lame_set_VBR(lame, vbr_default);
    lame_set_VBR_quality(lame, 2);
    lame_set_write_id3tag_automatic(lame, 0);
    if (lame_init_params(lame) < 0) return Error{Errc::unsupported, file_.path().string() + ": LAME makes no MP3 of " + std::to_string(format_.rate) + " Hz"};
    set_tags(tags);
    Bytes tag(lame_get_id3v2_tag(lame, nullptr, 0));
    lame_get_id3v2_tag(lame, tag.data(), tag.size());
    info_at_ = tag.size();
    return file_.write(tag);
  }

  Status write(std::span<const std::int32_t> samples) override {
    const std::size_t frames = samples.size() / format_.channels;
    left_.resize(frames);
    right_.resize(frames);
    for (std::size_t i = 0; i < frames; ++i) {
      left_[i] = static_cast<float>(samples[i * format_.channels]) * scale_;
      right_[i] = static_cast<float>(samples[i * format_.channels + (format_.channels > 1 ? 1 : 0)]) * scale_;
    }
    out_.resize(frames * 5 / 4 + 7200);
    const int made = lame_encode_buffer_ieee_float(lame_.get(), left_.data(), right_.data(), static_cast<int>(frames), out_.data(), static_cast<int>(out_.size()));
    return put(made);
  }

  Status finish() override {
    out_.resize(7200);
    if (const Status put_rest = put(lame_encode_flush(lame_.get(), out_.data(), static_cast<int>(out_.size()))); !put_rest) return put_rest;
    // The first frame, which tells the length, is known only when all is done.
    Bytes info(lame_get_lametag_frame(lame_.get(), nullptr, 0));
    lame_get_lametag_frame(lame_.get(), info.data(), info.size());
    file_.seek(info_at_);
    if (const Status written = file_.write(info); !written) return written;
    return file_.finish();
  }

 private:
  struct Free {
    void operator()(lame_t lame) const { lame_close(lame); }
  };

  void set_tags(const Tags& tags) {
    id3tag_init(lame_.get());
    id3tag_v2_only(lame_.get());
    for (const auto& [name, frame] : kFrames) {
      const std::string value = find(tags, name);
      if (!value.empty()) id3tag_set_textinfo_utf16(lame_.get(), frame, utf16(value).data());
    }
    const std::string number = find(tags, "TRACKNUMBER"), total = find(tags, "TRACKTOTAL");
    if (!number.empty()) id3tag_set_textinfo_utf16(lame_.get(), "TRCK", utf16(total.empty() ? number : number + "/" + total).data());
    // What ID3 has no frame for goes along under its own name.
    for (const auto& [name, value] : tags) {
      const bool framed = name.starts_with("TRACK") || std::any_of(kFrames.begin(), kFrames.end(), [&](const auto& frame) { return frame.first == name; });
      if (!framed && !value.empty()) id3tag_set_textinfo_utf16(lame_.get(), "TXXX", utf16(name + "=" + value).data());
    }
  }

  Status put(int made) {
    if (made < 0) return Error{Errc::io, file_.path().string() + ": LAME gave up (" + std::to_string(made) + ")"};
    return file_.write(BytesView(out_).first(static_cast<std::size_t>(made)));
  }

  OutputFile file_;
  PcmFormat format_;
  std::unique_ptr<lame_global_flags, Free> lame_;
  float scale_;
  std::vector<float> left_, right_;
  Bytes out_;
  std::size_t info_at_ = 0;
};

}  // namespace

Result<std::unique_ptr<AudioWriter>> write_mp3(OutputFile file, const PcmFormat& format, const Tags& tags) {
  if (format.channels > 2) return Error{Errc::unsupported, file.path().string() + ": MP3 has one channel or two; choose Opus or FLAC"};
  auto writer = std::make_unique<Mp3Writer>(std::move(file), format);
  if (const Status started = writer->start(tags); !started) return started.error();
  return std::unique_ptr<AudioWriter>(std::move(writer));
}

}  // namespace ghost::audiojuggler
