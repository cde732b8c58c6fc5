#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "b2/service.h"

/// The one place that knows byte offsets of the b2 protocol (docs/spec/b2.md §2).
namespace ghost::b2 {

inline constexpr std::array<std::uint8_t, 4> kPreface = {'b', '2', '\r', '\n'};
inline constexpr std::size_t kHeaderSize = 16;
inline constexpr std::size_t kMaxExtensions = 64;
inline constexpr std::size_t kMaxMetadata = 8192;
inline constexpr std::size_t kMaxFramePayload = 1024 * 1024;
inline constexpr std::size_t kMaxErrorText = 8192;
inline constexpr std::uint8_t kEncodingZstd = 1;  ///< of the extension ENCODING

enum class FrameType : std::uint8_t {
  hello = 1,
  hello_update = 2,
  call = 3,
  data = 4,
  resp = 5,
  credit = 6,
  cancel = 7,
  ping = 8,
  pong = 9,
  goaway = 10,
  upgrade = 11
};

namespace flag {
inline constexpr std::uint8_t kEnd = 1;
inline constexpr std::uint8_t kMore = 2;
inline constexpr std::uint8_t kCompressed = 4;
inline constexpr std::uint8_t kMeta = 8;
}  // namespace flag

struct FrameHeader {
  std::uint32_t length = 0;  ///< bytes of payload, 24 bits
  FrameType type{};
  std::uint32_t stream = 0;
  std::uint8_t flags = 0;
  std::uint8_t extension_words = 0;  ///< units of 4 bytes
  std::uint16_t code = 0;
  std::uint32_t credit = 0;

  std::size_t extension_bytes() const { return std::size_t{extension_words} * 4; }
  std::size_t total() const { return kHeaderSize + extension_bytes() + length; }
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

namespace detail {
/// Little-endian, in one piece: gathering bytes or halves in the way of a vector stalls the processor.
inline std::uint32_t get32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}
inline void put32(std::uint8_t* at, std::uint32_t value) {
  if (std::endian::native != std::endian::little) value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}
}  // namespace detail

/// Writes 16 bytes at `at`.
inline void write_header(const FrameHeader& header, std::uint8_t* at) {
  detail::put32(at, header.length | static_cast<std::uint32_t>(header.type) << 24);
  detail::put32(at + 4, header.stream);
  detail::put32(at + 8, header.flags | std::uint32_t{header.extension_words} << 8 | std::uint32_t{header.code} << 16);
  detail::put32(at + 12, header.credit);
}

/// Reads 16 bytes; every pattern is a header, what it means is judged by the channel.
inline FrameHeader read_header(const std::uint8_t* at) {
  const std::uint32_t first = detail::get32(at), third = detail::get32(at + 8);
  FrameHeader header;
  header.length = first & 0xffffff;
  header.type = static_cast<FrameType>(first >> 24);
  header.stream = detail::get32(at + 4);
  header.flags = static_cast<std::uint8_t>(third);
  header.extension_words = static_cast<std::uint8_t>(third >> 8);
  header.code = static_cast<std::uint16_t>(third >> 16);
  header.credit = detail::get32(at + 12);
  return header;
}

struct Extensions {
  std::optional<std::uint32_t> timeout_ms;
  std::optional<std::array<std::uint8_t, 25>> traceparent;
  std::optional<std::array<std::uint8_t, 16>> idempotency_key;
  std::optional<std::uint8_t> priority;
  std::optional<std::uint8_t> encoding;
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint8_t> unknown_critical;  ///< an unknown type with bit 7 set: the call is refused

  friend bool operator==(const Extensions&, const Extensions&) = default;
};

/// The extensions of a frame; malformed when one reaches past the end or has the wrong length.
Result<Extensions> read_extensions(BytesView bytes);
/// Writes the TIMEOUT extension, padded: 8 bytes at `at`. What most calls carry and no more.
void write_timeout(std::uint32_t timeout_ms, std::uint8_t* at);
inline constexpr std::size_t kTimeoutExtension = 8;
/// The timeout, when the extensions are those that write_timeout() makes, as they mostly are; nothing says that
/// read_extensions() has to look.
std::optional<std::uint32_t> read_lone_timeout(BytesView bytes);
/// All that are set, padded to a multiple of 4; at most kMaxExtensions bytes.
Bytes write_extensions(const Extensions& extensions);

/// Splits the metadata off the front of a payload with flag META: what is left is the message. malformed, or exhausted beyond
/// kMaxMetadata.
Result<BytesView> read_metadata(BytesView payload, Metadata& out);
/// The metadata block with its length, to stand before a message. malformed for a key that is not of the alphabet, exhausted
/// beyond kMaxMetadata.
Result<Bytes> write_metadata(const Metadata& metadata);

}  // namespace ghost::b2
