#include "ariascribe/flac_tags.h"

#include <algorithm>

#include "base/text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::uint8_t kPadding = 1, kVorbisComment = 4, kInvalid = 127;
constexpr std::size_t kBlockHeader = 4, kMaxBlock = 0xffffff;
constexpr std::size_t kFreshPadding = 4096;
constexpr std::size_t kId3Header = 10;

struct Block {
  std::uint8_t type = 0;
  bool last = false;
  std::size_t offset = 0;  ///< of its header
  std::size_t size = 0;    ///< without its header
};

std::string upper(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}
bool same_tag(std::string_view a, std::string_view b) { return a.size() == b.size() && upper(a) == upper(b); }

/// The length of an ID3v2 tag that stands in front, 0 when none does: some programs put one there.
std::size_t id3_length(BytesView first) {
  if (first.size() < kId3Header || as_text(first.first(3)) != "ID3") return 0;
  std::size_t size = 0;
  for (std::size_t i = 6; i < 10; ++i) size = size << 7 | (first[i] & 0x7fu);
  return size + kId3Header + ((first[5] & 0x10) != 0 ? kId3Header : 0);
}

Error no_flac(BytesView first) {
  const std::string begins = first.empty() ? "it is empty" : "it begins with '" + printable(as_text(first.first(std::min<std::size_t>(4, first.size())))) + "'";
  return {Errc::malformed, "this is no FLAC file: " + begins + " where 'fLaC' should stand"};
}

Block block_at(BytesView bytes, std::size_t offset) {
  Block block;
  block.type = bytes[offset] & 0x7f;
  block.last = (bytes[offset] & 0x80) != 0;
  block.offset = offset;
  block.size = static_cast<std::size_t>(bytes[offset + 1]) << 16 | static_cast<std::size_t>(bytes[offset + 2]) << 8 | bytes[offset + 3];
  return block;
}

Result<std::vector<Block>> blocks_of(BytesView head) {
  std::size_t at = id3_length(head);
  if (head.size() < at + 4 || as_text(head.subspan(at, 4)) != "fLaC") return no_flac(head.subspan(std::min(at, head.size())));
  at += 4;
  std::vector<Block> blocks;
  for (;;) {
    if (at + kBlockHeader > head.size()) return Error{Errc::malformed, "the file ends inside its metadata, at byte " + std::to_string(at)};
    const Block block = block_at(head, at);
    if (block.type == kInvalid) return Error{Errc::malformed, "the metadata block at byte " + std::to_string(at) + " is of no known type"};
    at += kBlockHeader + block.size;
    if (at > head.size()) return Error{Errc::malformed, "the file ends inside its metadata: a block of " + std::to_string(block.size) + " bytes is cut off"};
    blocks.push_back(block);
    if (block.last) return blocks;
  }
}

Result<std::string> text_field(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  if (!reader.ok() || length > reader.remaining()) return Error{Errc::malformed, "the tags' block is damaged: a text is longer than the block"};
  return std::string(as_text(reader.take(length)));
}

Status read_comment(BytesView block, FlacHead& head) {
  ByteReader reader(block);
  auto vendor = text_field(reader);
  if (!vendor) return vendor.error();
  head.vendor = std::move(*vendor);
  const std::uint32_t count = reader.u32();
  if (!reader.ok()) return Error{Errc::malformed, "the tags' block is damaged: the number of tags is missing"};
  for (std::uint32_t i = 0; i < count; ++i) {
    auto text = text_field(reader);
    if (!text) return text.error();
    const std::size_t equals = text->find('=');
    // What has no "=" is kept as it is, under its whole text.
    if (equals == std::string::npos) head.tags.push_back({std::move(*text), "", true});
    else head.tags.push_back({text->substr(0, equals), text->substr(equals + 1), false});
  }
  return {};
}

Bytes comment_block(const FlacHead& head, const std::vector<Tag>& tags) {
  Bytes block;
  ByteWriter writer(block);
  writer.u32(static_cast<std::uint32_t>(head.vendor.size())).bytes(as_bytes(head.vendor));
  writer.u32(static_cast<std::uint32_t>(tags.size()));
  for (const Tag& tag : tags) {
    const std::string text = tag.bare ? tag.name : tag.name + "=" + tag.value;
    writer.u32(static_cast<std::uint32_t>(text.size())).bytes(as_bytes(text));
  }
  return block;
}

void append_block(Bytes& out, std::uint8_t type, BytesView content) {
  out.push_back(type);
  out.push_back(static_cast<std::uint8_t>(content.size() >> 16));
  out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(content.size()));
  out.insert(out.end(), content.begin(), content.end());
}

}  // namespace

