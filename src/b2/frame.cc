#include "b2/frame.h"

#include <algorithm>
#include <string>

namespace ghost::b2 {

namespace {

enum class Extension : std::uint8_t { padding, timeout, traceparent, idempotency, priority, encoding, epoch };

template <std::size_t N>
bool copy_exactly(BytesView value, std::optional<std::array<std::uint8_t, N>>& out) {
  if (value.size() != N) return false;
  std::copy(value.begin(), value.end(), out.emplace().begin());
  return true;
}

template <class T>
bool read_number(BytesView value, std::optional<T>& out) {
  if (value.size() != sizeof(T)) return false;
  std::uint64_t number = 0;
  for (std::size_t i = value.size(); i-- > 0;) number = number << 8 | value[i];
  out = static_cast<T>(number);
  return true;
}

bool read_extension(std::uint8_t type, BytesView value, Extensions& out) {
  switch (static_cast<Extension>(type)) {
    case Extension::padding: return true;
    case Extension::timeout: return read_number(value, out.timeout_ms);
    case Extension::traceparent: return copy_exactly(value, out.traceparent);
    case Extension::idempotency: return copy_exactly(value, out.idempotency_key);
    case Extension::priority: return read_number(value, out.priority);
    case Extension::encoding: return read_number(value, out.encoding);
    case Extension::epoch: return read_number(value, out.epoch);
  }
  if ((type & 0x80) != 0 && !out.unknown_critical) out.unknown_critical = type;
  return true;
}

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 255 && std::all_of(key.begin(), key.end(), is_key_character);
}

}  // namespace

std::optional<std::uint32_t> read_lone_timeout(BytesView bytes) {
  if (bytes.size() != kTimeoutExtension) return std::nullopt;
  const bool alone = bytes[0] == static_cast<std::uint8_t>(Extension::timeout) && bytes[1] == 4 && bytes[6] == 0 && bytes[7] == 0;
  return alone ? std::optional(detail::get32(bytes.data() + 2)) : std::nullopt;
}

Result<Extensions> read_extensions(BytesView bytes) {
  Extensions out;
  ByteReader in(bytes);
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    if (type == 0) continue;
    const std::uint8_t length = in.u8();
    const BytesView value = in.take(length);
    if (!in.ok()) return Error{Errc::malformed, "extension " + std::to_string(type) + " reaches past the end of the extensions"};
    if (!read_extension(type, value, out)) {
      return Error{Errc::malformed, "extension " + std::to_string(type) + " has " + std::to_string(length) + " bytes"};
    }
  }
  return out;
}

void write_timeout(std::uint32_t timeout_ms, std::uint8_t* at) {
  at[0] = static_cast<std::uint8_t>(Extension::timeout);
  at[1] = 4;
  detail::put32(at + 2, timeout_ms);
  at[6] = at[7] = 0;
}

Bytes write_extensions(const Extensions& extensions) {
  Bytes out;
  ByteWriter writer(out);
  const auto head = [&](Extension type, std::uint8_t length) { writer.u8(static_cast<std::uint8_t>(type)).u8(length); };
  if (extensions.timeout_ms) {
    head(Extension::timeout, 4);
    writer.u32(*extensions.timeout_ms);
  }
  if (extensions.traceparent) {
    head(Extension::traceparent, 25);
    writer.bytes(*extensions.traceparent);
  }
  if (extensions.idempotency_key) {
    head(Extension::idempotency, 16);
    writer.bytes(*extensions.idempotency_key);
  }
  if (extensions.priority) {
    head(Extension::priority, 1);
    writer.u8(*extensions.priority);
  }
  if (extensions.encoding) {
    head(Extension::encoding, 1);
    writer.u8(*extensions.encoding);
  }
  if (extensions.epoch) {
    head(Extension::epoch, 8);
    writer.u64(*extensions.epoch);
  }
  out.resize((out.size() + 3) / 4 * 4);
  return out;
}

Result<BytesView> read_metadata(BytesView payload, Metadata& out) {
  ByteReader in(payload);
  const std::uint16_t length = in.u16();
  if (length > kMaxMetadata) {
    return Error{Errc::exhausted, "metadata of " + std::to_string(length) + " bytes; the limit is " + std::to_string(kMaxMetadata)};
  }
  ByteReader entries(in.take(length));
  if (!in.ok()) return Error{Errc::malformed, "metadata reaches past the end of its frame"};
  while (entries.remaining() > 0) {
    const std::string_view key = as_text(entries.take(entries.u8()));
    const std::string_view value = as_text(entries.take(entries.u16()));
    if (!entries.ok() || !is_key(key)) return Error{Errc::malformed, "malformed metadata"};
    out.emplace_back(key, value);
  }
  return in.rest();
}

Result<Bytes> write_metadata(const Metadata& metadata) {
  Bytes entries;
  ByteWriter writer(entries);
  for (const auto& [key, value] : metadata) {
    if (!is_key(key)) return Error{Errc::malformed, "metadata key '" + key + "': a-z, 0-9, '-', '_' and '.' only, 1 to 255 of them"};
    if (value.size() > 0xffff) return Error{Errc::exhausted, "metadata '" + key + "' is too long"};
    writer.u8(static_cast<std::uint8_t>(key.size())).bytes(as_bytes(key));
    writer.u16(static_cast<std::uint16_t>(value.size())).bytes(as_bytes(value));
  }
  if (entries.size() > kMaxMetadata) {
    return Error{Errc::exhausted, "metadata of " + std::to_string(entries.size()) + " bytes; the limit is " + std::to_string(kMaxMetadata)};
  }
  Bytes out;
  ByteWriter(out).u16(static_cast<std::uint16_t>(entries.size())).bytes(entries);
  return out;
}

}  // namespace ghost::b2
