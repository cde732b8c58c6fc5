#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(BytesView view) { return {view.begin(), view.end()}; }

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(BytesView bytes);
/// The reverse; malformed when the length is odd or a character is no hexadecimal digit. White space is skipped.
Result<Bytes> from_hex(std::string_view hex);

/// Reads little-endian numbers and runs of bytes from a stranger's buffer. Never past the end: a read that does not fit gives
/// zero or nothing, and ok() stays false from then on, so a message is read straight through and checked once.
class ByteReader {
 public:
  explicit ByteReader(BytesView bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(number(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  BytesView take(std::size_t count);
  /// As many bytes as `out` holds; where they are not there, it stays as it is.
  void fill(std::span<std::uint8_t> out);
  BytesView rest() { return take(remaining()); }

  std::size_t remaining() const { return bytes_.size() - at_; }
  bool ok() const { return ok_; }

 private:
  std::uint64_t number(std::size_t width);

  BytesView bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// Writes little-endian numbers and runs of bytes at the end of a buffer.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  ByteWriter& u8(std::uint8_t v) { return number(v, 1); }
  ByteWriter& u16(std::uint16_t v) { return number(v, 2); }
  ByteWriter& u24(std::uint32_t v) { return number(v, 3); }
  ByteWriter& u32(std::uint32_t v) { return number(v, 4); }
  ByteWriter& u64(std::uint64_t v) { return number(v, 8); }
  ByteWriter& bytes(BytesView v);

 private:
  ByteWriter& number(std::uint64_t v, std::size_t width);

  Bytes& out_;
};

}  // namespace ghost