std::vector<std::string> values_of(const std::vector<Tag>& tags, std::string_view name) {
  std::vector<std::string> values;
  for (const Tag& tag : tags) {
    if (same_tag(tag.name, name)) values.push_back(tag.value);
  }
  return values;
}

std::string first_value(const std::vector<Tag>& tags, std::string_view name) {
  const auto found = std::find_if(tags.begin(), tags.end(), [&](const Tag& tag) { return same_tag(tag.name, name); });
  return found == tags.end() ? "" : found->value;
}

std::vector<Tag> with_values(std::vector<Tag> tags, std::string_view name, const std::vector<std::string>& values) {
  const auto first = std::find_if(tags.begin(), tags.end(), [&](const Tag& tag) { return same_tag(tag.name, name); });
  auto place = static_cast<std::size_t>(first - tags.begin());
  std::erase_if(tags, [&](const Tag& tag) { return same_tag(tag.name, name); });
  for (const std::string& value : values) tags.insert(tags.begin() + static_cast<std::ptrdiff_t>(place++), Tag{std::string(name), value, false});
  return tags;
}

Result<HeadLength> flac_head_length(BytesView first) {
  if (first.size() < kId3Header) return first.size() < 4 ? Result<HeadLength>(no_flac(first)) : Result<HeadLength>(Error{Errc::malformed, "the file ends inside its metadata"});
  std::size_t at = id3_length(first);
  if (at + 4 > kMaxFlacHead) return Error{Errc::exhausted, "an ID3 tag of " + std::to_string(at) + " bytes stands in front of the FLAC stream"};
  if (at + 4 > first.size()) return HeadLength{at + 4 + kBlockHeader, false};
  if (as_text(first.subspan(at, 4)) != "fLaC") return no_flac(first.subspan(at));
  at += 4;
  for (;;) {
    if (at + kBlockHeader > kMaxFlacHead) return Error{Errc::exhausted, "the metadata is longer than " + std::to_string(kMaxFlacHead / 1024 / 1024) + " MiB"};
    if (at + kBlockHeader > first.size()) return HeadLength{at + kBlockHeader, false};
    const Block block = block_at(first, at);
    at += kBlockHeader + block.size;
    if (block.last) return at > kMaxFlacHead ? Result<HeadLength>(Error{Errc::exhausted, "the metadata is too long"}) : HeadLength{at, true};
  }
}

Result<FlacHead> parse_flac_head(BytesView bytes) {
  const auto blocks = blocks_of(bytes);
  if (!blocks) return blocks.error();
  FlacHead head;
  const Block& last = blocks->back();
  head.bytes = to_bytes(bytes.first(last.offset + kBlockHeader + last.size));
  for (const Block& block : *blocks) {
    if (block.type != kVorbisComment) continue;
    if (const Status read = read_comment(bytes.subspan(block.offset + kBlockHeader, block.size), head); !read) return read.error();
    break;
  }
  return head;
}

Result<Bytes> flac_head_with_tags(const FlacHead& head, const std::vector<Tag>& tags) {
  const auto blocks = blocks_of(head.bytes);
  if (!blocks) return blocks.error();
  const Bytes comment = comment_block(head, tags);
  if (comment.size() > kMaxBlock) return Error{Errc::exhausted, "the tags need " + std::to_string(comment.size()) + " bytes, a FLAC file holds 16 MiB of them"};
  Bytes out(head.bytes.begin(), head.bytes.begin() + static_cast<std::ptrdiff_t>(blocks->front().offset));
  bool written = false;
  for (const Block& block : *blocks) {
    if (block.type == kPadding) continue;
    if (block.type == kVorbisComment && !written) {
      append_block(out, kVorbisComment, comment);
      written = true;
      continue;
    }
    append_block(out, block.type, BytesView(head.bytes).subspan(block.offset + kBlockHeader, block.size));
    if (!written && &block == &blocks->front() && std::none_of(blocks->begin(), blocks->end(), [](const Block& each) { return each.type == kVorbisComment; })) {
      append_block(out, kVorbisComment, comment);
      written = true;
    }
  }
  const std::size_t least = out.size() + kBlockHeader;
  const std::size_t padding = head.bytes.size() >= least && head.bytes.size() - least <= kMaxBlock ? head.bytes.size() - least : kFreshPadding;
  append_block(out, kPadding | 0x80, Bytes(padding, 0));
  return out;
}

}  // namespace ghost::ariascribe
