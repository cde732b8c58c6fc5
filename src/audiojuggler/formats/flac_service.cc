#include "audiojuggler/formats/flac_service.h"

#include <FLAC/metadata.h>
#include <FLAC/stream_decoder.h>
#include <FLAC/stream_encoder.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace ghost::audiojuggler {

namespace {

constexpr unsigned kLevel = 8;
constexpr unsigned kPadding = 8192;         // bytes, for tags that are added later
constexpr unsigned kSeekSeconds = 10;

class FlacReader : public AudioReader {
 public:
  FlacReader(std::filesystem::path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)), decoder_(FLAC__stream_decoder_new()) {}

  Status start() {
    FLAC__stream_decoder_set_md5_checking(decoder_.get(), true);
    FLAC__stream_decoder_set_metadata_respond(decoder_.get(), FLAC__METADATA_TYPE_VORBIS_COMMENT);
    const auto begun = FLAC__stream_decoder_init_stream(decoder_.get(), on_read, nullptr, nullptr, nullptr, nullptr, on_frame, on_metadata, on_error, this);
    if (begun != FLAC__STREAM_DECODER_INIT_STATUS_OK) return Error{Errc::io, path_.string() + ": " + FLAC__StreamDecoderInitStatusString[begun]};
    if (!FLAC__stream_decoder_process_until_end_of_metadata(decoder_.get()) || !known_) {
      if (io_error_ != 0) return errno_error(io_error_, "read", path_.string());
      return Error{Errc::malformed, path_.string() + " is no FLAC file, or its head is damaged"};
    }
    return {};
  }

  PcmFormat format() const override { return format_; }
  std::uint64_t frames() const override { return frames_; }
  const Tags& tags() const override { return tags_; }

  Result<std::size_t> read(std::span<std::int32_t> out) override {
    const std::size_t wanted = out.size() / format_.channels;
    while (at_ == block_.size()) {
      const auto state = FLAC__stream_decoder_get_state(decoder_.get());
      if (state == FLAC__STREAM_DECODER_END_OF_STREAM) return end();
      if (!FLAC__stream_decoder_process_single(decoder_.get())) return damaged("libFLAC gave up: " + std::string(FLAC__stream_decoder_get_resolved_state_string(decoder_.get())));
      if (io_error_ != 0) return errno_error(io_error_, "read", path_.string());
      if (broken_) return damaged(*broken_);
    }
    const std::size_t frames = std::min(wanted, (block_.size() - at_) / format_.channels);
    std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(at_), frames * format_.channels, out.begin());
    at_ += frames * format_.channels;
    given_ += frames;
    return frames;
  }

 private:
  struct Free {
    void operator()(FLAC__StreamDecoder* decoder) const { FLAC__stream_decoder_delete(decoder); }
  };

  Error damaged(const std::string& why) const { return {Errc::data_loss, path_.string() + " is damaged after " + std::to_string(given_) + " samples: " + why}; }

  Result<std::size_t> end() {
    if (ended_) return std::size_t{0};
    ended_ = true;
    if (frames_ > 0 && given_ != frames_) return damaged("it should have " + std::to_string(frames_));
    if (!FLAC__stream_decoder_finish(decoder_.get())) return damaged("its samples are not those of its MD5");
    return std::size_t{0};
  }

  static FLAC__StreamDecoderReadStatus on_read(const FLAC__StreamDecoder*, FLAC__byte buffer[], size_t* bytes, void* self) {
    auto& reader = *static_cast<FlacReader*>(self);
    for (;;) {
      const ssize_t n = ::read(reader.fd_.get(), buffer, *bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        reader.io_error_ = errno;
        return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
      }
      *bytes = static_cast<std::size_t>(n);
      return n == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
    }
  }

  static FLAC__StreamDecoderWriteStatus on_frame(const FLAC__StreamDecoder*, const FLAC__Frame* frame, const FLAC__int32* const channels[], void* self) {
    auto& reader = *static_cast<FlacReader*>(self);
    if (frame->header.channels != reader.format_.channels || frame->header.bits_per_sample != reader.format_.bits) {
      reader.broken_ = "its format changes in the middle";
      return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    const unsigned count = frame->header.channels;
    reader.block_.resize(std::size_t{frame->header.blocksize} * count);
    reader.at_ = 0;
    for (unsigned i = 0; i < frame->header.blocksize; ++i) {
      for (unsigned channel = 0; channel < count; ++channel) reader.block_[std::size_t{i} * count + channel] = channels[channel][i];
    }
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
  }

  static void on_metadata(const FLAC__StreamDecoder*, const FLAC__StreamMetadata* metadata, void* self) {
    auto& reader = *static_cast<FlacReader*>(self);
    if (metadata->type == FLAC__METADATA_TYPE_STREAMINFO) {
      const auto& info = metadata->data.stream_info;
      reader.format_ = {info.sample_rate, info.channels, info.bits_per_sample};
      reader.frames_ = info.total_samples;
      reader.known_ = info.channels > 0;
    } else if (metadata->type == FLAC__METADATA_TYPE_VORBIS_COMMENT) {
      const auto& comments = metadata->data.vorbis_comment;
      for (unsigned i = 0; i < comments.num_comments; ++i) {
        const std::string_view entry(reinterpret_cast<const char*>(comments.comments[i].entry), comments.comments[i].length);
        const std::size_t equals = entry.find('=');
        if (equals != entry.npos) reader.tags_.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
      }
    }
  }

  static void on_error(const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus status, void* self) {
    static_cast<FlacReader*>(self)->broken_ = FLAC__StreamDecoderErrorStatusString[status];
  }

  std::filesystem::path path_;
  UniqueFd fd_;
  std::unique_ptr<FLAC__StreamDecoder, Free> decoder_;
  PcmFormat format_;
  std::uint64_t frames_ = 0, given_ = 0;
  Tags tags_;
  std::vector<std::int32_t> block_;
  std::size_t at_ = 0;
  bool known_ = false, ended_ = false;
  int io_error_ = 0;
  std::optional<std::string> broken_;
};

