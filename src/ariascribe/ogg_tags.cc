#include "ariascribe/ogg_tags.h"

#include <algorithm>
#include <array>

#include "ariascribe/vorbis_comment.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kPageHeader = 27, kMostSegments = 255, kSegment = 255;
constexpr std::uint8_t kContinued = 1;
constexpr std::string_view kVorbisTags("\x03vorbis", 7), kOpusTags = "OpusTags";

struct Page {
  std::uint64_t offset = 0;
  Bytes header;  ///< with its table of segments
  std::size_t body = 0;
  std::uint32_t serial() const { return number(14); }
  std::uint32_t sequence() const { return number(18); }
  std::uint64_t end() const { return offset + header.size() + body; }
  std::uint32_t number(std::size_t at) const {
    ByteReader reader(BytesView(header).subspan(at));
    return reader.u32();
  }
};

Result<Page> page_at(const ByteSource& file, std::uint64_t offset) {
  auto header = file.read(offset, kPageHeader);
  if (!header) return header.error();
  if (as_text(BytesView(*header).first(4)) != "OggS" || (*header)[4] != 0) return Error{Errc::malformed, "no page of Ogg stands at byte " + std::to_string(offset)};
  const auto segments = file.read(offset + kPageHeader, header->back());
  if (!segments) return segments.error();
  Page page{offset, std::move(*header), 0};
  append(page.header, *segments);
  for (const std::uint8_t each : *segments) page.body += each;
  if (page.end() > file.size()) return Error{Errc::malformed, "the file is cut off inside the page at byte " + std::to_string(offset)};
  return page;
}

/// The pages and packets in front of the audio.
struct OggHead {
  OggCodec codec = OggCodec::vorbis;
  std::vector<Page> pages;      ///< the first, and those of the packets
  std::vector<Bytes> packets;   ///< comment, and Vorbis' setup
  bool ends_page = true;        ///< the last packet ends its page, as it must
};

/// Takes a page's packets up to `wanted`.
Status add_page(const ByteSource& file, const Page& page, OggHead& head, Bytes& open, std::size_t wanted) {
  const auto body = file.read(page.offset + page.header.size(), page.body);
  if (!body) return body.error();
  std::size_t at = 0;
  for (std::size_t i = kPageHeader; i < page.header.size(); ++i) {
    const std::size_t length = page.header[i];
    append(open, BytesView(*body).subspan(at, length));
    at += length;
    if (length == kSegment) continue;
    head.packets.push_back(std::move(open));
    open.clear();
    if (head.packets.size() < wanted) continue;
    head.ends_page = i + 1 == page.header.size();
    return {};
  }
  if (open.size() > kMaxTagBytes) return Error{Errc::exhausted, "the tags are longer than " + std::to_string(kMaxTagBytes / 1024 / 1024) + " MiB"};
  return {};
}

Result<OggHead> ogg_head(const ByteSource& file) {
  OggHead head;
  auto first = page_at(file, 0);
  if (!first) return first.error();
  const auto magic = file.read(first->offset + first->header.size(), std::min<std::size_t>(8, first->body));
  if (!magic) return magic.error();
  if (as_text(*magic) == "OpusHead") head.codec = OggCodec::opus;
  else if (!as_text(*magic).starts_with(std::string_view("\x01vorbis", 7))) return Error{Errc::unsupported, "this Ogg file holds neither Vorbis nor Opus"};
  const std::size_t wanted = head.codec == OggCodec::vorbis ? 2 : 1;
  std::uint64_t at = first->end();
  const std::uint32_t serial = first->serial();
  head.pages.push_back(std::move(*first));
  Bytes open;
  while (head.packets.size() < wanted) {
    auto page = page_at(file, at);
    if (!page) return page.error();
    if (page->serial() != serial) return Error{Errc::unsupported, "this Ogg file has several streams woven into each other"};
    if (const Status done = add_page(file, *page, head, open, wanted); !done) return done.error();
    at = page->end();
    if (at > kMaxTagBytes) return Error{Errc::exhausted, "the tags are longer than " + std::to_string(kMaxTagBytes / 1024 / 1024) + " MiB"};
    head.pages.push_back(std::move(*page));
  }
  const std::string_view mark = head.codec == OggCodec::vorbis ? kVorbisTags : kOpusTags;
  if (!as_text(head.packets.front()).starts_with(mark)) return Error{Errc::malformed, "the second packet holds no tags"};
  return head;
}

Result<VorbisComment> comment_in(const OggHead& head) {
  const std::size_t mark = head.codec == OggCodec::vorbis ? kVorbisTags.size() : kOpusTags.size();
  return parse_vorbis_comment(BytesView(head.packets.front()).subspan(mark));
}

/// Ogg's: polynomial 0x04c11db7, begun at 0, nothing turned round.
std::uint32_t checksum(std::uint32_t crc, BytesView bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i << 24;
      for (int bit = 0; bit < 8; ++bit) value = (value & 0x80000000u) != 0 ? value << 1 ^ 0x04c11db7u : value << 1;
      table[i] = value;
    }
    return table;
  }();
  for (const std::uint8_t byte : bytes) crc = crc << 8 ^ kTable[(crc >> 24 ^ byte) & 0xff];
  return crc;
}

Bytes little32(std::uint32_t value) {
  Bytes out;
  ByteWriter(out).u32(value);
  return out;
}

