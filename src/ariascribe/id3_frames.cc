#include "ariascribe/id3_frames.h"

#include <algorithm>

#include "ariascribe/tag_text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kId3Header = 10, kId3Padding = 1024;
constexpr std::uint8_t kUnsynchronised = 0x80, kExtended = 0x40, kFooter = 0x10;
/// Frames of text that are looked at have at most this; longer ones are passed by, and kept.
constexpr std::size_t kMaxText = 1024 * 1024;
constexpr std::size_t kMaxFrames = 100'000;

std::size_t frame_header(int version) { return version == 2 ? 6 : 10; }

std::uint32_t seven_bit(BytesView bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 7 | (bytes[at + i] & 0x7fu);
  return value;
}
void append_seven_bit(Bytes& out, std::size_t value) {
  for (const int shift : {21, 14, 7, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift & 0x7f));
}

/// Takes out the zeros that keep 0xff from looking like a frame of MP3.
Bytes synchronised(BytesView bytes) {
  Bytes out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out.push_back(bytes[i]);
    if (bytes[i] == 0xff && i + 1 < bytes.size() && bytes[i + 1] == 0) ++i;
  }
  return out;
}

bool is_frame_id(BytesView id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

/// Frames of text that do not begin with T: those of people, and those of Apple.
constexpr std::string_view kTexts[] = {"IPLS", "IPL", "MVNM", "MVN", "MVIN", "MVI", "GRP1", "GP1"};

/// Where frames stand, and how their sizes are written.
struct FrameWalk {
  const ByteSource& source;
  std::uint64_t begin, end;
  int version;
  bool plain_sizes;  ///< 2.4 with sizes of eight bits a byte, as an old iTunes wrote them
};

std::size_t content_size(const FrameWalk& walk, BytesView header) {
  if (walk.version == 2) return static_cast<std::size_t>(big_endian(header, 3, 3));
  return walk.version == 4 && !walk.plain_sizes ? seven_bit(header, 4) : static_cast<std::size_t>(big_endian(header, 4, 4));
}

/// The frames up to the padding; malformed when one reaches past the end or what follows is neither frame nor padding.
Result<std::vector<Id3Frame>> walk_frames(const FrameWalk& walk, Id3Load load) {
  const std::size_t header_size = frame_header(walk.version), id_size = walk.version == 2 ? 3 : 4;
  std::vector<Id3Frame> frames;
  std::uint64_t at = walk.begin;
  while (at + header_size <= walk.end) {
    const auto header = walk.source.read(at, header_size);
    if (!header) return header.error();
    if ((*header)[0] == 0) break;
    const BytesView id = BytesView(*header).first(id_size);
    const std::size_t size = content_size(walk, *header);
    if (!is_frame_id(id)) return Error{Errc::malformed, "the ID3 tag is damaged: no frame stands at byte " + std::to_string(at)};
    if (size > walk.end - at - header_size) return Error{Errc::malformed, "the ID3 tag is damaged: the frame at byte " + std::to_string(at) + " is longer than the tag"};
    if (frames.size() == kMaxFrames) return Error{Errc::exhausted, "the ID3 tag has more than " + std::to_string(kMaxFrames) + " frames"};
    Id3Frame frame{std::string(as_text(id)), header_size + size, {}};
    if (load == Id3Load::all || (id3_is_text(frame.id) && size <= kMaxText)) {
      auto raw = walk.source.read(at, frame.size);
      if (!raw) return raw.error();
      frame.raw = std::move(*raw);
    }
    at += frame.size;
    frames.push_back(std::move(frame));
  }
  return frames;
}

Result<std::vector<Id3Frame>> frames_in(FrameWalk walk, Id3Load load) {
  auto frames = walk_frames(walk, load);
  if (frames || walk.version != 4) return frames;
  walk.plain_sizes = true;
  auto plain = walk_frames(walk, load);
  if (!plain) return frames;
  // What is kept is written with sizes as they should be.
  for (Id3Frame& frame : *plain) {
    if (frame.raw.empty()) continue;
    Bytes size;
    append_seven_bit(size, frame.raw.size() - kId3Header);
    std::copy(size.begin(), size.end(), frame.raw.begin() + 4);
  }
  return plain;
}

/// Where the frames begin: behind the extended header, which speaks of padding and checksums and is not kept.
Result<std::uint64_t> behind_extended(const FrameWalk& walk) {
  const auto header = walk.source.read(walk.begin, 4);
  if (!header) return header.error();
  const std::uint64_t size = walk.version == 4 ? std::max<std::uint64_t>(seven_bit(*header, 0), 6) : big_endian(*header, 0, 4) + 4;
  if (size > walk.end - walk.begin) return Error{Errc::malformed, "the ID3 tag is damaged: its extended header is longer than the tag"};
  return walk.begin + size;
}

}  // namespace

