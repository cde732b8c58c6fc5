#include "audiojuggler/charset.h"

#include <array>

#include "base/text.h"

namespace ghost::audiojuggler {

namespace {

/// Windows-1252, 0x80 to 0x9f; 0 where it has no character.
constexpr std::array<char16_t, 32> kWindows = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                               0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                               0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

void append(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = first_code_point(text);
    if (first.bytes == 0) return false;
    text.remove_prefix(first.bytes);
  }
  return true;
}

}  // namespace

std::string to_utf8(BytesView bytes) {
  std::string_view text = as_text(bytes);
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    const bool windows = c >= 0x80 && c < 0xA0 && kWindows[c - 0x80u] != 0;
    append(out, windows ? kWindows[c - 0x80u] : c);
  }
  return out;
}

std::string latin1_to_utf8(BytesView text) {
  std::string out;
  for (const std::uint8_t c : text) append(out, c);
  return out;
}

Result<Bytes> utf8_to_latin1(std::string_view text) {
  Bytes out;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    if (c.bytes == 0) return Error{Errc::malformed, "the text is not UTF-8"};
    if (c.value > 0xFF) return Error{Errc::unsupported, "'" + std::string(text.substr(0, c.bytes)) + "' is no character of ISO 8859-1, which CD-TEXT is written in"};
    out.push_back(static_cast<std::uint8_t>(c.value));
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace ghost::audiojuggler
