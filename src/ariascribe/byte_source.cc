#include "ariascribe/byte_source.h"

#include <algorithm>

namespace ghost::ariascribe {

Status ByteSource::within(std::uint64_t offset, std::size_t count) const {
  if (offset > size() || count > size() - offset) return Error{Errc::malformed, "the file is cut off: it ends at byte " + std::to_string(size()) + ", inside its metadata"};
  return {};
}

Result<Bytes> MemorySource::read(std::uint64_t offset, std::size_t count) const {
  if (const Status fits = within(offset, count); !fits) return fits.error();
  return to_bytes(bytes_.subspan(static_cast<std::size_t>(offset), count));
}

SplicedSource::SplicedSource(const ByteSource& file, const std::vector<Splice>& splices) : file_(file) {
  std::uint64_t from = 0;
  const auto add = [&](std::uint64_t size, const Splice* splice) {
    if (size > 0) pieces_.push_back({size_, size, from, splice});
    size_ += size;
  };
  for (const Splice& splice : splices) {
    add(splice.offset - from, nullptr);
    add(splice.after.size(), &splice);
    from = splice.offset + splice.before.size();
  }
  add(file.size() - from, nullptr);
}

Result<Bytes> SplicedSource::read(std::uint64_t offset, std::size_t count) const {
  if (const Status fits = within(offset, count); !fits) return fits.error();
  Bytes out;
  out.reserve(count);
  auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), offset, [](std::uint64_t at, const Piece& each) { return at < each.at + each.size; });
  for (; out.size() < count; ++piece) {
    const std::uint64_t inside = offset + out.size() - piece->at;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(piece->size - inside, count - out.size()));
    if (piece->splice != nullptr) {
      append(out, BytesView(piece->splice->after).subspan(static_cast<std::size_t>(inside), length));
      continue;
    }
    const auto bytes = file_.read(piece->from + inside, length);
    if (!bytes) return bytes.error();
    append(out, *bytes);
  }
  return out;
}

std::uint64_t big_endian(BytesView bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | bytes[at + i];
  return value;
}

void append_big_endian(Bytes& out, std::uint64_t value, std::size_t width) {
  for (std::size_t i = width; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void append(Bytes& out, BytesView more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace ghost::ariascribe
