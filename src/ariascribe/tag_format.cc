#include "ariascribe/tag_format.h"

#include <algorithm>

#include "ariascribe/ape_tags.h"
#include "ariascribe/chunk_tags.h"
#include "ariascribe/flac_tags.h"
#include "ariascribe/id3_frames.h"
#include "ariascribe/mp3_tags.h"
#include "ariascribe/mp4_tags.h"
#include "ariascribe/ogg_tags.h"
#include "base/sha256.h"
#include "base/text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::string_view kExtensions[] = {".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".m4b", ".mp4", ".wv", ".aiff", ".aif", ".aifc", ".wav", ".wave"};
constexpr std::size_t kHashed = 256 * 1024;

using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Result<std::vector<Splice>> splices_of(TagFormat format, const ByteSource& file, const std::vector<Tag>& tags) {
  switch (format) {
    case TagFormat::flac: return flac_splices(file, tags);
    case TagFormat::vorbis:
    case TagFormat::opus: return ogg_splices(file, tags);
    case TagFormat::mp3: return mp3_splices(file, tags);
    case TagFormat::mp4: return mp4_splices(file, tags);
    case TagFormat::wavpack: return wavpack_splices(file, tags);
    case TagFormat::aiff:
    case TagFormat::wav: return chunk_splices(file, tags);
  }
  return Error{Errc::unsupported, "no such format"};
}

Result<std::vector<Tag>> tags_of(TagFormat format, const ByteSource& file) {
  switch (format) {
    case TagFormat::flac: return flac_tags(file);
    case TagFormat::vorbis:
    case TagFormat::opus: return ogg_tags(file);
    case TagFormat::mp3: return mp3_tags(file);
    case TagFormat::mp4: return mp4_tags(file);
    case TagFormat::wavpack: return wavpack_tags(file);
    case TagFormat::aiff:
    case TagFormat::wav: return chunk_tags(file);
  }
  return Error{Errc::unsupported, "no such format"};
}

Status hash_range(const ByteSource& file, std::uint64_t at, std::uint64_t size, Sha256& hash) {
  while (size > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(kHashed, size));
    const auto bytes = file.read(at, part);
    if (!bytes) return bytes.error();
    hash.update(*bytes);
    at += part;
    size -= part;
  }
  return {};
}

/// Where the audio of a format stands that has it in few pieces.
Result<Ranges> audio_ranges(TagFormat format, const ByteSource& file) {
  if (format == TagFormat::flac) {
    const auto begin = flac_audio(file);
    if (!begin) return begin.error();
    return Ranges{{*begin, file.size() - *begin}};
  }
  if (format == TagFormat::vorbis || format == TagFormat::opus) return ogg_audio(file);
  if (format == TagFormat::mp3) {
    const std::uint64_t begin = std::min(id3_length(file, 0), file.size());
    return Ranges{{begin, file.size() - begin}};
  }
  if (format == TagFormat::wavpack) {
    const auto tag = parse_ape(file);
    if (!tag) return tag.error();
    return Ranges{{0, tag->offset}};
  }
  const auto chunks = chunks_of(file);
  if (!chunks) return chunks.error();
  Ranges ranges;
  for (const Chunk& chunk : *chunks) {
    if (chunk.id != "id3 " && chunk.id != "ID3 " && chunk.id != "ds64") ranges.emplace_back(chunk.offset, 8 + chunk.size);
  }
  return ranges;
}

/// mdat, and the first bytes of each chunk where the tables say that it stands.
Status hash_mp4(const ByteSource& file, Sha256& hash) {
  const auto audio = mp4_audio(file);
  if (!audio) return audio.error();
  for (const auto& [at, size] : audio->data) {
    if (const Status done = hash_range(file, at, size, hash); !done) return done;
  }
  for (const std::uint64_t at : audio->chunks) {
    const std::uint64_t size = at < file.size() ? std::min<std::uint64_t>(16, file.size() - at) : 0;
    if (const Status done = hash_range(file, at, size, hash); !done) return done;
  }
  return {};
}

}  // namespace

