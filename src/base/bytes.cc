#include "base/bytes.h"

#include <algorithm>

namespace ghost {

std::string to_hex(BytesView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::uint8_t b : bytes) {
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<Bytes> from_hex(std::string_view hex) {
  Bytes bytes;
  int high = -1;
  for (char c : hex) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    const int value = digit_value(c);
    if (value < 0) return Error{Errc::malformed, std::string("'") + c + "' is no hexadecimal digit"};
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | value));
      high = -1;
    }
  }
  if (high >= 0) return Error{Errc::malformed, "an odd number of hexadecimal digits"};
  return bytes;
}

BytesView ByteReader::take(std::size_t count) {
  if (count > remaining()) {
    ok_ = false;
    at_ = bytes_.size();
    return {};
  }
  const BytesView run = bytes_.subspan(at_, count);
  at_ += count;
  return run;
}

void ByteReader::fill(std::span<std::uint8_t> out) { std::ranges::copy(take(out.size()), out.begin()); }

std::uint64_t ByteReader::number(std::size_t width) {
  std::uint64_t value = 0;
  const BytesView run = take(width);
  for (std::size_t i = run.size(); i-- > 0;) value = value << 8 | run[i];
  return value;
}

ByteWriter& ByteWriter::bytes(BytesView v) {
  out_.insert(out_.end(), v.begin(), v.end());
  return *this;
}

ByteWriter& ByteWriter::number(std::uint64_t v, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  return *this;
}

}  // namespace ghost
