#include "ariascribe/chunk_tags.h"

#include <algorithm>
#include <optional>

#include "ariascribe/id3_tags.h"
#include "ariascribe/tag_text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kFormHeader = 12, kChunkHeader = 8, kMaxChunks = 100'000, kMaxInfo = 1024 * 1024;
constexpr std::uint64_t kUnknownSize = 0xffffffff;

struct InfoName {
  std::string_view id, name;
};
constexpr InfoName kInfoNames[] = {{"INAM", "TITLE"}, {"IPRD", "ALBUM"}, {"IART", "ARTIST"}, {"IMUS", "COMPOSER"}, {"ICRD", "DATE"}, {"IGNR", "GENRE"}, {"ITRK", "TRACKNUMBER"}, {"IPRT", "TRACKNUMBER"}, {"ICOP", "COPYRIGHT"},
                                   {"NAME", "TITLE"}, {"AUTH", "ARTIST"}};

std::string_view info_name(std::string_view id) {
  const auto* found = std::find_if(std::begin(kInfoNames), std::end(kInfoNames), [&](const InfoName& each) { return each.id == id; });
  return found == std::end(kInfoNames) ? "" : found->name;
}

struct Form {
  bool big = false;   ///< AIFF
  bool rf64 = false;
  std::uint64_t end = 0;            ///< where the chunks end
  std::uint64_t data_size = 0;      ///< RF64's, from ds64
};

