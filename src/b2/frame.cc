#include "b2/frame.h"

#include <algorithm>
#include <string>

namespace ghost::b2 {

namespace {

void put(std::uint8_t* at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint32_t get(const std::uint8_t* at, std::size_t width) {
  std::uint32_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | at[i];
  return value;
}

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

void write_header(const FrameHeader& header, std::uint8_t* at) {
  put(at, header.length, 3);
  at[3] = static_cast<std::uint8_t>(header.type);
  put(at + 4, header.stream, 4);
  at[8] = header.flags;
  at[9] = header.extension_words;
  put(at + 10, header.code, 2);
  put(at + 12, header.credit, 4);
}

FrameHeader read_header(const std::uint8_t* at) {
  FrameHeader header;
  header.length = get(at, 3);
  header.type = static_cast<FrameType>(at[3]);
  header.stream = get(at + 4, 4);
  header.flags = at[8];
  header.extension_words = at[9];
  header.code = static_cast<std::uint16_t>(get(at + 10, 2));
  header.credit = get(at + 12, 4);
  return header;
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
  put(at + 2, timeout_ms, 4);
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