bool id3_is_text(std::string_view id) { return id.starts_with('T') || std::find(std::begin(kTexts), std::end(kTexts), id) != std::end(kTexts); }

std::uint64_t id3_length(const ByteSource& file, std::uint64_t offset) {
  if (file.size() < kId3Header || offset > file.size() - kId3Header) return 0;
  const auto header = file.read(offset, kId3Header);
  if (!header || as_text(BytesView(*header).first(3)) != "ID3") return 0;
  return seven_bit(*header, 6) + kId3Header + ((*header)[3] == 4 && ((*header)[5] & kFooter) != 0 ? kId3Header : 0);
}

Result<Id3Tag> parse_id3(const ByteSource& file, std::uint64_t offset, Id3Load load) {
  Id3Tag tag;
  tag.size = id3_length(file, offset);
  if (tag.size == 0) return tag;
  const auto header = file.read(offset, kId3Header);
  if (!header) return header.error();
  tag.version = (*header)[3];
  const std::uint8_t flags = (*header)[5];
  if (tag.version < 2 || tag.version > 4) return Error{Errc::unsupported, "the ID3 tag is of version 2." + std::to_string(tag.version) + "; 2.2, 2.3 and 2.4 are known"};
  if (tag.version == 2 && (flags & kExtended) != 0) return Error{Errc::unsupported, "the ID3v2.2 tag is compressed"};
  if (tag.size > kMaxTagBytes) return Error{Errc::exhausted, "the ID3 tag has " + std::to_string(tag.size) + " bytes, more than " + std::to_string(kMaxTagBytes / 1024 / 1024) + " MiB"};
  if (tag.size > file.size() - offset) return Error{Errc::malformed, "the file is cut off inside its ID3 tag"};
  const std::uint64_t end = offset + kId3Header + seven_bit(*header, 6);
  tag.all_unsynchronised = tag.version == 4 && (flags & kUnsynchronised) != 0;
  Bytes plain;
  std::optional<MemorySource> memory;
  FrameWalk walk{file, offset + kId3Header, end, tag.version, false};
  if (tag.version < 4 && (flags & kUnsynchronised) != 0) {
    const auto content = file.read(walk.begin, static_cast<std::size_t>(end - walk.begin));
    if (!content) return content.error();
    plain = synchronised(*content);
    memory.emplace(plain);
  }
  FrameWalk frames{memory ? static_cast<const ByteSource&>(*memory) : file, memory ? 0 : walk.begin, memory ? plain.size() : end, tag.version, false};
  if (tag.version > 2 && (flags & kExtended) != 0 && frames.end - frames.begin >= 4) {
    const auto begin = behind_extended(frames);
    if (!begin) return begin.error();
    frames.begin = *begin;
  }
  auto found = frames_in(frames, load);
  if (!found) return found.error();
  tag.frames = std::move(*found);
  return tag;
}

