#include "b2/descriptor_set.h"

#include <optional>
#include <set>
#include <string>

namespace ghost::b2 {

namespace {

/// The few wire shapes that stand in a FileDescriptorSet: a varint key and length-delimited fields.
std::optional<std::uint64_t> read_varint(ByteReader& in) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = in.u8();
    if (!in.ok()) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

constexpr std::uint64_t kField1Bytes = 1 << 3 | 2;

/// The next length-delimited field 1 of a message: `file` of a set, `name` of a file, which stands first in each.
std::optional<BytesView> next_field_1(ByteReader& in) {
  if (in.remaining() == 0 || read_varint(in) != kField1Bytes) return std::nullopt;
  const auto length = read_varint(in);
  if (!length || *length > in.remaining()) return std::nullopt;
  return in.take(static_cast<std::size_t>(*length));
}

void write_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

Bytes merge_descriptor_sets(std::span<const BytesView> sets) {
  Bytes out;
  std::set<std::string, std::less<>> seen;
  for (const BytesView set : sets) {
    ByteReader files(set);
    while (const auto file = next_field_1(files)) {
      ByteReader fields(*file);
      const auto name = next_field_1(fields);
      if (!name || !seen.insert(std::string(as_text(*name))).second) continue;
      write_varint(out, kField1Bytes);
      write_varint(out, file->size());
      out.insert(out.end(), file->begin(), file->end());
    }
  }
  return out;
}

}  // namespace ghost::b2