class FlacWriter : public AudioWriter {
 public:
  FlacWriter(OutputFile file, const PcmFormat& format) : file_(std::move(file)), format_(format), encoder_(FLAC__stream_encoder_new()) {}
  ~FlacWriter() override {
    encoder_.reset();
    for (FLAC__StreamMetadata* block : blocks_) FLAC__metadata_object_delete(block);
  }

  Status start(std::uint64_t frames, const Tags& tags) {
    FLAC__StreamEncoder* const encoder = encoder_.get();
    FLAC__stream_encoder_set_channels(encoder, format_.channels);
    FLAC__stream_encoder_set_bits_per_sample(encoder, format_.bits);
    FLAC__stream_encoder_set_sample_rate(encoder, format_.rate);
    FLAC__stream_encoder_set_compression_level(encoder, kLevel);
    FLAC__stream_encoder_set_total_samples_estimate(encoder, frames);
    if (const Status made = make_metadata(frames, tags); !made) return made;
    FLAC__stream_encoder_set_metadata(encoder, blocks_.data(), static_cast<unsigned>(blocks_.size()));
    const auto begun = FLAC__stream_encoder_init_stream(encoder, on_write, on_seek, on_tell, nullptr, this);
    if (begun == FLAC__STREAM_ENCODER_INIT_STATUS_OK) return {};
    return failure(FLAC__StreamEncoderInitStatusString[begun]);
  }

  Status write(std::span<const std::int32_t> samples) override {
    const auto frames = static_cast<unsigned>(samples.size() / format_.channels);
    if (FLAC__stream_encoder_process_interleaved(encoder_.get(), samples.data(), frames)) return {};
    return failure(FLAC__stream_encoder_get_resolved_state_string(encoder_.get()));
  }