std::optional<Bytes> id3_content(const Id3Tag& tag, const Id3Frame& frame) {
  if (frame.raw.size() < frame_header(tag.version)) return std::nullopt;
  BytesView content = BytesView(frame.raw).subspan(frame_header(tag.version));
  if (tag.version == 2) return to_bytes(content);
  const std::uint8_t flags = frame.raw[9];
  const bool packed = tag.version == 4 ? (flags & 0x0c) != 0 : (flags & 0xc0) != 0;
  const bool grouped = tag.version == 4 ? (flags & 0x40) != 0 : (flags & 0x20) != 0;
  if (packed) return std::nullopt;
  const std::size_t extra = (grouped ? 1 : 0) + (tag.version == 4 && (flags & 0x01) != 0 ? 4 : 0);
  if (extra > content.size()) return std::nullopt;
  content = content.subspan(extra);
  return tag.version == 4 && ((flags & 0x02) != 0 || tag.all_unsynchronised) ? synchronised(content) : to_bytes(content);
}

std::vector<std::string> id3_texts(BytesView content) {
  if (content.empty()) return {};
  const std::uint8_t encoding = content[0];
  content = content.subspan(1);
  if (encoding == 0) return split_at_zeros(utf8_of_latin1(content));
  if (encoding > 2) return split_at_zeros(utf8_or_latin1(content));
  // UTF-16: a mark may stand before each text; where it does not, the one before counts.
  std::vector<std::string> all;
  bool big = encoding == 2;
  while (content.size() >= 2) {
    std::size_t end = 0;
    while (end + 1 < content.size() && (content[end] != 0 || content[end + 1] != 0)) end += 2;
    end = std::min(end, content.size());
    if (encoding == 1 && end >= 2 && ((content[0] == 0xfe && content[1] == 0xff) || (content[0] == 0xff && content[1] == 0xfe))) big = content[0] == 0xfe;
    all.push_back(utf8_of_utf16(content.first(end), big));
    content = content.subspan(std::min(content.size(), end + 2));
  }
  while (!all.empty() && all.back().empty()) all.pop_back();
  return all;
}

Id3Frame id3_text_frame(int version, std::string id, const std::vector<std::string>& texts) {
  const bool ascii = std::all_of(texts.begin(), texts.end(), is_plain_ascii);
  Bytes content = {static_cast<std::uint8_t>(version == 4 ? 3 : ascii ? 0 : 1)};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const bool wide = content[0] == 1;
    if (i > 0) content.insert(content.end(), wide ? 2 : 1, 0);
    append(content, wide ? BytesView(utf16_of(texts[i])) : as_bytes(texts[i]));
  }
  Id3Frame frame{std::move(id), frame_header(version) + content.size(), {}};
  append(frame.raw, as_bytes(frame.id));
  if (version == 2) append_big_endian(frame.raw, content.size(), 3);
  else if (version == 3) append_big_endian(frame.raw, content.size(), 4);
  else append_seven_bit(frame.raw, content.size());
  if (version > 2) frame.raw.insert(frame.raw.end(), 2, 0);
  append(frame.raw, content);
  return frame;
}

Result<Bytes> id3_bytes(const Id3Tag& tag, std::size_t room) {
  std::size_t size = kId3Header;
  for (const Id3Frame& frame : tag.frames) size += frame.raw.size();
  const std::size_t whole = size <= room ? room : size + kId3Padding;
  if (whole > kMaxTagBytes) return Error{Errc::exhausted, "the ID3 tag would have " + std::to_string(whole) + " bytes"};
  Bytes out = {'I', 'D', '3', static_cast<std::uint8_t>(tag.version), 0, static_cast<std::uint8_t>(tag.all_unsynchronised ? kUnsynchronised : 0)};
  append_seven_bit(out, whole - kId3Header);
  for (const Id3Frame& frame : tag.frames) append(out, frame.raw);
  out.resize(whole, 0);
  return out;
}

}  // namespace ghost::ariascribe
