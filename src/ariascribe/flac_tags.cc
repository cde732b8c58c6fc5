#include "ariascribe/flac_tags.h"

#include <algorithm>

#include "ariascribe/id3_frames.h"
#include "ariascribe/vorbis_comment.h"
#include "base/text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::uint8_t kPadding = 1, kVorbisComment = 4, kInvalid = 127;
constexpr std::size_t kBlockHeader = 4, kMaxBlock = 0xffffff;
constexpr std::size_t kFlacPadding = 4096;

struct Block {
  std::uint8_t type = 0;
  bool last = false;
  std::uint64_t offset = 0;  ///< of its header
  std::size_t size = 0;      ///< without its header
};

Error no_flac(BytesView first) {
  const std::string begins = first.empty() ? "it is empty" : "it begins with '" + printable(as_text(first.first(std::min<std::size_t>(4, first.size())))) + "'";
  return {Errc::malformed, "this is no FLAC file: " + begins + " where 'fLaC' should stand"};
}

Result<std::vector<Block>> blocks_of(const ByteSource& file) {
  std::uint64_t at = id3_length(file, 0);
  const auto magic = file.read(std::min(at, file.size()), static_cast<std::size_t>(std::min<std::uint64_t>(4, file.size() - std::min(at, file.size()))));
  if (!magic) return magic.error();
  if (as_text(*magic) != "fLaC") return no_flac(*magic);
  at += 4;
  std::vector<Block> blocks;
  for (;;) {
    const auto header = file.read(at, kBlockHeader);
    if (!header) return header.error();
    const Block block{static_cast<std::uint8_t>((*header)[0] & 0x7f), ((*header)[0] & 0x80) != 0, at, static_cast<std::size_t>(big_endian(*header, 1, 3))};
    if (block.type == kInvalid) return Error{Errc::malformed, "the metadata block at byte " + std::to_string(at) + " is of no known type"};
    at += kBlockHeader + block.size;
    if (at > file.size()) return Error{Errc::malformed, "the file ends inside its metadata: a block of " + std::to_string(block.size) + " bytes is cut off"};
    if (at > kMaxTagBytes) return Error{Errc::exhausted, "the metadata is longer than " + std::to_string(kMaxTagBytes / 1024 / 1024) + " MiB"};
    blocks.push_back(block);
    if (block.last) return blocks;
  }
}

Result<VorbisComment> comment_of(const ByteSource& file, const std::vector<Block>& blocks) {
  const auto block = std::find_if(blocks.begin(), blocks.end(), [](const Block& each) { return each.type == kVorbisComment; });
  if (block == blocks.end()) return VorbisComment{};
  const auto bytes = file.read(block->offset + kBlockHeader, block->size);
  if (!bytes) return bytes.error();
  return parse_vorbis_comment(*bytes);
}

std::uint64_t end_of(const Block& block) { return block.offset + kBlockHeader + block.size; }

void append_block(Bytes& out, std::uint8_t type, BytesView content) {
  out.push_back(type);
  append_big_endian(out, content.size(), 3);
  append(out, content);
}

/// "fLaC" and the blocks, the comment replaced, padding left out.
Bytes head_with(BytesView head, const std::vector<Block>& blocks, BytesView comment) {
  Bytes out = to_bytes(head.first(static_cast<std::size_t>(blocks.front().offset)));
  const bool has_one = std::any_of(blocks.begin(), blocks.end(), [](const Block& each) { return each.type == kVorbisComment; });
  bool written = false;
  for (const Block& block : blocks) {
    if (block.type == kPadding) continue;
    if (block.type == kVorbisComment && !written) {
      append_block(out, kVorbisComment, comment);
      written = true;
      continue;
    }
    append_block(out, block.type, head.subspan(static_cast<std::size_t>(block.offset) + kBlockHeader, block.size));
    if (!has_one && !written) {
      append_block(out, kVorbisComment, comment);
      written = true;
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Tag>> flac_tags(const ByteSource& file) {
  const auto blocks = blocks_of(file);
  if (!blocks) return blocks.error();
  auto comment = comment_of(file, *blocks);
  if (!comment) return comment.error();
  return std::move(comment->tags);
}

Result<std::uint64_t> flac_audio(const ByteSource& file) {
  const auto blocks = blocks_of(file);
  if (!blocks) return blocks.error();
  return end_of(blocks->back());
}

Result<std::vector<Splice>> flac_splices(const ByteSource& file, const std::vector<Tag>& tags) {
  const auto blocks = blocks_of(file);
  if (!blocks) return blocks.error();
  auto comment = comment_of(file, *blocks);
  if (!comment) return comment.error();
  auto head = file.read(0, static_cast<std::size_t>(end_of(blocks->back())));
  if (!head) return head.error();
  comment->tags = tags;
  const Bytes bytes = vorbis_comment_bytes(*comment);
  if (bytes.size() > kMaxBlock) return Error{Errc::exhausted, "the tags need " + std::to_string(bytes.size()) + " bytes, a FLAC file holds 16 MiB of them"};
  Bytes out = head_with(*head, *blocks, bytes);
  const std::size_t least = out.size() + kBlockHeader;
  const std::size_t padding = head->size() >= least && head->size() - least <= kMaxBlock ? head->size() - least : kFlacPadding;
  append_block(out, kPadding | 0x80, Bytes(padding, 0));
  return std::vector<Splice>{{0, std::move(*head), std::move(out)}};
}

}  // namespace ghost::ariascribe