std::string_view name(TagFormat format) {
  constexpr std::string_view kFormats[] = {"FLAC", "Ogg Vorbis", "Opus", "MP3", "M4A", "WavPack", "AIFF", "WAV"};
  return kFormats[static_cast<std::size_t>(format)];
}

bool has_tags(std::string_view extension) {
  return std::any_of(std::begin(kExtensions), std::end(kExtensions), [&](std::string_view each) { return same_name(each, extension); });
}

Result<TagFormat> format_of(const ByteSource& file) {
  const auto first = file.read(0, static_cast<std::size_t>(std::min<std::uint64_t>(12, file.size())));
  if (!first) return first.error();
  const std::string_view text = as_text(*first);
  const std::string_view kind = text.size() >= 12 ? text.substr(8) : "";
  if (text.starts_with("fLaC")) return TagFormat::flac;
  if (text.starts_with("OggS")) {
    const auto codec = ogg_codec(file);
    if (!codec) return codec.error();
    return *codec == OggCodec::vorbis ? TagFormat::vorbis : TagFormat::opus;
  }
  if (text.starts_with("wvpk")) return TagFormat::wavpack;
  if (text.size() >= 8 && text.substr(4, 4) == "ftyp") return TagFormat::mp4;
  if ((text.starts_with("RIFF") || text.starts_with("RF64")) && kind == "WAVE") return TagFormat::wav;
  if (text.starts_with("FORM") && (kind == "AIFF" || kind == "AIFC")) return TagFormat::aiff;
  const std::uint64_t behind = id3_length(file, 0);
  if (behind > file.size()) return Error{Errc::malformed, "the file is cut off inside its ID3 tag: it has " + std::to_string(file.size()) + " bytes"};
  if (behind > 0 && file.size() - behind >= 4) {
    const auto next = file.read(behind, 4);
    if (next && as_text(*next) == "fLaC") return TagFormat::flac;
  }
  if (is_mp3(file, behind)) return TagFormat::mp3;
  const std::string begins = first->empty() ? "it is empty" : "it begins with '" + printable(text.substr(0, 4)) + "'";
  return Error{Errc::malformed, "this is no file of FLAC, Ogg Vorbis, Opus, MP3, M4A, WavPack, AIFF or WAV: " + begins};
}

Result<std::vector<Tag>> read_tags(const ByteSource& file) {
  const auto format = format_of(file);
  if (!format) return format.error();
  return tags_of(*format, file);
}

Result<std::vector<Splice>> splices_for(const ByteSource& file, const std::vector<Tag>& tags) {
  const auto format = format_of(file);
  if (!format) return format.error();
  auto splices = splices_of(*format, file, tags);
  if (!splices) return splices;
  // What was worked out is read before it is written: a reader of ours must see just these tags.
  const SplicedSource after(file, *splices);
  const auto again = read_tags(after);
  if (!again) return again.error().in("the tags would not be read back");
  const auto lost = names_that_differ(*again, tags);
  if (!lost.empty()) return Error{Errc::unsupported, std::string(name(*format)) + " cannot hold what " + lost.front() + " is to say"};
  return splices;
}

Result<std::vector<std::uint8_t>> audio_digest(const ByteSource& file) {
  const auto format = format_of(file);
  if (!format) return format.error();
  Sha256 hash;
  if (*format == TagFormat::mp4) {
    if (const Status done = hash_mp4(file, hash); !done) return done.error();
  } else {
    const auto ranges = audio_ranges(*format, file);
    if (!ranges) return ranges.error();
    for (const auto& [at, size] : *ranges) {
      if (const Status done = hash_range(file, at, size, hash); !done) return done.error();
    }
  }
  const Digest digest = hash.finish();
  return Bytes(digest.begin(), digest.end());
}

}  // namespace ghost::ariascribe
