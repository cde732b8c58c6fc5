#include "ariascribe/vorbis_comment.h"

namespace ghost::ariascribe {

namespace {

Result<std::string> comment_text(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  if (!reader.ok() || length > reader.remaining()) return Error{Errc::malformed, "the tags' block is damaged: a text is longer than the block"};
  return std::string(as_text(reader.take(length)));
}

}  // namespace

Result<VorbisComment> parse_vorbis_comment(BytesView block) {
  VorbisComment comment;
  ByteReader reader(block);
  auto vendor = comment_text(reader);
  if (!vendor) return vendor.error();
  comment.vendor = std::move(*vendor);
  const std::uint32_t count = reader.u32();
  if (!reader.ok()) return Error{Errc::malformed, "the tags' block is damaged: the number of tags is missing"};
  for (std::uint32_t i = 0; i < count; ++i) {
    auto text = comment_text(reader);
    if (!text) return text.error();
    const std::size_t equals = text->find('=');
    // What has no "=" is kept as it is, under its whole text.
    if (equals == std::string::npos) comment.tags.push_back({std::move(*text), "", true});
    else comment.tags.push_back({text->substr(0, equals), text->substr(equals + 1), false});
  }
  comment.behind = to_bytes(reader.rest());
  return comment;
}

Bytes vorbis_comment_bytes(const VorbisComment& comment) {
  Bytes block;
  ByteWriter writer(block);
  writer.u32(static_cast<std::uint32_t>(comment.vendor.size())).bytes(as_bytes(comment.vendor));
  writer.u32(static_cast<std::uint32_t>(comment.tags.size()));
  for (const Tag& tag : comment.tags) {
    const std::string text = tag.bare ? tag.name : tag.name + "=" + tag.value;
    writer.u32(static_cast<std::uint32_t>(text.size())).bytes(as_bytes(text));
  }
  writer.bytes(comment.behind);
  return block;
}

}  // namespace ghost::ariascribe
