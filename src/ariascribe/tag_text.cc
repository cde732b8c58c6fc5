#include "ariascribe/tag_text.h"

#include <algorithm>

#include "base/text.h"

namespace ghost::ariascribe {

namespace {

constexpr char32_t kReplacement = 0xfffd;

}  // namespace

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  }
}

std::string utf8_of_latin1(BytesView bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) append_utf8(out, byte);
  return out;
}

std::string utf8_of_utf16(BytesView bytes, bool big_endian) {
  const auto unit = [&](std::size_t at) { return static_cast<char32_t>(big_endian ? bytes[at] << 8 | bytes[at + 1] : bytes[at + 1] << 8 | bytes[at]); };
  std::size_t at = 0;
  if (bytes.size() >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff))) {
    big_endian = bytes[0] == 0xfe;
    at = 2;
  }
  std::string out;
  for (; at + 1 < bytes.size(); at += 2) {
    char32_t c = unit(at);
    if (c >= 0xd800 && c < 0xdc00 && at + 3 < bytes.size() && (unit(at + 2) & 0xfc00) == 0xdc00) {
      c = 0x10000 + ((c & 0x3ff) << 10) + (unit(at + 2) & 0x3ff);
      at += 2;
    } else if (c >= 0xd800 && c < 0xe000) {
      c = kReplacement;
    }
    append_utf8(out, c);
  }
  return out;
}

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint next = first_code_point(text);
    if (next.bytes == 0) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::string utf8_or_escaped(std::string_view text) { return is_utf8(text) ? std::string(text) : printable(text); }

std::string utf8_or_latin1(BytesView bytes) { return is_utf8(as_text(bytes)) ? std::string(as_text(bytes)) : utf8_of_latin1(bytes); }

Bytes utf16_of(std::string_view utf8) {
  Bytes out = {0xff, 0xfe};
  const auto put = [&](char32_t unit) {
    out.push_back(static_cast<std::uint8_t>(unit));
    out.push_back(static_cast<std::uint8_t>(unit >> 8));
  };
  while (!utf8.empty()) {
    const CodePoint next = first_code_point(utf8);
    const char32_t c = next.bytes == 0 ? kReplacement : next.value;
    if (c >= 0x10000) put(0xd800 + ((c - 0x10000) >> 10)), put(0xdc00 + ((c - 0x10000) & 0x3ff));
    else put(c);
    utf8.remove_prefix(std::max<std::size_t>(1, next.bytes));
  }
  return out;
}

std::vector<std::string> split_at_zeros(std::string_view text) {
  std::vector<std::string> all;
  for (;;) {
    const std::size_t zero = text.find('\0');
    if (zero == std::string_view::npos) break;
    all.emplace_back(text.substr(0, zero));
    text.remove_prefix(zero + 1);
  }
  if (!text.empty()) all.emplace_back(text);
  while (!all.empty() && all.back().empty()) all.pop_back();
  return all;
}

}  // namespace ghost::ariascribe