std::uint64_t number_at(const Form& form, BytesView bytes, std::size_t at, std::size_t width) {
  if (form.big) return big_endian(bytes, at, width);
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

Bytes number_bytes(const Form& form, std::uint64_t value, std::size_t width) {
  Bytes out;
  append_big_endian(out, value, width);
  if (!form.big) std::reverse(out.begin(), out.end());
  return out;
}

Result<Form> form_of(const ByteSource& file) {
  const auto header = file.read(0, kFormHeader);
  if (!header) return header.error();
  const std::string_view id = as_text(BytesView(*header).first(4)), kind = as_text(BytesView(*header).subspan(8, 4));
  Form form;
  form.big = id == "FORM";
  form.rf64 = id == "RF64";
  if (!(form.big ? kind == "AIFF" || kind == "AIFC" : (id == "RIFF" || form.rf64) && kind == "WAVE")) return Error{Errc::malformed, "this is neither WAV nor AIFF"};
  std::uint64_t size = number_at(form, *header, 4, 4);
  if (form.rf64) {
    const auto ds64 = file.read(kFormHeader, kChunkHeader + 16);
    if (!ds64) return ds64.error();
    if (as_text(BytesView(*ds64).first(4)) != "ds64" || number_at(form, *ds64, 4, 4) < 16) return Error{Errc::malformed, "this RF64 file does not begin with its chunk of sizes"};
    size = number_at(form, *ds64, 8, 8);
    form.data_size = number_at(form, *ds64, 16, 8);
  }
  form.end = size > file.size() - 8 || size < 4 ? file.size() : size + 8;
  return form;
}

Result<std::vector<Chunk>> chunks_in(const ByteSource& file, const Form& form, std::uint64_t at, std::uint64_t end) {
  std::vector<Chunk> chunks;
  while (end - at >= kChunkHeader) {
    const auto header = file.read(at, kChunkHeader);
    if (!header) return header.error();
    Chunk chunk{std::string(as_text(BytesView(*header).first(4))), at, number_at(form, *header, 4, 4)};
    if (form.rf64 && chunk.id == "data" && chunk.size == kUnknownSize) chunk.size = form.data_size;
    if (chunk.size > end - at - kChunkHeader) {
      // A recorder that was cut off leaves sound that reaches to the end; another chunk cut off is damage.
      if (chunk.id != "data" && chunk.id != "SSND") return Error{Errc::malformed, "the chunk at byte " + std::to_string(at) + " is longer than the file"};
      chunk.size = end - at - kChunkHeader;
    }
    if (chunks.size() == kMaxChunks) return Error{Errc::exhausted, "the file has more than " + std::to_string(kMaxChunks) + " chunks"};
    at += std::min(end - at, kChunkHeader + chunk.size + (chunk.size & 1));
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

bool holds_id3(const Chunk& chunk) { return chunk.id == "id3 " || chunk.id == "ID3 "; }

Status add_text(const ByteSource& file, const Chunk& chunk, std::vector<Tag>& tags) {
  const std::string_view name = info_name(chunk.id);
  if (name.empty() || chunk.size > kMaxInfo) return {};
  const auto bytes = file.read(chunk.offset + kChunkHeader, static_cast<std::size_t>(chunk.size));
  if (!bytes) return bytes.error();
  const auto texts = split_at_zeros(utf8_or_latin1(*bytes));
  if (!texts.empty() && !texts.front().empty()) tags.push_back({std::string(name), texts.front(), false});
  return {};
}

Result<std::vector<Tag>> tags_without_id3(const ByteSource& file, const Form& form, const std::vector<Chunk>& chunks) {
  std::vector<Tag> tags;
  for (const Chunk& chunk : chunks) {
    if (form.big && (chunk.id == "NAME" || chunk.id == "AUTH")) {
      if (const Status done = add_text(file, chunk, tags); !done) return done.error();
    }
    if (form.big || chunk.id != "LIST" || chunk.size < 4) continue;
    const auto kind = file.read(chunk.offset + kChunkHeader, 4);
    if (!kind) return kind.error();
    if (as_text(*kind) != "INFO") continue;
    const auto parts = chunks_in(file, form, chunk.offset + kChunkHeader + 4, chunk.offset + kChunkHeader + chunk.size);
    if (!parts) return parts.error();
    for (const Chunk& part : *parts) {
      if (const Status done = add_text(file, part, tags); !done) return done.error();
    }
  }
  return tags;
}

Result<Id3Tag> tag_in(const ByteSource& file, const Chunk& chunk, Id3Load load) {
  if (chunk.size > kMaxTagBytes) return Error{Errc::exhausted, "the chunk of tags has " + std::to_string(chunk.size) + " bytes"};
  if (id3_length(file, chunk.offset + kChunkHeader) > chunk.size) return Error{Errc::malformed, "the ID3 tag is longer than its chunk"};
  return parse_id3(file, chunk.offset + kChunkHeader, load);
}

Result<Splice> replaced(const ByteSource& file, std::uint64_t offset, std::uint64_t size, Bytes after) {
  auto before = file.read(offset, static_cast<std::size_t>(size));
  if (!before) return before.error();
  return Splice{offset, std::move(*before), std::move(after)};
}

/// What changes the length that stands in front of all chunks.
Result<Splice> length_splice(const ByteSource& file, const Form& form, std::uint64_t end) {
  if (form.rf64) return replaced(file, kFormHeader + kChunkHeader, 8, number_bytes(form, end - 8, 8));
  if (end - 8 >= kUnknownSize) return Error{Errc::exhausted, "with its tags the file would be longer than 4 GiB, which its format cannot say"};
  return replaced(file, 4, 4, number_bytes(form, end - 8, 4));
}

}  // namespace

Result<std::vector<Chunk>> chunks_of(const ByteSource& file) {
  const auto form = form_of(file);
  if (!form) return form.error();
  return chunks_in(file, *form, kFormHeader, form->end);
}

Result<std::vector<Tag>> chunk_tags(const ByteSource& file) {
  const auto form = form_of(file);
  if (!form) return form.error();
  const auto chunks = chunks_in(file, *form, kFormHeader, form->end);
  if (!chunks) return chunks.error();
  const auto id3 = std::find_if(chunks->begin(), chunks->end(), holds_id3);
  if (id3 == chunks->end()) return tags_without_id3(file, *form, *chunks);
  const auto tag = tag_in(file, *id3, Id3Load::texts);
  if (!tag) return tag.error();
  return tag->size == 0 ? tags_without_id3(file, *form, *chunks) : Result<std::vector<Tag>>(id3_tags(*tag));
}

Result<std::vector<Splice>> chunk_splices(const ByteSource& file, const std::vector<Tag>& tags) {
  const auto form = form_of(file);
  if (!form) return form.error();
  const auto chunks = chunks_in(file, *form, kFormHeader, form->end);
  if (!chunks) return chunks.error();
  if (chunks->empty()) return Error{Errc::malformed, "the file has no chunks"};
  const auto id3 = std::find_if(chunks->begin(), chunks->end(), holds_id3);
  const bool has_one = id3 != chunks->end();
  // The place: the chunk with its padding, or the end.
  const std::uint64_t from = has_one ? id3->offset : form->end;
  const std::uint64_t until = has_one ? std::min(form->end, id3->offset + kChunkHeader + id3->size + (id3->size & 1)) : form->end;
  auto tag = has_one ? tag_in(file, *id3, Id3Load::all) : Result<Id3Tag>(Id3Tag{});
  if (!tag) return tag.error();
  set_id3_tags(*tag, names_that_differ(id3_tags(*tag), tags), tags);
  auto bytes = id3_bytes(*tag, has_one ? static_cast<std::size_t>(id3->size) : 0);
  if (!bytes) return bytes.error();
  const Chunk& last = chunks->back();
  const std::uint64_t last_end = last.offset + kChunkHeader + last.size;
  if (!has_one) {
    const auto stated = file.read(last.offset + 4, 4);
    if (!stated) return stated.error();
    if (number_at(*form, *stated, 0, 4) != last.size && !(form->rf64 && last.id == "data")) return Error{Errc::unsupported, "the sound does not say where it ends, so nothing can stand behind it; write the file again with its lengths"};
  }
  Bytes chunk(!has_one && (last_end & 1) != 0 && last_end == form->end ? 1 : 0, 0);
  append(chunk, as_bytes(has_one ? id3->id : form->big ? "ID3 " : "id3 "));
  append(chunk, number_bytes(*form, bytes->size(), 4));
  append(chunk, *bytes);
  if ((bytes->size() & 1) != 0) chunk.push_back(0);
  const std::uint64_t end = form->end - (until - from) + chunk.size();
  const auto length = length_splice(file, *form, end);
  if (!length) return length.error();
  auto tags_splice = replaced(file, from, until - from, std::move(chunk));
  if (!tags_splice) return tags_splice.error();
  return std::vector<Splice>{*length, std::move(*tags_splice)};
}

}  // namespace ghost::ariascribe