  Status finish() override {
    if (!FLAC__stream_encoder_finish(encoder_.get())) return failure(FLAC__stream_encoder_get_resolved_state_string(encoder_.get()));
    return file_.finish();
  }

 private:
  struct Free {
    void operator()(FLAC__StreamEncoder* encoder) const { FLAC__stream_encoder_delete(encoder); }
  };

  Status make_metadata(std::uint64_t frames, const Tags& tags) {
    if (frames > 0) {
      FLAC__StreamMetadata* const seeks = add(FLAC__METADATA_TYPE_SEEKTABLE);
      if (!FLAC__metadata_object_seektable_template_append_spaced_points_by_samples(seeks, format_.rate * kSeekSeconds, frames) ||
          !FLAC__metadata_object_seektable_template_sort(seeks, true)) {
        return Error{Errc::exhausted, file_.path().string() + ": no memory for the seek table"};
      }
    }
    FLAC__StreamMetadata* const comments = add(FLAC__METADATA_TYPE_VORBIS_COMMENT);
    for (const auto& [name, value] : tags) {
      std::string entry = name + "=" + value;
      FLAC__StreamMetadata_VorbisComment_Entry comment{static_cast<FLAC__uint32>(entry.size()), reinterpret_cast<FLAC__byte*>(entry.data())};
      if (!FLAC__metadata_object_vorbiscomment_append_comment(comments, comment, true)) {
        return Error{Errc::malformed, file_.path().string() + ": the tag " + name + " cannot be written; it must be UTF-8"};
      }
    }
    add(FLAC__METADATA_TYPE_PADDING)->length = kPadding;
    return {};
  }

  FLAC__StreamMetadata* add(FLAC__MetadataType type) {
    blocks_.push_back(FLAC__metadata_object_new(type));
    if (blocks_.back() == nullptr) throw std::bad_alloc();
    return blocks_.back();
  }

  Error failure(const char* why) const { return error_ ? *error_ : Error{Errc::io, file_.path().string() + ": libFLAC: " + why}; }

  static FLAC__StreamEncoderWriteStatus on_write(const FLAC__StreamEncoder*, const FLAC__byte bytes[], size_t count, unsigned, unsigned, void* self) {
    auto& writer = *static_cast<FlacWriter*>(self);
    const Status written = writer.file_.write({bytes, count});
    if (written) return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
    writer.error_ = written.error();
    return FLAC__STREAM_ENCODER_WRITE_STATUS_FATAL_ERROR;
  }
  static FLAC__StreamEncoderSeekStatus on_seek(const FLAC__StreamEncoder*, FLAC__uint64 place, void* self) {
    static_cast<FlacWriter*>(self)->file_.seek(place);
    return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
  }
  static FLAC__StreamEncoderTellStatus on_tell(const FLAC__StreamEncoder*, FLAC__uint64* place, void* self) {
    *place = static_cast<FlacWriter*>(self)->file_.place();
    return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
  }

  OutputFile file_;
  PcmFormat format_;
  std::unique_ptr<FLAC__StreamEncoder, Free> encoder_;
  std::vector<FLAC__StreamMetadata*> blocks_;  ///< owned; the encoder reads them until it has finished
  std::optional<Error> error_;                 ///< why writing failed
};

}  // namespace

Result<std::unique_ptr<AudioReader>> open_flac(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open", path.string());
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  auto reader = std::make_unique<FlacReader>(path, std::move(fd));
  if (const Status started = reader->start(); !started) return started.error();
  return std::unique_ptr<AudioReader>(std::move(reader));
}

Result<std::unique_ptr<AudioWriter>> write_flac(OutputFile file, const PcmFormat& format, std::uint64_t frames, const Tags& tags) {
  auto writer = std::make_unique<FlacWriter>(std::move(file), format);
  if (const Status started = writer->start(frames, tags); !started) return started.error();
  return std::unique_ptr<AudioWriter>(std::move(writer));
}

}  // namespace ghost::audiojuggler