void set32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  const Bytes number = little32(value);
  std::copy(number.begin(), number.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Packets' lengths as a table of segments.
Bytes lacing_of(const std::vector<Bytes>& packets) {
  Bytes lacing;
  for (const Bytes& packet : packets) {
    lacing.insert(lacing.end(), packet.size() / kSegment, kSegment);
    lacing.push_back(static_cast<std::uint8_t>(packet.size() % kSegment));
  }
  return lacing;
}

/// The packets on this many pages, each with at least one segment.
Bytes pages_bytes(const Page& model, const std::vector<Bytes>& packets, std::size_t count) {
  const Bytes lacing = lacing_of(packets);
  Bytes content;
  for (const Bytes& packet : packets) append(content, packet);
  Bytes out;
  std::size_t segment = 0, at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t take = std::min(kMostSegments, lacing.size() - segment - (count - i - 1));
    const BytesView table = BytesView(lacing).subspan(segment, take);
    std::size_t body = 0;
    for (const std::uint8_t each : table) body += each;
    const bool ends_packet = std::any_of(table.begin(), table.end(), [](std::uint8_t each) { return each < kSegment; });
    Bytes page = to_bytes(BytesView(model.header).first(kPageHeader));
    page[5] = segment > 0 && lacing[segment - 1] == kSegment ? kContinued : 0;
    std::fill(page.begin() + 6, page.begin() + 14, static_cast<std::uint8_t>(ends_packet ? 0 : 0xff));
    set32(page, 18, model.sequence() + static_cast<std::uint32_t>(i));
    set32(page, 22, 0);
    page[26] = static_cast<std::uint8_t>(take);
    append(page, table);
    append(page, BytesView(content).subspan(at, body));
    set32(page, 22, checksum(0, page));
    append(out, page);
    segment += take;
    at += body;
  }
  return out;
}

/// Each later page of the stream with its number moved by `shift`.
Status renumber(const ByteSource& file, std::uint64_t at, std::uint32_t serial, std::uint32_t shift, std::vector<Splice>& splices) {
  while (at < file.size()) {
    const auto page = page_at(file, at);
    if (!page) return page.error();
    at = page->end();
    if (page->serial() != serial) continue;
    auto bytes = file.read(page->offset, page->header.size() + page->body);
    if (!bytes) return bytes.error();
    Bytes before(bytes->begin() + 18, bytes->begin() + 26);
    set32(*bytes, 22, 0);
    if (checksum(0, *bytes) != page->number(22)) return Error{Errc::data_loss, "the page at byte " + std::to_string(page->offset) + " is damaged: its checksum is wrong"};
    Bytes after = little32(page->sequence() + shift);
    set32(*bytes, 18, page->sequence() + shift);
    append(after, little32(checksum(0, *bytes)));
    splices.push_back({page->offset + 18, std::move(before), std::move(after)});
  }
  return {};
}

}  // namespace

Result<OggCodec> ogg_codec(const ByteSource& file) {
  const auto head = ogg_head(file);
  if (!head) return head.error();
  return head->codec;
}

Result<std::vector<Tag>> ogg_tags(const ByteSource& file) {
  const auto head = ogg_head(file);
  if (!head) return head.error();
  auto comment = comment_in(*head);
  if (!comment) return comment.error();
  return std::move(comment->tags);
}

Result<std::vector<Splice>> ogg_splices(const ByteSource& file, const std::vector<Tag>& tags) {
  auto head = ogg_head(file);
  if (!head) return head.error();
  if (!head->ends_page) return Error{Errc::unsupported, "audio begins on the page of the tags, which Ogg does not allow; write the file again with another program"};
  auto comment = comment_in(*head);
  if (!comment) return comment.error();
  comment->tags = tags;
  head->packets.front() = to_bytes(as_bytes(head->codec == OggCodec::vorbis ? kVorbisTags : kOpusTags));
  append(head->packets.front(), vorbis_comment_bytes(*comment));
  if (head->packets.front().size() > kMaxTagBytes) return Error{Errc::exhausted, "the tags would have " + std::to_string(head->packets.front().size()) + " bytes"};
  const std::size_t segments = lacing_of(head->packets).size(), needed = (segments + kMostSegments - 1) / kMostSegments, were = head->pages.size() - 1;
  const std::size_t count = were >= needed && segments >= were ? were : needed;
  const std::uint64_t from = head->pages[1].offset, until = head->pages.back().end();
  auto before = file.read(from, static_cast<std::size_t>(until - from));
  if (!before) return before.error();
  std::vector<Splice> splices = {{from, std::move(*before), pages_bytes(head->pages[1], head->packets, count)}};
  if (count != were) {
    const Status done = renumber(file, until, head->pages.front().serial(), static_cast<std::uint32_t>(count) - static_cast<std::uint32_t>(were), splices);
    if (!done) return done.error();
  }
  return splices;
}

Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> ogg_audio(const ByteSource& file) {
  const auto head = ogg_head(file);
  if (!head) return head.error();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (std::uint64_t at = head->pages.back().end(); at < file.size();) {
    const auto page = page_at(file, at);
    if (!page) return page.error();
    ranges.emplace_back(page->offset + page->header.size(), page->body);
    at = page->end();
  }
  return ranges;
}

}  // namespace ghost::ariascribe
